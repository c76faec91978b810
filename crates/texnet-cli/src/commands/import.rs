//! `texnet import`: a Torch7 model of 2016 becomes a model file.

use anyhow::Result;
use serde_json::json;
use texnet_infer::{Model, Precision, calibrate};

use crate::cli::Import;
use crate::files;
use crate::report::Report;

/// Seed of the sample that statistics are taken from.
pub(crate) const CALIBRATION_SEED: u64 = 0;

pub(crate) fn run(arguments: &Import, report: &Report) -> Result<()> {
    let model = frozen(files::import(&arguments.model)?);
    let output = arguments.output.clone().unwrap_or_else(|| arguments.model.with_extension("safetensors"));
    let precision = if arguments.half { Precision::F16 } else { Precision::F32 };
    report.check()?;
    files::write_model(&output, &model, precision)?;
    let output = output.display().to_string();
    let sentence = format!("{output}: {} with {} parameters", kind(&model), model.parameter_count());
    report.done(&sentence, json!({"output": output, "parameters": model.parameter_count()}));
    Ok(())
}

/// The model with statistics to paint with. Style networks get theirs from each photograph.
pub(crate) fn frozen(model: Model) -> Model {
    if model.is_calibrated() || model.spec().content {
        return model;
    }
    calibrate::calibrate(&model, CALIBRATION_SEED)
}

pub(crate) fn kind(model: &Model) -> &'static str {
    if model.spec().content { "a style network" } else { "a texture network" }
}
