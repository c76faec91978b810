//! The exemplars as pictures: repeatable, distinct, usable for learning, and the same as the committed files.

use std::path::Path;

use texnet_exemplars::{Image, MATERIALS, Material, SIZE, Window, names, paint};

/// The committed picture of a material.
fn committed(name: &str) -> Image {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/exemplars");
    let photo = texnet_io::read(&folder.join(name).with_extension("png"));
    photo
        .expect(
            "every exemplar is committed: run `cargo run --release -p texnet-exemplars -- assets/exemplars`",
        )
        .to_image()
}

fn window(x: i64, y: i64, side: usize) -> Window {
    Window { x, y, width: side, height: side }
}

/// Mean and standard deviation of a square of a picture, over all channels.
fn statistics(image: &Image, x: usize, y: usize, side: usize) -> (f32, f32) {
    let rows = (0..3).flat_map(|c| (y..y + side).map(move |row| (c, row)));
    let values: Vec<f32> = rows.flat_map(|(c, row)| image.row(c, row)[x..x + side].iter().copied()).collect();
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
    (mean, variance.sqrt())
}

/// The largest difference between `part` and the pixels of `whole` from row `y` and column `x` on, in steps of 8 bits.
fn steps_apart(part: &Image, whole: &Image, x: usize, y: usize) -> f32 {
    let step = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round();
    let pixels = (0..part.height()).flat_map(|i| (0..part.width()).map(move |j| (i, j)));
    let apart = pixels.flat_map(|(i, j)| {
        let (a, b) = (part.pixel(i, j), whole.pixel(y + i, x + j));
        [0, 1, 2].map(|c| (step(a[c]) - step(b[c])).abs())
    });
    apart.fold(0.0, f32::max)
}

#[test]
fn committed_pictures_are_what_the_program_paints() {
    for (i, material) in MATERIALS.iter().enumerate() {
        let (x, y) = (17 * i % (SIZE - 24), 53 * i % (SIZE - 24));
        let part = material.paint(window(x as i64, y as i64, 24));
        let apart = steps_apart(&part, &committed(material.name), x, y);
        assert!(apart <= 1.0, "{} at {x}, {y} is {apart} steps from the committed picture", material.name);
    }
}

#[test]
fn windows_of_one_picture_agree_to_the_last_bit() {
    let check = |material: &Material| {
        let (one, other) = (material.paint(window(200, 90, 5)), material.paint(window(202, 88, 7)));
        let same = (0..5).all(|y| (0..3).all(|x| one.pixel(y, x + 2) == other.pixel(y + 2, x)));
        assert!(same, "{} differs from window to window", material.name);
    };
    MATERIALS.iter().for_each(check);
}

#[test]
fn every_picture_is_usable_as_an_exemplar() {
    for name in names() {
        let image = committed(name);
        assert_eq!([image.height(), image.width()], [SIZE, SIZE], "{name}");
        let (mean, deviation) = statistics(&image, 0, 0, SIZE);
        assert!((0.15..0.7).contains(&mean), "{name} has a mean of {mean}");
        assert!(deviation > 0.08, "{name} has a standard deviation of {deviation}");
        let clipped = image.data().iter().filter(|&&v| v <= 0.0 || v >= 1.0).count();
        assert!(clipped * 100 <= image.data().len(), "{name} has {clipped} clipped values");
    }
}

#[test]
fn every_picture_is_the_same_all_over() {
    let half = SIZE / 2;
    for name in names() {
        let image = committed(name);
        let (mean, deviation) = statistics(&image, 0, 0, SIZE);
        for (x, y) in [(0, 0), (half, 0), (0, half), (half, half)] {
            let (m, d) = statistics(&image, x, y, half);
            assert!((m - mean).abs() < 0.03, "{name} at {x}, {y}: mean {m} of {mean}");
            // A quarter of the pebbles is some forty stones: their deviation varies by a tenth.
            assert!(
                (d - deviation).abs() < 0.15 * deviation,
                "{name} at {x}, {y}: deviation {d} of {deviation}"
            );
        }
    }
}

#[test]
fn no_two_pictures_are_alike() {
    let images: Vec<(&str, Image)> = names().map(|name| (name, committed(name))).collect();
    for (i, (name, image)) in images.iter().enumerate() {
        for (other, second) in &images[..i] {
            let apart = image.data().iter().zip(second.data()).map(|(a, b)| (a - b).abs()).sum::<f32>();
            assert!(apart / image.data().len() as f32 > 0.05, "{name} and {other} look the same");
        }
    }
}

#[test]
fn an_unknown_name_has_no_picture() {
    assert!(paint("velvet").is_none());
}
