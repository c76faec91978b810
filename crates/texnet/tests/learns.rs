//! Whole runs on small pictures: they learn, they repeat, they go on where they stopped, and what they ship paints what
//! they learned.

use std::ops::ControlFlow;

use burn::tensor::Device;
use texnet::train::config::strengths;
use texnet::train::{Event, State, TrainConfig, Trainer, checkpoint, flicker};
use texnet_infer::model::Summary;
use texnet_infer::{Image, Model, Plane, PlaneOptions, Window, calibrate};

/// Discs of two colours on a ground, at places of a disturbed lattice.
fn discs() -> Image {
    let centre = |i: i64, j: i64| {
        let hash = (i * 7919 + j * 104_729).rem_euclid(97) as f32 / 97.0;
        [8.0 * i as f32 + 2.0 * hash, 8.0 * j as f32 + 2.0 * (1.0 - hash)]
    };
    Image::from_fn(64, 64, |y, x| {
        let (i, j) = (y as i64 / 8, x as i64 / 8);
        let near = (i - 1..=i + 1).flat_map(|i| (j - 1..=j + 1).map(move |j| (i, j))).find(|&(i, j)| {
            let [cy, cx] = centre(i, j);
            (cy - y as f32).powi(2) + (cx - x as f32).powi(2) < 8.0
        });
        match near {
            Some((i, j)) if (i + j) % 2 == 0 => [0.9, 0.7, 0.2],
            Some(_) => [0.2, 0.3, 0.8],
            None => [0.4, 0.4, 0.4],
        }
    })
}

fn config(changes: &[&str]) -> TrainConfig {
    let small = ["size=32", "scales=3", "sliced.levels=2", "sliced.bank=32", "iterations=30"];
    let settings: Vec<String> = small.iter().chain(changes).map(|s| (*s).to_owned()).collect();
    TrainConfig::new("default", &settings).and_then(|c| c.resolve(&[discs()])).expect("a configuration")
}

fn trainer(config: &TrainConfig) -> Trainer {
    Trainer::new(config, &[discs()], &Device::flex()).expect("a run")
}

/// Settings by which discriminators learn beside the network.
const ADVERSARIAL: [&str; 4] =
    ["octaves.weight=0.3", "octaves.adversarial=0.5", "octaves.octaves=2", "octaves.finest=0"];

/// Runs to the end, and returns the scores.
fn run(trainer: &mut Trainer) -> Vec<f32> {
    let mut scores = Vec::new();
    let outcome = trainer.run(&mut |_, event| {
        if let Event::Score { score, .. } = event {
            scores.push(*score);
        }
        ControlFlow::Continue(())
    });
    assert!(outcome.expect("a run that does not diverge").is_continue());
    scores
}

#[test]
fn a_texture_is_learned() {
    let config = config(&["iterations=240"]);
    let mut trainer = trainer(&config);
    let scores = run(&mut trainer);
    let best = trainer.state().best.score;
    assert!(best < 0.5 * scores[0], "the score fell from {} to {best} only", scores[0]);
    let model = trainer.model(Summary::default()).expect("a model");
    let plane = Plane::texture(&model, PlaneOptions::default()).expect("a plane");
    let picture = plane.window(Window::sized(128, 128)).expect("a window");
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    for c in 0..3 {
        let [ours, wanted] =
            [(&picture, 128 * 128), (&discs(), 64 * 64)].map(|(i, n)| mean(&i.data()[c * n..(c + 1) * n]));
        assert!((ours - wanted).abs() < 0.06, "channel {c} has a mean of {ours} instead of {wanted}");
    }
}

#[test]
fn a_network_ends_with_the_statistics_that_it_is_shipped_with() {
    let config = config(&["iterations=60", "frozen_iterations=40", "coarse_iterations=[]"]);
    let mut trainer = trainer(&config);
    while trainer.state().step < 61 {
        trainer.step().expect("a step");
    }
    let first = trainer.state().parameters.clone();
    run(&mut trainer);
    let State { parameters, best, .. } = trainer.state();
    assert!(best.step > 60, "the best of the steps with other statistics");
    let model = trainer.model(Summary::default()).expect("a model");
    for (((name, _), value), was) in parameters.shapes.iter().zip(&best.values).zip(&first.values) {
        assert_eq!(model.values(name), value);
        let constant = name.ends_with("mean") || name.ends_with("variance");
        assert!(!constant || value == was, "{name} has changed");
        assert!(!name.ends_with("gamma") || value != was, "{name} has not learned");
    }
}

