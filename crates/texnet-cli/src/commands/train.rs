//! `texnet train` and `texnet train-style`: a texture or a style learned from pictures of it.

mod pool;
mod run_folder;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use serde_json::json;
use texnet::margins::inside;
use texnet::measure::advised_scale;
use texnet::train::{Event, TrainConfig, Trainer, flicker};
use texnet_infer::model::Summary;
use texnet_infer::{Image, Model, Plane, PlaneOptions, Precision, Window};

use super::sheet;
use crate::cli::{Coding, Learning, Train, TrainStyle};
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

/// `texnet train`.
pub(crate) fn texture(arguments: &Train, report: &Report) -> Result<()> {
    let exemplars = pictures(&arguments.images)?;
    let output = output(arguments.output.as_ref(), &arguments.images)?;
    let Train { images, preset, learning, .. } = arguments;
    let scale = learning.descent.scale;
    let settings = arguments.whole.then(|| "whole=true".to_owned()).into_iter().collect();
    Lesson { images, exemplars, photographs: Vec::new(), preset, scale, settings, learning, output }
        .take(report)
}

/// `texnet train-style`.
pub(crate) fn style(arguments: &TrainStyle, report: &Report) -> Result<()> {
    let exemplars = pictures(&arguments.images)?;
    let output = output(arguments.output.as_ref(), &arguments.images)?;
    let photographs = pool::photographs(&arguments.content, report)?;
    let TrainStyle { images, preset, learning, .. } = arguments;
    let settings = arguments.content_weight.map(|w| format!("content.weight={w:?}")).into_iter().collect();
    let scale = Some(learning.descent.scale.unwrap_or(1.0) * style_scale(&exemplars[0]));
    Lesson { images, exemplars, photographs, preset, scale, settings, learning, output }.take(report)
}

/// What brings a picture to the size at which styles are learned, however large it is.
fn style_scale(style: &Image) -> f32 {
    let pixels = (style.height() * style.width()) as f32;
    (STYLE_SIDE / pixels.sqrt()).clamp(0.01, 16.0)
}

/// Side of a square of as many pixels as a style is learned from: its strokes are then those of a picture of this size.
/// Twice as large, motifs of paintings are larger than what a network of five scales can draw, and only strokes are left.
const STYLE_SIDE: f32 = 200.0;

/// The model file's name is checked before anything is learned.
fn output(given: Option<&PathBuf>, images: &[PathBuf]) -> Result<PathBuf> {
    let default = || PathBuf::from(format!("{}.safetensors", files::stem(&images[0])));
    let output = given.cloned().unwrap_or_else(default);
    files::check_target(&output)?;
    Ok(output)
}

pub(super) fn pictures(paths: &[PathBuf]) -> Result<Vec<Image>> {
    paths.iter().map(|path| Ok(texnet_io::read(path)?.to_image())).collect()
}

/// What is learned, from which pictures, and where it goes.
struct Lesson<'a> {
    images: &'a [PathBuf],
    exemplars: Vec<Image>,
    photographs: Vec<Image>,
    preset: &'a str,
    /// Size of what is learned, relative to the pictures.
    scale: Option<f32>,
    settings: Vec<String>,
    learning: &'a Learning,
    output: PathBuf,
}

