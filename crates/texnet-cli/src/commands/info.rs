//! `texnet info`: what a model is.

use std::fmt::Write;

use anyhow::Result;
use serde_json::json;
use texnet_infer::Model;

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
        "reach": spec.reach(),
        "multiply_adds_per_pixel": spec.multiply_adds().round(),
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
    match spec.residual {
        0 => writeln!(out, "  block          {:?} convolutions, slope {}", spec.block, spec.negative_slope)?,
        blocks => writeln!(out, "  residual       {blocks} blocks at the coarsest scale")?,
    }
    writeln!(
        out,
        "  inputs         {} of noise{}",
        spec.noise_channels,
        if spec.content { ", the photograph" } else { "" }
    )?;
    writeln!(out, "  statistics     {}", statistics(model))?;
    writeln!(out, "  seamless tile  sides in multiples of {} pixels", spec.granularity())?;
    writeln!(out, "  reach          a pixel depends on noise up to {} pixels away", spec.reach())?;
    writeln!(out, "  cost           {:.1} thousand multiply-adds per pixel", spec.multiply_adds() * 1e-3)?;
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
