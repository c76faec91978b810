//! Residual networks: a plane's windows are one picture, the same as the whole picture away from its border.

mod windows;

use texnet_infer::spec::{Norm, Padding};
use texnet_infer::whole::{self, Features, Inputs};
use texnet_infer::{GeneratorSpec, Image, Level, Model, Plane, PlaneOptions, calibrate};

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
    let photo = photo(75, 90);
    for slope in [0.0, 0.1] {
        let model = calibrated(GeneratorSpec { negative_slope: slope, ..spec() }, &photo);
        let plane = Plane::stylised(&model, &photo, PlaneOptions::default()).expect("a plane");
        let all = window(&plane, -20, -10, 300, 290);
        assert!(all.data().iter().all(|v| v.is_finite()));
        let options = PlaneOptions { level: Level::fallback(), ..PlaneOptions::default() };
        let plain = Plane::stylised(&model, &photo, options).expect("a plane");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        for [x, y, width, height] in [[0, 0, 33, 17], [-20, -10, 1, 1], [101, 77, 60, 70], [250, 257, 30, 20]]
        {
            let part = pool.install(|| window(&plain, x, y, width as usize, height as usize));
            let place = [x + 20, y + 10].map(|v: i64| v as usize);
            let same = crop(&all, place[0], place[1], width as usize, height as usize);
            assert_same(&part, &same, &format!("{x}, {y}, slope {slope}"));
        }
    }
}

/// Features of a photograph, as an input of whole pictures.
fn content(photo: &Image) -> Features {
    let [height, width] = [photo.height(), photo.width()];
    let data = (0..3).flat_map(|c| (0..height).flat_map(move |y| photo.row(c, y).to_vec())).collect();
    Features { channels: 3, height, width, data }
}

#[test]
fn a_plane_is_the_whole_picture_away_from_its_border() {
    let photo = photo(192, 208);
    let spec = GeneratorSpec { norm: Norm::Folded, padding: Padding::Reflect, noise_channels: 0, ..spec() };
    let model = Model::untrained(spec, 5).expect("a valid spec");
    let plane = Plane::stylised(&model, &photo, PlaneOptions::default()).expect("a plane");
    let painted = window(&plane, 0, 0, 208, 192);
    let noise = vec![Features { channels: 0, height: 48, width: 52, data: Vec::new() }];
    let inputs = Inputs { noise, content: Some(content(&photo)) };
    let whole = whole::run(&model, &inputs, Level::new());
    let margin = model.spec().reach();
    assert!(margin < 60, "{margin}");
    let mut largest = 0.0_f32;
    for y in margin..192 - margin {
        for x in margin..208 - margin {
            for c in 0..3 {
                let there = whole.data[(c * 192 + y) * 208 + x];
                largest = largest.max(there.abs());
                assert!((painted.pixel(y, x)[c] - there).abs() < 1e-3, "{y}, {x}");
            }
        }
    }
    assert!(largest > 0.1, "the network paints something: {largest}");
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
    assert_eq!(spec().validate(), Ok(()));
}
