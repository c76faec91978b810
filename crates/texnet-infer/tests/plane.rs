//! What a plane promises: windows of one picture, the same bytes whatever the window, the threads and the
//! instructions, and no seam.

mod windows;

use proptest::prelude::*;
use texnet_infer::noise::{Column, RowKey, Uniform};
use texnet_infer::spec::{Norm, Scale};
use texnet_infer::whole::{self, Features, Inputs};
use texnet_infer::{GeneratorSpec, Image, Level, Model, Plane, PlaneError, PlaneOptions, Window, calibrate};

use windows::{assert_same, crop, window};

/// Four scales with the quirks of 2016 in it: a leaky activation, a branch without a block.
fn spec() -> GeneratorSpec {
    let mut spec = GeneratorSpec::paper(4);
    spec.scales.iter_mut().enumerate().for_each(|(i, s)| s.width = 8 + 3 * i);
    spec.scales[0].branch = 8;
    spec.scales[2] = Scale { branch: 0, width: 12, noise: [-0.5, 0.5], smooth: false };
    spec.negative_slope = 0.01;
    spec
}

/// The same with interpolation before every join.
fn interpolating() -> GeneratorSpec {
    GeneratorSpec { join_norm: false, ..spec() }.interpolating(3)
}

fn model() -> Model {
    model_of(spec())
}

fn model_of(spec: GeneratorSpec) -> Model {
    calibrate::calibrate(&Model::untrained(spec, 3).expect("a valid spec"), 0)
}

fn photo(height: usize, width: usize) -> Image {
    Image::from_fn(height, width, |y, x| {
        [(y % 7) as f32 / 6.0, (x % 5) as f32 / 4.0, ((x + y) % 3) as f32 / 2.0]
    })
}

fn style_model(photo: &Image) -> Model {
    let spec = GeneratorSpec { content: true, ..spec() };
    calibrate::calibrate_on(&Model::untrained(spec, 5).expect("a valid spec"), photo, 0, 1.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_window_is_the_same_region_of_any_other(
        place in prop_oneof![
            Just([0_i64, 0]), Just([-40, -40]), Just([i64::from(i32::MAX) - 20, i64::from(i32::MIN) - 20]),
            Just([(1 << 60) - 400, -(1 << 60)]), [-1_000_000_i64..1_000_000, -1_000_000_i64..1_000_000],
        ],
        [dx, dy] in [0_usize..60, 0_usize..60],
        [width, height] in [1_usize..80, 1_usize..40],
        smooth: bool,
    ) {
        let (model, [x, y]) = (model_of(if smooth { interpolating() } else { spec() }), place);
        let plane = Plane::texture(&model, PlaneOptions::default()).expect("a calibrated model");
        let whole = window(&plane, x, y, 140, 100);
        let part = window(&plane, x + dx as i64, y + dy as i64, width, height);
        assert_same(&part, &crop(&whole, dx, dy, width, height), "window");
    }

    #[test]
    fn a_photograph_is_dressed_alike_in_any_window(
        [dx, dy] in [0_usize..50, 0_usize..50],
        [width, height] in [1_usize..47, 1_usize..27],
    ) {
        let photo = photo(77, 97);
        let model = style_model(&photo);
        let plane = Plane::stylised(&model, &photo, PlaneOptions::default()).expect("a calibrated model");
        let whole = window(&plane, 0, 0, 97, 77);
        let part = window(&plane, dx as i64, dy as i64, width, height);
        assert_same(&part, &crop(&whole, dx, dy, width, height), "window");
    }

    #[test]
    fn a_periodic_plane_repeats_to_the_last_bit(
        [rows, columns] in [1_i64..12, 1_i64..12],
        [x, y] in [-100_i64..100, -100_i64..100],
    ) {
        let model = model();
        let period = [8 * rows, 8 * columns];
        let options = PlaneOptions { period: Some(period), ..PlaneOptions::default() };
        let plane = Plane::texture(&model, options).expect("an allowed period");
        let here = window(&plane, x, y, 50, 40);
        assert_same(&here, &window(&plane, x + period[1], y - 2 * period[0], 50, 40), "period");
    }
}

/// Large enough for several blocks and strips.
const LARGE: Window = Window { x: -1100, y: -70, width: 1300, height: 340 };

#[test]
fn bytes_do_not_depend_on_threads() {
    let model = model();
    let plane = Plane::texture(&model, PlaneOptions::default()).expect("a calibrated model");
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        pool.install(|| plane.window(LARGE).expect("a window"))
    };
    let one = on(1);
    for threads in [2, 16] {
        assert_same(&on(threads), &one, &format!("{threads} threads"));
    }
}

