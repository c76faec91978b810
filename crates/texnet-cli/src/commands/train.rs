//! `texnet train`: a texture learned from pictures of it.

mod run_folder;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use serde_json::json;
use texnet::train::{Event, TrainConfig, Trainer};
use texnet_infer::model::Summary;
use texnet_infer::{Image, Model, Plane, PlaneOptions, Precision, Window};

use super::sheet;
use crate::cli::{Coding, Train};
use crate::files;
use crate::paint;
use crate::report::{Interrupted, Report};
use run_folder::RunFolder;

/// From one preview, and one saved state, to the next.
const SAVE_EVERY: Duration = Duration::from_secs(10);
/// Another number of milliseconds instead, for tests that stop runs.
const SAVE_EVERY_VARIABLE: &str = "TEXNET_SAVE_EVERY_MS";
/// Steps that tell how fast the machine is, when the time is given.
const TRIAL: u64 = 16;
/// Side of the sample beside a new model, in pixels.
const SAMPLE: usize = 512;

pub(crate) fn run(arguments: &Train, report: &Report) -> Result<()> {
    let output = output(arguments)?;
    let exemplars = exemplars(&arguments.images)?;
    let device = texnet::device::parse(&arguments.device)?;
    let folder = RunFolder::beside(&output);
    let config = configure(arguments, &exemplars, &folder)?;
    let mut trainer = Trainer::new(&config, &exemplars, &device)?;
    if arguments.resume {
        folder.resume(&mut trainer)?;
    } else {
        folder.start(&config)?;
    }
    report.say(&describe(&config, &exemplars));
    let finished = learn(&mut trainer, &folder, report)?;
    folder.save(&trainer)?;
    if finished.is_break() {
        bail!(Interrupted::with_advice(&format!(
            "stopped after {} of {} steps; nothing is lost: the same command with --resume goes on",
            trainer.state().step,
            config.steps()
        )));
    }
    finish(&trainer, &exemplars, &output, arguments, report)
}

/// The model file's name is checked before anything is learned.
fn output(arguments: &Train) -> Result<PathBuf> {
    let default = || PathBuf::from(format!("{}.safetensors", files::stem(&arguments.images[0])));
    let output = arguments.output.clone().unwrap_or_else(default);
    files::check_target(&output)?;
    Ok(output)
}

pub(super) fn exemplars(paths: &[PathBuf]) -> Result<Vec<Image>> {
    paths.iter().map(|path| Ok(texnet_io::read(path)?.to_image())).collect()
}

/// The settings of the command line, or those that the run began with.
fn configure(arguments: &Train, exemplars: &[Image], folder: &RunFolder) -> Result<TrainConfig> {
    if arguments.resume {
        return folder.config();
    }
    let named = [
        ("size", arguments.size.map(|v| v.to_string())),
        ("seed", arguments.seed.map(|v| v.to_string())),
        ("iterations", arguments.iterations.map(|v| v.to_string())),
        ("scale", arguments.scale.map(|v| format!("{v:?}"))),
    ];
    let settings = settings(&arguments.set, named);
    let mut config = TrainConfig::new(&arguments.preset, &settings)?.resolve(exemplars)?;
    if arguments.vgg.is_some() {
        config.vgg19.weights.clone_from(&arguments.vgg);
    }
    match arguments.minutes {
        Some(minutes) => within(config, exemplars, &arguments.device, minutes),
        None => Ok(config),
    }
}

/// Those of `--set`, and those that have flags of their own and were given.
pub(super) fn settings<const N: usize>(set: &[String], named: [(&str, Option<String>); N]) -> Vec<String> {
    let given = named.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?)));
    set.iter().cloned().chain(given).collect()
}

/// As many steps as fit into some minutes on this machine. The number is written down, so that the run can be repeated.
fn within(config: TrainConfig, exemplars: &[Image], device: &str, minutes: f64) -> Result<TrainConfig> {
    let mut seconds = 0.0;
    let mut preparation = 0.0;
    for part in config.runs()? {
        let start = Instant::now();
        let mut trainer = Trainer::new(&part, exemplars, &texnet::device::parse(device)?)?;
        preparation += start.elapsed().as_secs_f64();
        let start = Instant::now();
        for _ in 0..TRIAL {
            trainer.step()?;
        }
        seconds += start.elapsed().as_secs_f64() / TRIAL as f64 * part.steps() as f64;
    }
    let share = ((60.0 * minutes - 3.0 * preparation) / seconds).max(0.0);
    Ok(config.with_steps(|steps| ((steps as f64 * share) as u64).max(1)))
}

