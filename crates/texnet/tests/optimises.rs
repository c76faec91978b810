//! Whole optimisations of small pictures: they come near the exemplar, they repeat, they stop, and they are tori where
//! the losses are.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use safetensors::tensor::{Dtype, TensorView};
use texnet::optimise::{Canvas, OptimiseConfig, OptimiseError, Optimised, optimise};
use texnet::train::Event;
use texnet::train::teacher::Teacher;
use texnet_infer::Image;

/// Discs on a ground that grows darker, so that opposite borders differ.
fn discs() -> Image {
    Image::from_fn(64, 64, |y, x| {
        let [cy, cx] = [y, x].map(|v| (v % 8) as f32 - 3.5);
        let ground = 0.3 + 0.004 * (y + x) as f32;
        if cy * cy + cx * cx < 8.0 { [0.9, 0.7, 0.2] } else { [ground, 0.4, 0.5] }
    })
}

fn config(changes: &[&str]) -> OptimiseConfig {
    let small = ["height=32", "width=32", "sizes=2", "iterations=60", "sliced.levels=2", "sliced.bank=64"];
    let settings: Vec<String> = small.iter().chain(changes).map(|s| (*s).to_owned()).collect();
    OptimiseConfig::new(Teacher::Sliced, &settings)
        .map_err(OptimiseError::from)
        .and_then(|config| config.resolve(&[discs()]))
        .expect("a configuration")
}

/// The result, and the objective before every step.
fn run(config: &OptimiseConfig) -> (Optimised, Vec<f32>) {
    let mut values = Vec::new();
    let done = optimise(&[discs()], config, &Device::flex(), &mut |_, event| {
        if let Event::Step { terms, .. } = event {
            values.push(terms.iter().map(|(_, value)| value).sum());
        }
        ControlFlow::Continue(())
    });
    (done.expect("a picture"), values)
}

