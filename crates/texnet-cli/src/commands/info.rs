//! `texnet info`: what a model is.

use std::fmt::Write;

use anyhow::Result;
use serde_json::json;
use texnet_infer::{GeneratorSpec, Model};

use super::import::kind;
use crate::cli::Info;
use crate::files;
use crate::report::Report;

pub(crate) fn run(arguments: &Info, report: &Report) -> Result<()> {
    let model = files::model(&arguments.model)?;
    let spec = model.spec();
    let members = json!({
        "kind": if spec.content { "style" } else { "texture" },
        "parameters": model.parameter_count(),
        "calibrated": model.is_calibrated(),
        "granularity": spec.granularity(),
        "reach": reach(spec),
        "multiply_adds_per_pixel": multiply_adds(spec).round(),
        "spec": spec,
        "summary": model.summary,
    });
    report.answer(&describe(&arguments.model.display().to_string(), &model)?, &members);
    Ok(())
}

fn describe(path: &str, model: &Model) -> Result<String, std::fmt::Error> {
    let spec = model.spec();
    let widths: Vec<String> = spec.scales.iter().map(|s| s.width.to_string()).collect();
    let mut out = String::new();
    writeln!(out, "{path}: {}", kind(model))?;
    writeln!(out, "  parameters     {}", model.parameter_count())?;
    writeln!(out, "  scales         {}, {} channels wide", spec.scales.len(), widths.join(", "))?;
    writeln!(out, "  block          {:?} convolutions, slope {}", spec.block, spec.negative_slope)?;
    writeln!(
        out,
        "  inputs         {} of noise{}",
        spec.noise_channels,
        if spec.content { ", the photograph" } else { "" }
    )?;
    writeln!(out, "  statistics     {}", statistics(model))?;
    writeln!(out, "  seamless tile  sides in multiples of {} pixels", spec.granularity())?;
    writeln!(out, "  reach          a pixel depends on noise up to {} pixels away", reach(spec))?;
    writeln!(out, "  cost           {:.1} thousand multiply-adds per pixel", multiply_adds(spec) * 1e-3)?;
    for (name, value) in &model.summary.0 {
        writeln!(out, "  {name:<14} {value}")?;
    }
    Ok(out)
}

fn statistics(model: &Model) -> &'static str {
    match (model.is_calibrated(), model.spec().content) {
        (true, _) => "frozen",
        (false, true) => "taken from each photograph",
        (false, false) => "taken from a sample when used",
    }
}

fn threes(spec: &GeneratorSpec) -> usize {
    spec.block.iter().filter(|&&kernel| kernel == 3).count()
}

/// Pixels of the finest scale that the noise of any scale reaches.
fn reach(spec: &GeneratorSpec) -> usize {
    let mut after = 0;
    let mut reach = 0;
    for i in (0..spec.scales.len()).rev() {
        let ratio = spec.ratio(i);
        after += if i > 0 { threes(spec) * ratio } else { 0 };
        let side = if spec.scales[i].branch > 0 { threes(spec) * ratio } else { 0 };
        // A pixel of this scale covers `ratio` of the finest.
        reach = reach.max(after + side + ratio - 1);
    }
    reach
}

fn multiply_adds(spec: &GeneratorSpec) -> f64 {
    let scale = |i: usize| {
        let convs = [spec.side_block(i), spec.join_block(i)].concat();
        let sum: usize = convs.iter().map(|c| c.inputs * c.outputs * c.kernel * c.kernel).sum();
        sum as f64 / (spec.ratio(i) as f64).powi(2)
    };
    let head = spec.head();
    (0..spec.scales.len()).map(scale).sum::<f64>() + (head.inputs * head.outputs) as f64
}