#[test]
fn every_stage_is_scored_as_often_as_is_asked_for() {
    let mut trainer = trainer(&config(&["frozen_iterations=10", "coarse_iterations=[5]", "scores=3"]));
    assert_eq!(run(&mut trainer).len(), 9);
}

#[test]
fn the_same_seed_gives_the_same_weights_on_any_number_of_threads_and_another_seed_others() {
    let learned = |seed: &str, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let mut trainer = trainer(&config(&[&ADVERSARIAL[..], &[seed]].concat()));
            run(&mut trainer);
            assert!(!trainer.state().discriminators.is_empty());
            trainer.state().clone()
        })
    };
    let one = learned("seed=1", 1);
    assert!(one == learned("seed=1", 3));
    assert!(one != learned("seed=2", 1));
}

/// At half the size first.
const TWO_SIZES: [&str; 2] = ["batch=2", "coarse_iterations=[12]"];

#[test]
fn a_run_that_was_stopped_anywhere_ends_like_one_that_was_not() {
    let config = config(&TWO_SIZES);
    let frozen = config.steps() - config.frozen_iterations.expect("a share");
    // Both sides of the change of size are stopped at, and the change itself.
    ends_like_a_whole_run(&config, &[1, 11, 12, 13, 30, frozen, frozen + 1, config.steps()]);
}

#[test]
fn discriminators_go_on_where_a_run_was_stopped() {
    ends_like_a_whole_run(&config(&[&ADVERSARIAL[..], &TWO_SIZES].concat()), &[13]);
}

fn ends_like_a_whole_run(config: &TrainConfig, stops: &[u64]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let mut whole = trainer(config);
    run(&mut whole);
    for &stop in stops {
        let mut first = trainer(config);
        while first.state().step < stop {
            first.step().expect("a step");
        }
        checkpoint::save(&path, first.state()).expect("saved");
        let mut second = trainer(config);
        let state: State =
            checkpoint::load(&path, |step| second.parameters_after(step).expect("parameters")).expect("read");
        second.set_state(state).expect("the same network");
        run(&mut second);
        assert!(second.state() == whole.state(), "stopped after {stop}");
    }
}

#[test]
fn a_rate_that_is_far_too_large_is_halved_and_then_refused() {
    let config = config(&["schedule.rate=10", "schedule.warm_up=0", "iterations=400"]);
    let mut trainer = trainer(&config);
    let mut restarts = 0;
    let outcome = trainer.run(&mut |_, event| {
        restarts += usize::from(matches!(event, Event::Restarted { .. }));
        ControlFlow::Continue(())
    });
    match outcome {
        Ok(_) => assert!(trainer.state().best.score.is_finite()),
        Err(error) => assert!(restarts > 0 && error.to_string().contains("diverges"), "{error}"),
    }
}

#[test]
fn batch_norm_and_the_papers_network_learn_too() {
    for settings in
        [vec!["norm=batch", "batch=2"], vec!["architecture=paper"], vec!["architecture=code-of-2016"]]
    {
        let mut trainer = trainer(&config(&settings));
        let scores = run(&mut trainer);
        assert!(trainer.state().best.score < scores[0], "{settings:?}: {scores:?}");
        assert!(trainer.model(Summary::default()).expect("a model").is_calibrated());
    }
}

/// A photograph of two discs before a bright ground.
fn photograph() -> Image {
    Image::from_fn(60, 80, |y, x| {
        let disc = |cy: f32, cx: f32, r: f32| (cy - y as f32).hypot(cx - x as f32) < r;
        if disc(25.0, 25.0, 14.0) || disc(35.0, 60.0, 10.0) { [0.1, 0.2, 0.1] } else { [0.8, 0.7, 0.9] }
    })
}