#[test]
fn bytes_do_not_depend_on_instructions() {
    for model in [spec(), interpolating()].map(model_of) {
        let at = |level: Level| {
            let options = PlaneOptions { level, ..PlaneOptions::default() };
            window(&Plane::texture(&model, options).expect("a calibrated model"), -30, 7, 131, 75)
        };
        let scalar = at(Level::fallback());
        for level in texnet_kernels::levels() {
            assert_same(&at(level), &scalar, texnet_kernels::level_name(level));
        }
    }
}

#[test]
fn bytes_do_not_depend_on_bands() {
    let model = model();
    let plane = Plane::texture(&model, PlaneOptions::default()).expect("a calibrated model");
    let whole = plane.window(LARGE).expect("a window");
    for rows in [1, 33, 256] {
        for y in (0..LARGE.height).step_by(if rows == 1 { 97 } else { rows }) {
            let height = rows.min(LARGE.height - y);
            let band = window(&plane, LARGE.x, LARGE.y + y as i64, LARGE.width, height);
            assert_same(&band, &crop(&whole, 0, y, LARGE.width, height), &format!("bands of {rows} rows"));
        }
    }
}

/// The plane's noise over one period, as the plain executor takes it.
fn noise(spec: &GeneratorSpec, side: usize, seed: u64) -> Vec<Features> {
    let at_scale = |(i, scale): (usize, &Scale)| {
        let [side, channels] = [side / spec.ratio(i), spec.noise_channels];
        let range = Uniform { low: scale.noise[0], high: scale.noise[1], factor: 1.0 };
        let value = |c, y, x: usize| RowKey::new(seed, i, c, y as i64).value(Column::new(x as i64), range);
        let value = &value;
        let rows = (0..channels).flat_map(|c| (0..side).map(move |y| (c, y)));
        let data = rows.flat_map(|(c, y)| (0..side).map(move |x| value(c, y, x))).collect();
        Features { channels, height: side, width: side, data }
    };
    spec.scales.iter().enumerate().map(at_scale).collect()
}

#[test]
fn one_period_is_what_the_plain_executor_makes_of_the_same_noise_on_a_torus() {
    for spec in [spec(), interpolating()] {
        let spec = GeneratorSpec { norm: Norm::Folded, join_norm: false, ..spec };
        let model = Model::untrained(spec.clone(), 9).expect("a valid spec");
        let inputs = Inputs { noise: noise(&spec, 64, 11), content: None };
        let expected = whole::run(&model, &inputs, Level::new());
        let options = PlaneOptions { seed: 11, period: Some([64, 64]), ..PlaneOptions::default() };
        let ours = window(&Plane::texture(&model, options).expect("a plane"), 0, 0, 64, 64);
        let size = expected.data.iter().fold(0.0, |max: f32, v| max.max(v.abs()));
        for (a, b) in ours.data().iter().zip(&expected.data) {
            assert!((a - b).abs() <= 2e-6 * size.max(1.0), "{a} is not {b}");
        }
    }
}

#[test]
fn interpolation_where_nothing_is_joined_or_normalised_before_the_join_is_refused() {
    let mut joined = interpolating();
    joined.scales[0].smooth = true;
    let normalised = GeneratorSpec { join_norm: true, ..interpolating() };
    for (spec, scale) in [(joined, "scale 0"), (normalised, "scale 1")] {
        let error = spec.validate().expect_err("not allowed").to_string();
        assert!(error.contains(scale) && error.contains("interpolates"), "{error}");
    }
}

#[test]
fn frozen_statistics_give_the_same_picture_as_live_ones_on_the_sample_they_come_from() {
    let spec = spec();
    let live = Model::untrained(spec.clone(), 3).expect("a valid spec");
    let inputs = Inputs { noise: noise(&spec, calibrate::SAMPLE, 0), content: None };
    let expected = whole::run(&live, &inputs, Level::new());
    let side = calibrate::SAMPLE;
    let options = PlaneOptions { period: Some([side as i64; 2]), ..PlaneOptions::default() };
    let ours =
        window(&Plane::texture(&calibrate::calibrate(&live, 0), options).expect("a plane"), 0, 0, side, side);
    let differences = ours.data().iter().zip(&expected.data).map(|(a, b)| (a - b).abs());
    let worst = differences.fold(0.0, f32::max);
    assert!(worst < 1e-4, "differs by {worst}");
}

