//! `cargo xtask gallery`: the built-in models, learned from the exemplars by the default preset.

use std::path::Path;

use anyhow::{Context, Result};

use crate::step;

/// Learns every exemplar that has no model yet, or those that are named.
pub(crate) fn run(names: &[String]) -> Result<()> {
    step("cargo", &["build", "--release", "-p", "texnet-cli", "-p", "texnet"], &[])?;
    std::fs::create_dir_all("assets/models")?;
    for name in if names.is_empty() { missing()? } else { names.to_vec() } {
        let exemplar = format!("assets/exemplars/{name}.png");
        let model = format!("assets/models/{name}.safetensors");
        step("target/release/texnet", &["train", &exemplar, "-o", &model, "--half"], &[])?;
        for made in [format!("assets/models/{name}.sheet.png"), format!("assets/models/{name}.png")] {
            std::fs::create_dir_all("out")?;
            let kept = Path::new("out").join(Path::new(&made).file_name().unwrap_or_default());
            std::fs::rename(&made, kept).with_context(|| made.clone())?;
        }
        std::fs::remove_dir_all(format!("assets/models/{name}.run"))?;
    }
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
