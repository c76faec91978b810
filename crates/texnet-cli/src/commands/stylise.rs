//! `texnet stylise`: a photograph in a style.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::json;
use texnet_infer::{Content, Model, Plane, PlaneOptions, Window, calibrate};
use texnet_io::{Format, Photo, Picture};

use crate::cli::Stylise;
use crate::files;
use crate::paint;
use crate::report::Report;

/// Statistics of larger photographs are taken from a reduction to this side, in pixels.
const STATISTICS_SIDE: usize = 512;

pub(crate) fn run(arguments: &Stylise, report: &Report) -> Result<()> {
    let output = arguments.output.clone().unwrap_or_else(|| default_output(arguments));
    Format::from_path(&output)?;
    let model = files::model(&arguments.model)?;
    ensure!(
        model.spec().content,
        "{} is a texture network and takes no photograph: sample it instead ('texnet sample')",
        arguments.model.display()
    );
    let photo = load(arguments)?;
    let [height, width] = photo.size();
    let picture = picture(arguments, &output, &photo)?;
    report.check()?;
    let options =
        PlaneOptions { seed: arguments.seed, noise_scale: arguments.noise, ..PlaneOptions::default() };
    let plane_of = frozen(model, &photo, arguments);
    let plane = Plane::stylised(&plane_of, &photo, options)?;
    let window = Window::sized(width, height);
    paint::paint(&plane, window, &output, &picture, |y, row| photo.alpha_row(y, row), report)?;
    let output = output.display().to_string();
    report.done(
        &format!("{output}: {width}x{height}"),
        json!({"output": output, "width": width, "height": height, "seed": arguments.seed, "noise": arguments.noise}),
    );
    Ok(())
}

fn load(arguments: &Stylise) -> Result<Photo> {
    let photo = texnet_io::read(&arguments.photo)?;
    Ok(match arguments.max_size {
        Some(side) if photo.size().into_iter().max() > Some(side) => photo.reduced(side),
        _ => photo,
    })
}

/// The network with statistics taken once, for the whole photograph.
fn frozen(model: Model, photo: &Photo, arguments: &Stylise) -> Model {
    if model.is_calibrated() {
        return model;
    }
    let small = photo.size().into_iter().max() <= Some(STATISTICS_SIDE);
    let image = if small { photo.to_image() } else { photo.reduced(STATISTICS_SIDE).to_image() };
    calibrate::calibrate_on(&model, &image, arguments.seed, arguments.noise)
}

/// Alpha, depth and profile are the photograph's, as far as the format holds them.
fn picture(arguments: &Stylise, output: &Path, photo: &Photo) -> Result<Picture> {
    let format = Format::from_path(output)?;
    let mut coding = arguments.coding.clone();
    if coding.bits.is_none() && format.holds_16_bits() {
        coding.bits = Some(photo.bits());
    }
    let [height, width] = photo.size();
    let picture = paint::picture(output, [width, height], &coding)?;
    let alpha = photo.has_alpha() && format.holds_alpha();
    Ok(Picture { alpha, icc: photo.icc().map(<[u8]>::to_vec), ..picture })
}

fn default_output(arguments: &Stylise) -> PathBuf {
    let jpeg = matches!(Format::from_path(&arguments.photo), Ok(Format::Jpeg));
    let ending = if jpeg { "jpg" } else { "png" };
    PathBuf::from(format!("{}-{}.{ending}", files::stem(&arguments.photo), files::stem(&arguments.model)))
}
