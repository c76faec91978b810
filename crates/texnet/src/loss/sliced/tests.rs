use super::*;
use crate::loss::golden::{self, Golden, image};
use crate::loss::white::exemplar_levels;

fn config() -> SlicedConfig {
    SlicedConfig { levels: 3, bank: 12, ..SlicedConfig::default() }
}

/// Central differences along random directions, over all filters of a step: sorting, pyramid and colour included.
///
/// The slope jumps a little wherever two projections change places, so that single differences are noisy; their sum
/// is not.
#[test]
fn the_gradient_is_that_of_finite_differences() {
    for (batch, strides) in [(1, vec![2]), (2, vec![4, 2, 1]), (1, vec![])] {
        let config = SlicedConfig { strides, ..config() };
        let loss = Sliced::new(&config, &[image(1, 48)], [32, 32], batch).expect("a loss");
        let pictures: Vec<f32> = (0..batch as u64).flat_map(|i| image(7 + i, 32).data().to_vec()).collect();
        let slope = golden::relative_slope(&pictures, 2e-4, |pictures| loss.measure(pictures, 3));
        assert!((slope - 1.0).abs() < 0.05, "{slope} at a batch of {batch}");
    }
}

#[test]
fn a_periodic_picture_is_nearer_to_itself_than_to_noise() {
    let tile = |y: usize, x: usize| {
        let wave = |v: usize| (v % 16) as f32 / 16.0;
        [0.2 + 0.6 * wave(x), 0.2 + 0.6 * wave(y), 0.3 + 0.4 * wave(x + y)]
    };
    let exemplar = Image::from_fn(96, 96, tile);
    let config = SlicedConfig { strides: vec![], ..config() };
    let loss = Sliced::new(&config, &[exemplar], [64, 64], 1).expect("a loss");
    let itself = loss.measure(Image::from_fn(64, 64, tile).data(), 0).value;
    let noise = loss.measure(image(4, 64).data(), 0).value;
    assert!(itself < 0.2 * noise, "{itself} and {noise}");
}

#[test]
fn steps_differ_and_can_be_repeated_on_any_number_of_threads() {
    let loss = Sliced::new(&config(), &[image(1, 40)], [32, 32], 1).expect("a loss");
    let picture = image(9, 32);
    golden::assert_repeatable(|step| loss.measure(picture.data(), step));
}

#[test]
fn configurations_that_do_not_fit_are_refused_with_a_sentence() {
    let refuse = |change: fn(&mut SlicedConfig), word: &str| {
        let mut config = config();
        change(&mut config);
        let error = config.validate([32, 32]).expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    };
    refuse(|c| c.levels = 0, "levels");
    refuse(|c| c.levels = 7, "multiples of 64");
    refuse(|c| c.slices[0].side = 4, "odd");
    refuse(|c| c.slices.clear(), "at least one filter");
    refuse(|c| c.strides = vec![0], "strides");
    assert!(Sliced::new(&config(), &[image(1, 2)], [32, 32], 1).is_err(), "an exemplar of two pixels");
}

#[test]
fn value_and_gradient_are_those_of_torch() {
    let golden = Golden::read();
    let whitening = golden.whitening();
    let white = White { whitening: whitening.clone(), size: golden::PICTURE, levels: golden::LEVELS };
    let exemplar = [golden::picture(1, golden::EXEMPLAR)];
    let groups = |(level, pictures): (usize, &Vec<_>)| -> Vec<Group> {
        let places = white.size_at(level).iter().product();
        let filters = [(10, 5), (20, 1)].map(|(first, side)| golden::filters(first + level as u32, 1, side));
        filters.into_iter().map(|f| bank::group(f, 1, pictures, places)).collect()
    };
    let levels = exemplar_levels(&whitening, &exemplar, golden::LEVELS);
    let bank = Bank { levels: levels.iter().enumerate().map(groups).collect(), whitening };
    let config = SlicedConfig { levels: golden::LEVELS, strides: vec![], ..SlicedConfig::default() };
    let loss = Sliced { config, bank, white };
    golden.compare("sliced", &loss.measure(golden::picture(2, golden::PICTURE).data(), 0));
}