fn describe(config: &TrainConfig, exemplars: &[Image]) -> String {
    let sizes: Vec<String> = exemplars.iter().map(|i| format!("{}x{}", i.width(), i.height())).collect();
    let runs = config.runs().unwrap_or_default();
    let stages: Vec<String> = runs
        .iter()
        .map(|run| format!("{} steps at {}x{}", run.steps(), run.size()[0], run.size()[1]))
        .collect();
    format!(
        "learning {} pixels at scale {}: {} scales, {} (preset {})",
        sizes.join(", "),
        config.scale,
        config.scales.unwrap_or_default(),
        stages.join(", "),
        config.preset
    )
}

pub(super) fn save_every() -> Duration {
    let given = std::env::var(SAVE_EVERY_VARIABLE).ok().and_then(|text| text.parse().ok());
    given.map_or(SAVE_EVERY, Duration::from_millis)
}

/// Runs to the end or to Ctrl-C, with a bar, a log, and previews.
fn learn(trainer: &mut Trainer, folder: &RunFolder, report: &Report) -> Result<ControlFlow<()>> {
    let bar = report.bar(trainer.config().steps() as usize, "learning".into());
    bar.set_position(trainer.state().step);
    bar.reset_eta();
    let mut log = folder.log(trainer.state().step)?;
    let mut saved = Instant::now();
    let mut failure = None;
    let outcome = trainer.run(&mut |trainer, event| {
        show(&bar, event);
        let mut work = || -> Result<()> {
            log.write(event)?;
            if saved.elapsed() >= save_every() {
                folder.save(trainer)?;
                folder.preview(trainer)?;
                saved = Instant::now();
            }
            Ok(())
        };
        if let Err(error) = work() {
            failure = Some(error);
            return ControlFlow::Break(());
        }
        if report.check().is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    if let Some(error) = failure {
        return Err(error);
    }
    Ok(outcome?)
}

pub(super) fn show(bar: &ProgressBar, event: &Event) {
    match event {
        Event::Step { step, terms, .. } => {
            bar.set_position(*step);
            if step.is_multiple_of(10) {
                let terms: Vec<String> =
                    terms.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
                bar.set_message(terms.join(", "));
            }
        }
        Event::Restarted { step, factor } => {
            bar.println(format!("learning diverged: on from step {step} with {factor} of the rate"));
        }
        Event::Score { .. } => {}
    }
}

fn finish(
    trainer: &Trainer,
    exemplars: &[Image],
    output: &Path,
    arguments: &Train,
    report: &Report,
) -> Result<()> {
    let summary = Summary([("source".to_owned(), source(&arguments.images))].into());
    let model: Model = trainer.model(summary)?;
    let precision = if arguments.half { Precision::F16 } else { Precision::F32 };
    files::write_model(output, &model, precision)?;
    let [sheet, sample] = pictures(&model, &exemplars[0], output, &arguments.images)?;
    let sentence = format!(
        "{}: learned in {} steps, score {:.4}{}",
        output.display(),
        trainer.state().best.step,
        trainer.state().best.score,
        sheet.as_ref().map_or_else(String::new, |path| format!("; pictures in {}", path.display()))
    );
    report.done(
        &sentence,
        json!({
            "model": output, "sheet": sheet, "sample": sample, "steps": trainer.state().best.step,
            "score": trainer.state().best.score,
        }),
    );
    Ok(())
}

/// The sheet and the sample beside a new model; none that would take the place of what was learned from.
fn pictures(
    model: &Model,
    exemplar: &Image,
    output: &Path,
    images: &[PathBuf],
) -> Result<[Option<PathBuf>; 2]> {
    let beside = |ending: &str| {
        let path = output.with_extension(ending);
        (!files::is_one_of(&path, images)).then_some(path)
    };
    let [sheet, sample] = ["sheet.png", "png"].map(beside);
    if let Some(path) = &sheet {
        sheet::write(path, model, exemplar, &Coding::default())?;
    }
    if let Some(path) = &sample {
        let plane = Plane::texture(model, PlaneOptions::default())?;
        paint::whole(path, &plane.window(Window::sized(SAMPLE, SAMPLE))?, &Coding::default())?;
    }
    Ok([sheet, sample])
}

fn source(images: &[PathBuf]) -> String {
    let name =
        |path: &PathBuf| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    images.iter().map(name).collect::<Vec<_>>().join(", ")
}