#[test]
fn noise_becomes_texture_by_either_method() {
    // With a rate of zero the picture stays what it begins with.
    let noise = run(&config(&["schedule.rate=0", "sizes=1"])).0;
    for (method, least) in [("method=adam", 3.0), ("method=lbfgs", 2.0)] {
        let config = config(&[method]);
        let (done, values) = run(&config);
        // L-BFGS may find a block's end before its last step.
        let steps = if method == "method=adam" { 120..=120 } else { 60..=120 };
        assert!(
            steps.contains(&done.steps) && done.steps == values.len() as u64 && !done.stopped,
            "{method}"
        );
        assert!(done.score < noise.score / least, "{method}: from {} to {}", noise.score, done.score);
        assert!(done.image.data().iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads_and_another_seed_others() {
    let painted = |settings: &[&str], threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| run(&config(settings)).0.image)
    };
    for method in ["method=adam", "method=lbfgs"] {
        let settings = ["iterations=15", method];
        let one = painted(&settings, 1);
        assert!(one == painted(&settings, 2), "{method}");
        assert!(one != painted(&["iterations=15", method, "seed=1"], 1), "{method}");
    }
}

/// Neighbours across the border are as alike as neighbours inside.
#[test]
fn the_picture_repeats_without_a_seam() {
    let image = run(&config(&["height=32", "width=48"])).0.image;
    assert_eq!([image.height(), image.width()], [32, 48]);
    let difference = |a: [usize; 2], b: [usize; 2]| {
        let pairs = image.pixel(a[0], a[1]).into_iter().zip(image.pixel(b[0], b[1]));
        pairs.map(|(a, b)| (a - b).abs()).sum::<f32>()
    };
    let rows = |y: usize, to: usize| (0..48).map(|x| difference([y, x], [to, x])).sum::<f32>() / 48.0;
    let columns = |x: usize, to: usize| (0..32).map(|y| difference([y, x], [y, to])).sum::<f32>() / 32.0;
    let inside = |of: &dyn Fn(usize, usize) -> f32, count: usize| {
        (0..count - 1).map(|i| of(i, i + 1)).fold(0.0, f32::max)
    };
    assert!(rows(31, 0) <= inside(&rows, 32) && columns(47, 0) <= inside(&columns, 48));
}

#[test]
fn a_run_that_is_stopped_gives_what_it_has_at_the_full_size() {
    let config = config(&[]);
    for stop in [1, 60, 61, 120] {
        let done = optimise(&[discs()], &config, &Device::flex(), &mut |canvas, event| {
            assert_eq!([canvas.image().height(), canvas.image().width()], [32, 32]);
            let reached = matches!(event, Event::Step { step, .. } if *step == stop);
            if reached { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let done = done.expect("a picture");
        assert_eq!((done.steps, done.stopped), (stop, true));
        assert_eq!([done.image.height(), done.image.width()], [32, 32]);
    }
}

/// The first twelve convolutions of VGG-19, down to its fourth pooling, with weights that are hashes of their place.
fn random_vgg(path: &Path) {
    let widths = [64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512];
    let names = ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "3_4", "4_1", "4_2", "4_3", "4_4"];
    let mut inputs = 3;
    let mut tensors = Vec::new();
    for (name, outputs) in names.into_iter().zip(widths) {
        let scale = (6.0 / (9 * inputs) as f32).sqrt();
        let value = |i: usize| {
            let hash = (i as u32).wrapping_mul(0x9E37_79B9) ^ (i as u32 >> 7).wrapping_mul(0x85EB_CA6B);
            scale * ((hash >> 8) as f32 / 8_388_608.0 - 1.0)
        };
        let weight: Vec<u8> = (0..outputs * inputs * 9).flat_map(|i| value(i).to_le_bytes()).collect();
        tensors.push((format!("conv{name}.weight"), vec![outputs, inputs, 3, 3], weight));
        tensors.push((format!("conv{name}.bias"), vec![outputs], vec![0; 4 * outputs]));
        inputs = outputs;
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a sound tensor"))
    });
    let bytes = safetensors::serialize(views, None).expect("sound");
    std::fs::write(path, bytes).expect("a writable folder");
}

#[test]
fn gram_matrices_of_vgg_are_matched_by_lbfgs_and_colours_are_the_exemplars_in_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vgg.safetensors");
    random_vgg(&path);
    let weights = format!("vgg19.weights={:?}", path.display().to_string());
    let settings = ["height=32".into(), "width=40".into(), "iterations=60".into(), weights];
    let config = OptimiseConfig::new(Teacher::Vgg19, &settings).expect("settings");
    let config = config.resolve(&[discs()]).expect("a configuration");
    let (done, values) = run(&config);
    assert!(done.score < 0.2 * values[0], "from {} to {}", values[0], done.score);
    assert_eq!([done.image.height(), done.image.width()], [32, 40]);
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    for c in 0..3 {
        let ours = mean(&done.image.data()[c * 1280..(c + 1) * 1280]);
        let wanted = mean(&discs().data()[c * 4096..(c + 1) * 4096]);
        assert!((ours - wanted).abs() < 2e-3, "channel {c} has a mean of {ours} instead of {wanted}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_with_a_sentence() {
    let refuse = |teacher: Teacher, settings: &str, word: &str| {
        let settings: Vec<String> = settings.split(' ').map(String::from).collect();
        let mut stop = |_: &Canvas, _: &Event| ControlFlow::Break(());
        let answer = OptimiseConfig::new(teacher, &settings)
            .map_err(OptimiseError::from)
            .and_then(|config| config.resolve(&[discs()]))
            .and_then(|config| optimise(&[discs()], &config, &Device::flex(), &mut stop));
        let error = answer.map(|done| done.steps).expect_err(&settings.join(" ")).to_string();
        assert!(error.contains(word), "{settings:?}: {error}");
    };
    let cases = [
        ("height=250", "--size 256x256"),
        ("width=0", "--size"),
        ("height=18446744073709551615", "do not fit"),
        ("height=9223372036854775800", "GiB"),
        ("width=262144", "GiB"),
        ("sizes=0", "sizes"),
        ("sizes=7", "levels"),
        ("sliced.levels=1000", "levels"),
        ("sliced.levels=2 sizes=1 sliced.strides=[0]", "multiples"),
        ("sliced.levels=2 sizes=1 sliced.strides=[9223372036854775807]", "multiples"),
        ("nearest.levels=99", "nearest.levels"),
        ("iterations=0", "iterations"),
        ("memory=0", "memory"),
        ("method=newton", "do not fit"),
        ("teacher=vgg19", "teacher"),
        ("schedule.rate=nan", "schedule.rate"),
        ("scale=0.02", "--scale"),
    ];
    for (setting, word) in cases {
        refuse(Teacher::Sliced, setting, word);
    }
    refuse(Teacher::Vgg19, "vgg19.weights=nothing.pth", "nothing.pth");
    refuse(Teacher::Vgg19, "width=16384", "GiB");
}