/// Mean absolute difference of neighbouring columns across `column`, over all rows.
fn step_across(image: &Image, column: usize) -> f64 {
    let steps = (0..image.height()).map(|y| {
        let [a, b] = [image.pixel(y, column - 1), image.pixel(y, column)];
        (0..3).map(|c| f64::from((a[c] - b[c]).abs())).sum::<f64>()
    });
    steps.sum::<f64>() / image.height() as f64
}

/// A network whose picture varies slowly: nearly all of its noise is at the coarse scales.
fn smooth_model() -> Model {
    let mut spec = GeneratorSpec { norm: Norm::Folded, join_norm: false, ..spec() };
    spec.scales[2..].iter_mut().for_each(|scale| scale.noise = [0.499, 0.501]);
    Model::untrained(spec, 9).expect("a valid spec")
}

#[test]
fn a_tile_shifted_by_half_has_no_seam() {
    let model = smooth_model();
    let options = PlaneOptions { period: Some([96, 160]), ..PlaneOptions::default() };
    let plane = Plane::texture(&model, options).expect("an allowed period");
    let tile = window(&plane, 0, 0, 160, 96);
    let shifted = Image::from_fn(96, 160, |y, x| tile.pixel((y + 48) % 96, (x + 80) % 160));
    let steps: Vec<f64> = (8..152).filter(|x| x % 8 == 0).map(|x| step_across(&shifted, x)).collect();
    let [mean, count] = [steps.iter().sum::<f64>() / steps.len() as f64, steps.len() as f64];
    let deviation = (steps.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / count).sqrt();
    let wrap = step_across(&shifted, 80);
    assert!((wrap - mean).abs() < 4.0 * deviation, "{wrap} across the wrap, {mean} +- {deviation} inside");
    // The same measure finds the seam of a tile that was cut from the plane without a period.
    let cut = window(&Plane::texture(&model, PlaneOptions::default()).expect("a plane"), 0, 0, 160, 96);
    let shifted = Image::from_fn(96, 160, |y, x| cut.pixel((y + 48) % 96, (x + 80) % 160));
    assert!(step_across(&shifted, 80) - mean > 4.0 * deviation, "the measure sees seams");
}

#[test]
fn what_cannot_be_painted_is_refused_with_a_sentence() {
    let texture = |model: &Model, period| {
        let options = PlaneOptions { period, ..PlaneOptions::default() };
        Plane::texture(model, options).map(|_| ()).expect_err("no plane")
    };
    let untrained = Model::untrained(spec(), 3).expect("a valid spec");
    assert_eq!(texture(&untrained, None), PlaneError::Uncalibrated);
    let message = texture(&model(), Some([100, 64])).to_string();
    assert!(message.contains("64x100") && message.contains("64x104"), "{message}");
    let photo = photo(16, 16);
    assert_eq!(texture(&style_model(&photo), None), PlaneError::NeedsContent);
    let dressed = Plane::stylised(&model(), &photo, PlaneOptions::default()).map(|_| ());
    assert_eq!(dressed, Err(PlaneError::TakesNoContent));
    let model = model();
    let plane = Plane::texture(&model, PlaneOptions::default()).expect("a plane");
    for far in [
        Window { x: i64::MAX, ..Window::sized(2, 2) },
        Window::sized(usize::MAX, 3),
        Window::sized(1 << 30, 1 << 30),
    ] {
        assert!(matches!(plane.window(far), Err(PlaneError::Window(_))), "{far:?}");
    }
    assert_eq!(window(&plane, 5, 5, 0, 9).data().len(), 0, "an empty window is a picture too");
}

#[test]
fn seeds_and_noise_scales_are_different_planes() {
    let model = model();
    let with = |options| window(&Plane::texture(&model, options).expect("a plane"), 0, 0, 24, 24);
    let plain = with(PlaneOptions::default());
    assert_ne!(plain, with(PlaneOptions { seed: 1, ..PlaneOptions::default() }));
    assert_ne!(plain, with(PlaneOptions { noise_scale: 0.5, ..PlaneOptions::default() }));
}
