//! `texnet sample`: pictures of a texture.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::json;
use texnet_infer::{Model, Plane, PlaneOptions, Window};

use super::import::frozen;
use crate::cli::Sample;
use crate::files;
use crate::gallery;
use crate::paint;
use crate::report::Report;

pub(crate) fn run(arguments: &Sample, report: &Report) -> Result<()> {
    // Without a model the list is asked for.
    let Some(model) = &arguments.model else { return list(report) };
    if let Some(exemplar) = &arguments.sheet {
        return sheet(arguments, model, exemplar, report);
    }
    let [width, height] = arguments.size;
    let window = arguments.window.unwrap_or(Window::sized(width, height));
    paint::check_window(window)?;
    let output = arguments.output.clone().unwrap_or_else(|| default_output(model));
    // What cannot be written is said before the work begins.
    paint::picture(&output, [window.width, window.height], &arguments.coding)?;
    let model = frozen(files::model(model)?);
    for number in 1..=arguments.count {
        let seed = arguments.seed.wrapping_add(u64::from(number) - 1);
        let path = files::numbered(&output, number, arguments.count);
        one(arguments, &model, seed, window, &path, report)?;
    }
    Ok(())
}

fn list(report: &Report) -> Result<()> {
    let (models, styles): (Vec<_>, Vec<_>) = (gallery::textures().collect(), gallery::styles().collect());
    let marked = styles.iter().map(|name| format!("{name} (a style: texnet stylise {name} PHOTO)"));
    let lines: Vec<String> = models.iter().map(ToString::to_string).chain(marked).collect();
    report.answer(&(lines.join("\n") + "\n"), &json!({ "models": models, "styles": styles }));
    Ok(())
}

/// An exemplar beside what its model paints.
fn sheet(arguments: &Sample, model: &Path, exemplar: &PathBuf, report: &Report) -> Result<()> {
    let output = arguments.output.clone().unwrap_or_else(|| PathBuf::from(files::stem(model) + ".sheet.png"));
    if files::is_one_of(&output, std::slice::from_ref(exemplar)) {
        bail!("{} is the exemplar itself: name another file with -o", output.display());
    }
    let exemplar = texnet_io::read(exemplar)?.to_image();
    super::sheet::texture(&output, &frozen(files::model(model)?), &exemplar, &arguments.coding)?;
    let output = output.display().to_string();
    report.done(&format!("{output}: exemplar, three samples, a tile"), json!({ "output": output }));
    Ok(())
}

fn default_output(model: &Path) -> PathBuf {
    PathBuf::from(files::stem(model) + ".png")
}

fn one(
    arguments: &Sample,
    model: &Model,
    seed: u64,
    window: Window,
    path: &Path,
    report: &Report,
) -> Result<()> {
    let [width, height] = arguments.size.map(|side| side as i64);
    let options = PlaneOptions {
        seed,
        period: arguments.tile.then_some([height, width]),
        noise_scale: arguments.scale_noise,
        ..PlaneOptions::default()
    };
    let plane = Plane::texture(model, options)?;
    let picture = paint::picture(path, [window.width, window.height], &arguments.coding)?;
    paint::paint(&|band| Ok(plane.window(band)?), window, path, &picture, |_, _| (), report)?;
    let output = path.display().to_string();
    let Window { x, y, width, height } = window;
    report.done(
        &format!("{output}: {width}x{height}, seed {seed}"),
        json!({"output": output, "x": x, "y": y, "width": width, "height": height, "seed": seed}),
    );
    Ok(())
}
