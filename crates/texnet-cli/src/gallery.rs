//! The models that are part of the program: textures learned from the pictures in `assets/exemplars`.

use anyhow::{Context, Result, bail};
use std::path::Path;
use texnet_infer::Model;

macro_rules! models {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../assets/models/", $name, ".safetensors")).as_slice())),+]
    };
}

/// Names and files, sorted.
const MODELS: [(&str, &[u8]); 12] = models![
    "autumn",
    "bark",
    "beans",
    "bricks",
    "cobbles",
    "coffee",
    "cranberries",
    "gravel",
    "knit",
    "pebbles",
    "scales",
    "straw",
];

/// The names of all.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|(name, _)| *name)
}

/// The model of this name, if there is one.
pub(crate) fn model(name: &Path) -> Option<Result<Model>> {
    let (name, bytes) = MODELS.iter().find(|(known, _)| Path::new(known) == name)?;
    Some(Model::from_bytes(bytes).with_context(|| format!("the built-in model '{name}'")))
}

/// Says what there is, for a name that is neither a file nor a built-in model.
pub(crate) fn unknown(path: &Path) -> Result<()> {
    let plain = path.components().count() == 1 && path.extension().is_none();
    if plain && !path.exists() {
        let names: Vec<_> = names().collect();
        bail!("{} is neither a file nor one of the built-in models: {}", path.display(), names.join(", "));
    }
    Ok(())
}