impl Lesson<'_> {
    fn take(&self, report: &Report) -> Result<()> {
        let folder = RunFolder::beside(&self.output);
        let config = self.configure(&folder)?;
        let mut trainer = self.trainer(&config)?;
        if self.learning.resume {
            folder.resume(&mut trainer)?;
        } else {
            folder.start(&config)?;
        }
        report.say(&describe(&config, &self.exemplars));
        say_scale(&config, &self.exemplars, report);
        if !config.takes_whole() {
            say_margins(self.images, &self.exemplars, report);
        }
        let finished = learn(&mut trainer, &folder, report)?;
        folder.save(&trainer)?;
        if finished.is_break() {
            bail!(Interrupted::with_advice(&format!(
                "stopped after {} of {} steps; nothing is lost: the same command with --resume goes on",
                trainer.state().step,
                config.steps()
            )));
        }
        self.finish(&trainer, report)
    }

    fn trainer(&self, config: &TrainConfig) -> Result<Trainer> {
        let device = texnet::device::parse(&self.learning.descent.device)?;
        Ok(Trainer::of_style(config, &self.exemplars, &self.photographs, &device)?)
    }

    /// The settings of the command line, or those that the run began with.
    fn configure(&self, folder: &RunFolder) -> Result<TrainConfig> {
        let learning = self.learning;
        if learning.resume {
            return folder.config();
        }
        let size = learning.size.map(|size| format!("size={size}"));
        let given = learning.descent.settings(self.scale).into_iter().chain(size);
        let settings: Vec<String> = self.settings.iter().cloned().chain(given).collect();
        let mut config = TrainConfig::new(self.preset, &settings)?.resolve(&self.exemplars)?;
        if learning.descent.vgg.is_some() {
            config.vgg19.weights.clone_from(&learning.descent.vgg);
        }
        match learning.descent.minutes {
            Some(minutes) => self.within(config, minutes),
            None => Ok(config),
        }
    }

    /// As many steps as fit into some minutes on this machine. The number is written down, so that the run can be
    /// repeated.
    fn within(&self, config: TrainConfig, minutes: f64) -> Result<TrainConfig> {
        let mut seconds = 0.0;
        let mut preparation = 0.0;
        for part in config.runs()? {
            let start = Instant::now();
            let mut trainer = self.trainer(&part)?;
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

    fn finish(&self, trainer: &Trainer, report: &Report) -> Result<()> {
        let summary = Summary([("source".to_owned(), source(self.images))].into());
        let model: Model = trainer.model(summary)?;
        let precision = if self.learning.half { Precision::F16 } else { Precision::F32 };
        files::write_model(&self.output, &model, precision)?;
        let [sheet, sample] = self.show(&model)?;
        let best = &trainer.state().best;
        let mut sentence =
            format!("{}: learned in {} steps, score {:.4}", self.output.display(), best.step, best.score);
        let mut members = json!({
            "model": self.output, "sheet": sheet, "sample": sample, "steps": best.step, "score": best.score,
        });
        if model.spec().content {
            let flicker = flicker(&model, &self.photographs)?;
            sentence += &format!(", flicker {flicker:.3}");
            members["flicker"] = flicker.into();
        }
        if let Some(sheet) = sheet {
            sentence += &format!("; pictures in {}", sheet.display());
        }
        report.done(&sentence, members);
        Ok(())
    }

    /// The sheet and, for textures, the sample beside a new model; none that would take the place of what was learned
    /// from.
    fn show(&self, model: &Model) -> Result<[Option<PathBuf>; 2]> {
        let beside = |ending: &str| {
            let path = self.output.with_extension(ending);
            (!files::is_one_of(&path, self.images)).then_some(path)
        };
        let [sheet, sample] = ["sheet.png", "png"].map(beside);
        let sample = sample.filter(|_| !model.spec().content);
        if let Some(path) = &sheet {
            match self.photographs.as_slice() {
                [] => sheet::texture(path, model, &self.exemplars[0], &Coding::default())?,
                photographs => sheet::style(path, model, &self.exemplars[0], photographs)?,
            }
        }
        if let Some(path) = &sample {
            let plane = Plane::texture(model, PlaneOptions::default())?;
            paint::whole(path, &plane.window(Window::sized(SAMPLE, SAMPLE))?, &Coding::default())?;
        }
        Ok([sheet, sample])
    }
}

/// What is left out of pictures of a texture.
pub(super) fn say_margins(images: &[PathBuf], exemplars: &[Image], report: &Report) {
    for (path, image) in images.iter().zip(exemplars) {
        let [rows, columns] = inside(image);
        let lost = [rows.start, image.height() - rows.end, columns.start, image.width() - columns.end];
        let edges = ["at the top", "at the bottom", "at the left", "at the right"];
        let lost = lost.iter().zip(edges).filter(|(pixels, _)| **pixels > 0);
        let lost: Vec<String> = lost.map(|(pixels, edge)| format!("{pixels} pixels {edge}")).collect();
        if !lost.is_empty() {
            let (path, lost) = (path.display(), lost.join(", "));
            report.say(&format!(
                "{path}: {lost} are left out, since the middle of the picture has no such colours: --whole keeps them"
            ));
        }
    }
}

/// What would help when objects are too large to be learned whole.
fn say_scale(config: &TrainConfig, exemplars: &[Image], report: &Report) {
    if config.content.is_some() || config.scale != 1.0 {
        return;
    }
    if let Some((scale, size)) = exemplars.iter().find_map(advised_scale) {
        report.say(&format!(
            "things seem to be {size:.0} pixels large, more than is learned whole: --scale {scale:.2} makes them smaller"
        ));
    }
}

fn describe(config: &TrainConfig, exemplars: &[Image]) -> String {
    let sizes: Vec<String> = exemplars.iter().map(|i| format!("{}x{}", i.width(), i.height())).collect();
    let mut runs = config.runs().unwrap_or_default();
    let frozen = runs.pop_if(|_| config.frozen_iterations > Some(0));
    let steps = |run: &TrainConfig| format!("{} steps at {}x{}", run.steps(), run.size()[0], run.size()[1]);
    let more = frozen.map(|run| format!("{} more with frozen statistics", run.steps()));
    let stages: Vec<String> = runs.iter().map(steps).chain(more).collect();
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

fn source(images: &[PathBuf]) -> String {
    let name =
        |path: &PathBuf| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    images.iter().map(name).collect::<Vec<_>>().join(", ")
}
