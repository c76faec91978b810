//! That textures are functions of the place, and differ.

use super::*;

const SIDE: usize = 32;

fn view(x: f32, y: f32) -> View {
    View { origin: [x, y], angle: 0.0, scale: 1.0 }
}

fn deviation(image: &Image) -> f32 {
    let mean = image.data().iter().sum::<f32>() / image.data().len() as f32;
    (image.data().iter().map(|v| (v - mean).powi(2)).sum::<f32>() / image.data().len() as f32).sqrt()
}

#[test]
fn views_that_overlap_agree_there() {
    for seed in 0..40 {
        let texture = RandomTexture::new(seed);
        let [a, b] = [view(100.0, -40.0), view(110.0, -35.0)].map(|view| texture.paint(SIDE, view));
        for y in 5..SIDE {
            for x in 10..SIDE {
                let [was, is] = [a.pixel(y, x), b.pixel(y - 5, x - 10)];
                let near = was.iter().zip(is).all(|(a, b)| (a - b).abs() < 1e-3);
                assert!(near, "seed {seed} at {y}, {x}: {was:?} {is:?}");
            }
        }
    }
}

#[test]
fn textures_are_pictures_and_differ() {
    let paint = |seed| RandomTexture::new(seed).paint(SIDE, view(0.0, 0.0));
    let pictures: Vec<Image> = (0..64).map(paint).collect();
    assert_eq!(pictures[7], paint(7));
    for (seed, picture) in pictures.iter().enumerate() {
        assert!(picture.data().iter().all(|v| (0.0..=1.0).contains(v)), "seed {seed}");
        assert!(deviation(picture) > 0.01, "seed {seed} is plain");
    }
    let apart = |(a, b): (&Image, &Image)| {
        a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.data().len() as f32
    };
    let mean = pictures.iter().zip(&pictures[1..]).map(apart).sum::<f32>() / 63.0;
    assert!(mean > 0.15, "{mean}");
}

#[test]
fn all_families_occur() {
    let family = |seed| std::mem::discriminant(&RandomTexture::new(seed).family);
    let found: std::collections::HashSet<_> = (0..200).map(family).collect();
    assert_eq!(found.len(), 5);
}
