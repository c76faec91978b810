//! `cargo xtask gallery`: the built-in models, learned from the exemplars by the default presets.

use std::path::Path;

use anyhow::{Context, Result};

use crate::step;

/// Learns every exemplar that has no model yet, or those that are named, and paints their sheets; what was begun in
/// `out/gallery` is gone on with.
pub(crate) fn run(names: &[String]) -> Result<()> {
    step("cargo", &["build", "--release", "-p", "texnet-cli", "-p", "texnet"], &[])?;
    for folder in ["assets/models", SHEETS, RUNS] {
        std::fs::create_dir_all(folder)?;
    }
    for name in if names.is_empty() { missing()? } else { names.to_vec() } {
        learn(&name)?;
    }
    Ok(())
}

/// One line of pictures for each model, which the README shows.
const SHEETS: &str = "assets/gallery";
/// Where learning goes on.
const RUNS: &str = "out/gallery";
/// Exemplars that are learned as styles, with settings of their own; `cargo xtask figures` shows them. They hold many
/// small things, and are learned twice as large as paintings are; thin ones come out better on smaller pictures.
const STYLES: [(&str, &str); 3] = [("glass", LARGE), ("strokes", SMALL), ("woodcut", SMALL)];
/// What they have in common. Woodcut looks no better after the 320 megapixels of the preset.
const EVERY: &str = "--scale 2 --set megapixels=120";
const LARGE: &str = "--set scales=5 --set sliced.levels=5 --set sliced.strides=[4,2]";
const SMALL: &str = "--size 128 --set scales=4 --set sliced.levels=4 --set sliced.strides=[2]";

fn learn(name: &str) -> Result<()> {
    let [exemplar, model, learned, sheet] = [
        format!("assets/exemplars/{name}.png"),
        format!("assets/models/{name}.safetensors"),
        format!("{RUNS}/{name}.safetensors"),
        format!("{SHEETS}/{name}.jpg"),
    ];
    let style = STYLES.iter().find(|(style, _)| *style == name);
    let command = if style.is_some() { "train-style" } else { "train" };
    let mut arguments = vec![command, &exemplar, "-o", &learned, "--half"];
    arguments.extend(style.iter().flat_map(|(_, own)| EVERY.split(' ').chain(own.split(' '))));
    if Path::new(&format!("{RUNS}/{name}.run/config.toml")).exists() {
        arguments.push("--resume");
    }
    step("target/release/texnet", &arguments, &[])?;
    std::fs::copy(&learned, &model).with_context(|| model.clone())?;
    if style.is_none() {
        let arguments = ["sample", &model, "--sheet", &exemplar, "-o", &sheet, "--quality", "85"];
        step("target/release/texnet", &arguments, &[])?;
    }
    std::fs::remove_dir_all(format!("{RUNS}/{name}.run"))?;
    Ok(())
}

fn missing() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir("assets/exemplars")? {
        let name = entry?.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !Path::new(&format!("assets/models/{name}.safetensors")).exists() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