fn style_trainer(changes: &[&str]) -> Trainer {
    let small = [
        "size=32",
        "scales=3",
        "sliced.levels=2",
        "sliced.strides=[2]",
        "sliced.bank=32",
        "nearest.levels=1",
    ];
    let settings: Vec<String> = small.iter().chain(changes).map(|s| (*s).to_owned()).collect();
    let config =
        TrainConfig::new("style", &settings).and_then(|c| c.resolve(&[discs()])).expect("a configuration");
    Trainer::of_style(&config, &[discs()], &[photograph()], &Device::flex()).expect("a run")
}

/// How much darker than its ground the photograph's discs are when it is dressed at a strength.
fn contrast(model: &Model, strength: f32) -> f32 {
    let photograph = photograph();
    let frozen = calibrate::calibrate_on(model, &photograph, 0, strength);
    let options = PlaneOptions { noise_scale: strength, ..PlaneOptions::default() };
    let plane = Plane::stylised(&frozen, &photograph, options).expect("a plane");
    let dressed = plane.window(Window::sized(80, 60)).expect("a window");
    let brightness = |image: &Image, y: usize, x: usize| image.pixel(y, x).iter().sum::<f32>();
    let mean = |inside: bool| {
        let places = (0..60 * 80).map(|i| (i / 80, i % 80));
        let values: Vec<f32> = places
            .filter(|&(y, x)| (brightness(&photograph, y, x) < 1.0) == inside)
            .map(|(y, x)| brightness(&dressed, y, x))
            .collect();
        values.iter().sum::<f32>() / values.len() as f32
    };
    mean(false) - mean(true)
}

#[test]
fn a_style_is_learned_and_what_it_dresses_shows_the_photograph() {
    let mut trainer = style_trainer(&["iterations=240", "content.weight=2", "strengths=[1, 1]"]);
    let scores = run(&mut trainer);
    let best = trainer.state().best.score;
    assert!(best < 0.6 * scores[0], "the score fell from {} to {best} only", scores[0]);
    let model = trainer.model(Summary::default()).expect("a model");
    assert!(model.spec().content && !model.is_calibrated());
    assert_eq!(strengths(&model.summary), None);
    assert!(contrast(&model, 1.0) > 0.2, "{}", contrast(&model, 1.0));
}

#[test]
fn a_style_of_several_strengths_shows_less_of_the_photograph_the_stronger_it_is() {
    let mut trainer = style_trainer(&["iterations=240"]);
    run(&mut trainer);
    let model = trainer.model(Summary::default()).expect("a model");
    assert_eq!(strengths(&model.summary), Some([0.0, 2.0]));
    let [weak, middle, strong] = [0.0, 1.0, 2.0].map(|strength| contrast(&model, strength));
    assert!(weak > middle && middle > strong, "{weak}, {middle}, {strong}");
}

#[test]
fn a_style_that_was_stopped_ends_like_one_that_was_not() {
    let changes = ["iterations=6", "coarse_iterations=[6]", "batch=2"];
    let mut whole = style_trainer(&changes);
    run(&mut whole);
    for stop in [3, 6, 9] {
        let mut first = style_trainer(&changes);
        while first.state().step < stop {
            first.step().expect("a step");
        }
        let mut second = style_trainer(&changes);
        second.set_state(first.state().clone()).expect("the same network");
        run(&mut second);
        assert!(second.state() == whole.state(), "stopped after {stop}");
    }
}

#[test]
fn a_style_that_is_told_to_holds_still_on_a_moving_photograph() {
    let learned = |changes: &[&str]| {
        let mut trainer = style_trainer(&[changes, &["iterations=120"]].concat());
        run(&mut trainer);
        flicker(&trainer.model(Summary::default()).expect("a model"), &[photograph()]).expect("a style")
    };
    let [still, free] = [&["temporal.weight=30", "temporal.motion=4"][..], &[]].map(learned);
    assert!(still < 0.7 * free, "{still} with the term, {free} without");
}

#[test]
fn styles_and_textures_are_not_confused() {
    let style = style_trainer(&["iterations=1"]).config().clone();
    let refused = |config: &TrainConfig, photographs: &[Image]| {
        let trainer = Trainer::of_style(config, &[discs()], photographs, &Device::flex());
        trainer.err().expect("refused").to_string()
    };
    assert!(refused(&style, &[]).contains("--content"));
    assert!(refused(&config(&[]), &[photograph()]).contains("preset"));
}
