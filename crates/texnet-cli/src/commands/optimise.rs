//! `texnet optimise`: one picture of a texture, whose pixels are the parameters.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::json;
use texnet::optimise::{Canvas, OptimiseConfig, Optimised, optimise};
use texnet::train::Event;
use texnet::train::teacher::Teacher;
use texnet_infer::Image;

use super::train::{pictures, save_every, say_margins, show};
use crate::cli::{Judge, Optimise};
use crate::files;
use crate::paint;
use crate::report::{Interrupted, Report};

/// Steps at each size that tell how fast the machine is, when the time is given.
const TRIAL: u64 = 8;
/// Memory from which on people are told how much it is.
const MUCH: usize = 1 << 30;

pub(crate) fn run(arguments: &Optimise, report: &Report) -> Result<()> {
    let output = output(arguments)?;
    let exemplars = pictures(&arguments.images)?;
    let config = configure(arguments, &exemplars)?;
    report.say(&describe(&config, &exemplars));
    if !config.whole {
        say_margins(&arguments.images, &exemplars, report);
    }
    let done = descend(&config, &exemplars, arguments, report)?;
    paint::whole(&output, &done.image, &arguments.coding)?;
    let Optimised { steps, score, stopped, .. } = done;
    let named = output.display();
    if stopped {
        bail!(Interrupted::with_advice(&format!(
            "stopped after {steps} of {} steps; {named} is the picture as it was then",
            config.steps()
        )));
    }
    report.done(
        &format!("{named}: {}x{}, {steps} steps, score {score:.4}", config.width, config.height),
        json!({
            "output": output, "width": config.width, "height": config.height, "seed": config.seed,
            "steps": steps, "score": score,
        }),
    );
    Ok(())
}

/// What cannot be written, or is the exemplar itself, is said before the work begins.
fn output(arguments: &Optimise) -> Result<PathBuf> {
    let default = || PathBuf::from(format!("{}-optimised.png", files::stem(&arguments.images[0])));
    let output = arguments.output.clone().unwrap_or_else(default);
    for path in std::iter::once(&output).chain(&arguments.preview) {
        paint::picture(path, arguments.size, &arguments.coding)?;
        files::check_target(path)?;
        if files::is_one_of(path, &arguments.images) {
            bail!("{} is the exemplar itself: name another file", path.display());
        }
    }
    Ok(output)
}

fn configure(arguments: &Optimise, exemplars: &[Image]) -> Result<OptimiseConfig> {
    let teacher = match arguments.teacher {
        Judge::Sliced => Teacher::Sliced,
        Judge::Vgg19 => Teacher::Vgg19,
    };
    let [width, height] = arguments.size;
    let descent = &arguments.descent;
    let size = [format!("width={width}"), format!("height={height}")];
    let whole = arguments.whole.then(|| "whole=true".to_owned());
    let settings: Vec<String> =
        descent.settings(descent.scale).into_iter().chain(size).chain(whole).collect();
    let mut config = OptimiseConfig::new(teacher, &settings)?.resolve(exemplars)?;
    if descent.vgg.is_some() {
        config.vgg19.weights.clone_from(&descent.vgg);
    }
    match descent.minutes {
        Some(minutes) => within(config, exemplars, &descent.device, minutes),
        None => Ok(config),
    }
}

/// As many steps as fit into some minutes on this machine.
fn within(config: OptimiseConfig, exemplars: &[Image], device: &str, minutes: f64) -> Result<OptimiseConfig> {
    let trial = OptimiseConfig { iterations: TRIAL, ..config.clone() };
    let start = Instant::now();
    let mut steps = 0.0;
    let mut before = start;
    let mut time = |_: &Canvas, event: &Event| {
        // Preparations and scores lie between the steps of two sizes: they are made once, however many steps there are.
        let between = matches!(event, Event::Score { .. } | Event::Step { step: 1, .. });
        if !between {
            steps += before.elapsed().as_secs_f64();
        }
        before = Instant::now();
        ControlFlow::Continue(())
    };
    optimise(exemplars, &trial, &texnet::device::parse(device)?, &mut time)?;
    let once = start.elapsed().as_secs_f64() - steps;
    let each = steps / TRIAL as f64;
    let iterations = ((60.0 * minutes - steps - 2.0 * once) / each).clamp(1.0, 1e6) as u64;
    Ok(OptimiseConfig { iterations, ..config })
}

fn describe(config: &OptimiseConfig, exemplars: &[Image]) -> String {
    let from: Vec<String> = exemplars.iter().map(|i| format!("{}x{}", i.width(), i.height())).collect();
    let sizes = config.sizes.unwrap_or(1);
    let to: Vec<String> = (0..sizes)
        .rev()
        .map(|halvings| format!("{}x{}", config.width >> halvings, config.height >> halvings))
        .collect();
    let memory = match config.bytes() {
        bytes if bytes > MUCH => format!("; it takes about {:.1} GiB of memory", bytes as f64 / MUCH as f64),
        _ => String::new(),
    };
    format!(
        "painting {} pixels from {} at scale {}: {} steps each{memory}",
        to.join(", "),
        from.join(", "),
        config.scale,
        config.iterations
    )
}

/// Runs to the end or to Ctrl-C, with a bar and a preview.
fn descend(
    config: &OptimiseConfig,
    exemplars: &[Image],
    arguments: &Optimise,
    report: &Report,
) -> Result<Optimised> {
    let device = texnet::device::parse(&arguments.descent.device)?;
    let bar = report.bar(config.steps() as usize, "painting".into());
    let mut saved = Instant::now();
    let mut failure = None;
    let done = optimise(exemplars, config, &device, &mut |canvas, event| {
        show(&bar, event);
        if let Some(path) = arguments.preview.as_deref().filter(|_| saved.elapsed() >= save_every()) {
            failure = preview(path, canvas, arguments).err();
            saved = Instant::now();
        }
        let on = failure.is_none() && report.check().is_ok();
        if on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    bar.finish_and_clear();
    match failure {
        Some(error) => Err(error),
        None => Ok(done?),
    }
}

fn preview(path: &Path, canvas: &Canvas, arguments: &Optimise) -> Result<()> {
    paint::whole(path, &canvas.image(), &arguments.coding)
}
