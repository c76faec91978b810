use super::*;
use crate::loss::golden::{self, Golden, image};

fn config() -> NearestConfig {
    NearestConfig { side: 5, components: 12, places: 64, candidates: 128, ..NearestConfig::default() }
}

/// Central differences along random directions. The distance jumps where a patch is drawn to another, but not when
/// that is the nearest by all of its components.
#[test]
fn the_gradient_is_that_of_finite_differences() {
    for batch in [1, 2] {
        let config = NearestConfig { balance: f32::INFINITY, components: 75, ..config() };
        let loss = Nearest::new(&config, &[image(1, 48)], [32, 32]).expect("a loss");
        let pictures: Vec<f32> = (0..batch).flat_map(|i| image(7 + i, 32).data().to_vec()).collect();
        let slope = golden::relative_slope(&pictures, 2e-3, |pictures| loss.measure(pictures, 3));
        assert!((slope - 1.0).abs() < 0.02, "{slope} at a batch of {batch}");
    }
}

#[test]
fn patches_of_the_exemplar_are_near_and_those_of_noise_are_not() {
    let tile = |y: usize, x: usize| {
        let wave = |v: usize| (v % 8) as f32 / 8.0;
        [0.2 + 0.6 * wave(x), 0.2 + 0.6 * wave(y), 0.3 + 0.4 * wave(x + y)]
    };
    let config = NearestConfig { candidates: 4096, ..config() };
    let loss = Nearest::new(&config, &[Image::from_fn(96, 96, tile)], [64, 64]).expect("a loss");
    let itself = loss.measure(Image::from_fn(64, 64, tile).data(), 0).value;
    let noise = loss.measure(image(4, 64).data(), 0).value;
    assert!(itself < 0.1 * noise, "{itself} and {noise}");
}

#[test]
fn steps_differ_and_can_be_repeated_on_any_number_of_threads() {
    let loss = Nearest::new(&config(), &[image(1, 40)], [32, 32]).expect("a loss");
    let picture = image(9, 32);
    golden::assert_repeatable(|step| loss.measure(picture.data(), step));
}

#[test]
fn an_exemplar_smaller_than_a_patch_has_no_distance() {
    let loss = Nearest::new(&config(), &[image(1, 6)], [32, 32]).expect("a loss");
    let measured = loss.measure(image(9, 32).data(), 0);
    assert!(measured.value == 0.0 && measured.gradient.iter().all(|&g| g == 0.0));
}

#[test]
fn configurations_that_do_not_fit_are_refused_with_a_sentence() {
    let refuse = |change: fn(&mut NearestConfig), word: &str| {
        let mut config = config();
        change(&mut config);
        let error = config.validate([32, 32]).expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    };
    refuse(|c| c.levels = 13, "levels");
    refuse(|c| c.levels = 7, "multiples of 64");
    refuse(|c| c.side = 4, "odd");
    refuse(|c| c.components = 76, "components");
    refuse(|c| c.balance = 0.0, "balance");
    refuse(|c| c.weight = f32::NAN, "weight");
}

#[test]
fn value_and_gradient_are_those_of_torch() {
    let golden = Golden::read();
    let whitening = golden.whitening();
    let levels = exemplar_levels(&whitening, &[golden::picture(1, golden::EXEMPLAR)], golden::LEVELS);
    let of_level = |(level, pictures): (usize, Vec<_>)| {
        Exemplar::with(golden::filters(30 + level as u32, 4, 5), pictures).expect("patches")
    };
    let exemplar: Vec<Exemplar> = levels.into_iter().enumerate().map(of_level).collect();
    let config = NearestConfig { components: 4, side: 5, balance: 0.02, weight: 0.5, ..config() };
    let white = White { whitening, size: golden::PICTURE, levels: golden::LEVELS };
    let loss = Nearest { config, white, exemplar };
    let share = |level: usize, pictures: &[Vec<f32>]| {
        let size = loss.white.size_at(level);
        let corners = (0..10).map(|i| [0, 7 * i % size[0], (5 * i + 3) % size[1]]).collect();
        let exemplar = &loss.exemplar[level];
        let candidates: Vec<usize> = (0..exemplar.len()).collect();
        loss.compare(exemplar, pictures, &Places::at(corners, size, 5), &candidates)
    };
    let measured = loss.white.measure(golden::picture(2, golden::PICTURE).data(), share);
    golden.compare("nearest", &measured);
}
