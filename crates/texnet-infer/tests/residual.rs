//! Residual networks: windows are one picture, the same as the whole picture.

mod windows;

use texnet_infer::spec::{Norm, Padding};
use texnet_infer::whole::{self, Features, Inputs};
use texnet_infer::{GeneratorSpec, Image, Level, Model, Plane, PlaneOptions, Window, calibrate};

use windows::{assert_same, bits, crop, window};

fn spec() -> GeneratorSpec {
    let mut spec = GeneratorSpec { residual: 2, ..GeneratorSpec::residual_style(3) };
    [12, 10, 8].into_iter().zip(&mut spec.scales).for_each(|(width, scale)| scale.width = width);
    spec.scales[0].branch = 12;
    spec
}

fn photo(height: usize, width: usize) -> Image {
    Image::from_fn(height, width, |y, x| {
        [(y % 7) as f32 / 6.0, (x % 5) as f32 / 4.0, ((x * y) % 11) as f32 / 10.0]
    })
}

fn calibrated(spec: GeneratorSpec, photo: &Image) -> Model {
    calibrate::calibrate_on(&Model::untrained(spec, 5).expect("a valid spec"), photo, 0, 1.0)
}

#[test]
fn windows_are_one_picture_with_any_instructions_and_threads() {
    let photo = photo(475, 390);
    for slope in [0.0, 0.1] {
        let model = calibrated(GeneratorSpec { negative_slope: slope, ..spec() }, &photo);
        let plane = Plane::stylised(&model, &photo, PlaneOptions::default()).expect("a plane");
        let all = window(&plane, 0, 0, 390, 475);
        assert!(all.data().iter().all(|v| v.is_finite()));
        let options = PlaneOptions { level: Level::fallback(), ..PlaneOptions::default() };
        let plain = Plane::stylised(&model, &photo, options).expect("a plane");
        let windows = [[0, 0, 33, 17], [389, 474, 1, 1], [101, 77, 60, 70], [160, 257, 230, 218]];
        for ([x, y, width, height], threads) in windows.into_iter().zip([1, 3, 2, 3]) {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let [columns, rows] = [width, height].map(|side| side as usize);
            let part = pool.install(|| window(&plain, x, y, columns, rows));
            let same = crop(&all, x as usize, y as usize, columns, rows);
            assert_same(&part, &same, &format!("{x}, {y}, slope {slope}"));
        }
    }
}

#[test]
fn wide_pictures_are_painted_in_strips_of_one_picture() {
    let photo = photo(40, 3600);
    let model = calibrated(spec(), &photo);
    let plane = Plane::stylised(&model, &photo, PlaneOptions::default()).expect("a plane");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(5).build().expect("threads");
    let all = pool.install(|| window(&plane, 0, 0, 3600, 40));
    let part = window(&plane, 700, 3, 900, 30);
    assert_same(&part, &crop(&all, 700, 3, 900, 30), "strips");
}

#[test]
fn nothing_is_painted_beyond_the_photograph() {
    let photo = photo(20, 30);
    let model = calibrated(spec(), &photo);
    let plane = Plane::stylised(&model, &photo, PlaneOptions::default()).expect("a plane");
    for [x, y, width, height] in [[-1, 0, 5, 5], [0, 0, 31, 5], [0, 16, 5, 5], [0, -3, 1, 1]] {
        let window = Window { x, y, width: width as usize, height: height as usize };
        let error = plane.window(window).expect_err("a window outside").to_string();
        assert!(error.contains("30x20 pixels alone"), "{error}");
    }
    let empty = Window { x: 30, y: 20, width: 0, height: 0 };
    assert_eq!(plane.window(empty).expect("nothing").data(), [0.0; 0]);
}

/// Features of a photograph, as an input of whole pictures.
fn content(photo: &Image) -> Features {
    let [height, width] = [photo.height(), photo.width()];
    let data = (0..3).flat_map(|c| (0..height).flat_map(move |y| photo.row(c, y).to_vec())).collect();
    Features { channels: 3, height, width, data }
}

#[test]
fn a_plane_is_the_whole_picture_to_its_border() {
    for [height, width] in [[192, 208], [16, 16], [16, 32]] {
        let photo = photo(height, width);
        let spec =
            GeneratorSpec { norm: Norm::Folded, padding: Padding::Reflect, noise_channels: 0, ..spec() };
        let model = Model::untrained(spec, 5).expect("a valid spec");
        let plane = Plane::stylised(&model, &photo, PlaneOptions::default()).expect("a plane");
        let painted = window(&plane, 0, 0, width, height);
        let noise = vec![Features { channels: 0, height: height / 4, width: width / 4, data: Vec::new() }];
        let inputs = Inputs { noise, content: Some(content(&photo)) };
        let whole = whole::run(&model, &inputs, Level::new());
        let largest = whole.data.iter().fold(0.0_f32, |largest, v| largest.max(v.abs()));
        assert!(largest > 0.1, "the network paints something: {largest}");
        for (painted, whole) in painted.data().iter().zip(&whole.data) {
            assert!((painted - whole).abs() < 1e-5 * largest.max(1.0), "{painted} is not {whole}");
        }
    }
}

#[test]
fn noise_reaches_the_picture_and_a_pyramid_has_none_of_its_tensors() {
    let photo = photo(64, 64);
    let model = calibrated(spec(), &photo);
    let at = |noise_scale| {
        let options = PlaneOptions { noise_scale, ..PlaneOptions::default() };
        window(&Plane::stylised(&model, &photo, options).expect("a plane"), 0, 0, 64, 64)
    };
    assert_ne!(bits(&at(0.0)), bits(&at(1.0)));
    assert!(model.weights().contains_key("trunk1.1.norm.mean"));
    assert!(GeneratorSpec::coarse_wide(3).parameters().iter().all(|(name, _)| !name.starts_with("trunk")));
}

#[test]
fn specs_of_no_network_are_refused() {
    let refuse = |change: fn(&mut GeneratorSpec), word: &str| {
        let mut spec = spec();
        change(&mut spec);
        let error = spec.validate().expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    };
    refuse(|s| s.content = false, "photograph");
    refuse(|s| s.residual = 65, "at most");
    refuse(|s| s.scales[1].branch = 4, "branch at scale 0");
    refuse(|s| s.join_norm = true, "joins nothing");
    refuse(|s| s.padding = Padding::Zero, "by reflection");
    assert_eq!(spec().validate(), Ok(()));
}
