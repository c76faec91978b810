//! What must hold of the figures, whatever the pictures.

use texnet_infer::Image;
use texnet_score::{Exemplar, MAX_PIXELS, MIN_SIDE, Score, ScoreError, diversity, score};

/// A coloured texture without period: bumps at hashed places.
fn texture(seed: u32, height: usize, width: usize) -> Image {
    let hash = |i: u32| {
        let x = (i ^ seed.wrapping_mul(0x9E37_79B9)).wrapping_mul(0x85EB_CA6B);
        let x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
        (x ^ (x >> 16)) as f32 / u32::MAX as f32
    };
    let mut image = Image::from_fn(height, width, |_, _| [0.3, 0.4, 0.35]);
    for i in 0..(height * width / 40) as u32 {
        let [y, x] = [hash(6 * i) * height as f32, hash(6 * i + 1) * width as f32];
        let radius = 2.0 + 4.0 * hash(6 * i + 2);
        let colour = [3, 4, 5].map(|k| hash(6 * i + k));
        for (v, u) in (0..196).map(|k| (y as i64 + k / 14 - 7, x as i64 + k % 14 - 7)) {
            let apart = (v as f32 - y).hypot(u as f32 - x);
            if apart < radius && (0..height as i64).contains(&v) && (0..width as i64).contains(&u) {
                let shade = 1.0 - 0.6 * (apart / radius).powi(2);
                (0..3).for_each(|c| image.row_mut(c, v as usize)[u as usize] = shade * colour[c]);
            }
        }
    }
    image
}

fn blurred(image: &Image) -> Image {
    let inside = |v: usize, d: usize, side: usize| (v + d).saturating_sub(1).min(side - 1);
    Image::from_fn(image.height(), image.width(), |y, x| {
        let around =
            (0..9).map(|i| image.pixel(inside(y, i / 3, image.height()), inside(x, i % 3, image.width())));
        around.fold([0.0; 3], |sum, p| [0, 1, 2].map(|c| sum[c] + p[c] / 9.0))
    })
}

fn tiled(image: &Image) -> Image {
    let [rows, columns] = [image.height() / 2, image.width() / 2];
    Image::from_fn(image.height(), image.width(), |y, x| image.pixel(y % rows, x % columns))
}

fn scored(exemplar: &Image, picture: &Image) -> Score {
    score(exemplar, picture).expect("pictures that are scored")
}

#[test]
fn a_picture_is_as_near_to_itself_as_can_be() {
    let image = texture(1, 96, 110);
    let own = scored(&image, &image);
    assert_eq!((own.swd, own.spec, own.copy, own.repetition), (0.0, 0.0, 1.0, 0.0));
    assert_eq!(own.swd_octaves, [0.0; 4]);
    assert!(own.fit < 0.01 && own.cover < 0.01, "{own:?}");
}

#[test]
fn each_fault_raises_its_figure() {
    let exemplar = Exemplar::new(&texture(1, 128, 128)).expect("an exemplar");
    let scored = |picture: &Image| exemplar.score(picture).expect("pictures that are scored");
    let other = texture(2, 128, 128);
    let good = scored(&other);
    let blurred = scored(&blurred(&other));
    assert!(blurred.swd_octaves[0] > 2.0 * good.swd_octaves[0], "{good:?} {blurred:?}");
    assert!(blurred.spec > good.spec + 2.0, "{good:?} {blurred:?}");
    let brighter = scored(&Image::from_fn(128, 128, |y, x| other.pixel(y, x).map(|v| v + 0.1)));
    assert!(brighter.swd_octaves[3] > 2.0 * good.swd_octaves[3], "{good:?} {brighter:?}");
    let tiled = scored(&tiled(&other));
    assert!(tiled.repetition > 0.7 && good.repetition.abs() < 0.2, "{good:?} {tiled:?}");
    let own = texture(1, 128, 128);
    let corner = scored(&Image::from_fn(70, 64, |y, x| own.pixel(y + 20, x + 32)));
    assert!(
        corner.fit < 0.01 && corner.cover > 0.5 * good.cover && corner.copy == 1.0,
        "{good:?} {corner:?}"
    );
}

#[test]
fn pictures_of_any_shape_are_scored_or_refused_with_one_sentence() {
    let exemplar = Exemplar::new(&texture(1, 60, 57)).expect("an exemplar");
    for (height, width, octaves) in [(24, 24, 2), (25, 131, 2), (131, 28, 3), (55, 200, 3), (56, 59, 4)] {
        let score = exemplar.score(&texture(3, height, width)).expect("a picture that is scored");
        assert_eq!(score.swd_octaves.len(), octaves, "{height}x{width}");
        let figures =
            [score.swd, score.spec, score.fit, score.cover, score.copy, score.repetition, score.seam];
        assert!(figures.iter().all(|v| v.is_finite()), "{height}x{width}: {score:?}");
        assert!(scored(&texture(3, height, width), &texture(1, 60, 57)).swd.is_finite());
    }
    for (height, width) in [(0, 0), (1, 1), (1, 300), (300, 1), (23, 24), (24, 23)] {
        let error = exemplar.score(&Image::new(height, width)).expect_err("too small");
        assert_eq!(error, ScoreError::Small { height, width });
        assert!(error.to_string().contains(&format!("{width}x{height}")));
        assert_eq!(Exemplar::new(&Image::new(height, width)).err(), Some(error));
    }
    let long = Image::new(MIN_SIDE, MAX_PIXELS / MIN_SIDE + 1);
    assert!(matches!(exemplar.score(&long), Err(ScoreError::Large { height: MIN_SIDE, .. })));
}

#[test]
fn values_that_are_no_numbers_are_refused() {
    for value in [f32::NAN, f32::INFINITY] {
        let mut image = texture(1, 30, 30);
        image.data_mut()[1000] = value;
        assert_eq!(score(&texture(1, 30, 30), &image), Err(ScoreError::NotFinite));
        assert_eq!(score(&image, &texture(1, 30, 30)), Err(ScoreError::NotFinite));
    }
}

#[test]
fn flat_pictures_have_a_score() {
    let flat = |v| Image::from_fn(64, 64, |_, _| [v; 3]);
    let same = scored(&flat(0.5), &flat(0.5));
    assert_eq!((same.swd, same.spec, same.copy, same.repetition, same.seam), (0.0, 0.0, 1.0, 0.0, 1.0));
    let other = scored(&flat(0.25), &flat(0.75));
    assert!(other.swd > 1.0 && other.copy == 0.0 && other.fit < 0.01, "{other:?}");
}

#[test]
fn the_score_does_not_depend_on_the_number_of_threads() {
    let [a, b] = [1, 2].map(|seed| texture(seed, 90, 80));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| (scored(&a, &b), diversity(&[&a, &b, &a])))
    };
    assert_eq!(with(1), with(2));
    assert_eq!(with(1), with(5));
}

#[test]
fn a_score_is_written_with_a_member_for_each_figure() {
    let value = serde_json::to_value(scored(&texture(1, 60, 60), &texture(2, 60, 60))).expect("JSON");
    let names = ["swd", "swd_octaves", "spec", "fit", "cover", "copy", "repetition", "seam"];
    assert_eq!(value.as_object().map(serde_json::Map::len), Some(names.len()));
    assert!(names.iter().all(|name| !value[name].is_null()));
}
