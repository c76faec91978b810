//! The models that are part of the program: textures and styles learned from the pictures in `assets/exemplars`.

use anyhow::{Context, Result, bail};
use std::path::Path;
use texnet_infer::Model;

macro_rules! models {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../assets/models/", $name, ".safetensors")).as_slice())),+]
    };
}

/// A name and the bytes of its file.
type Entry = (&'static str, &'static [u8]);

/// Sorted by name.
const TEXTURES: [Entry; 12] = models![
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

/// Likewise.
const STYLES: [Entry; 3] = models!["glass", "strokes", "woodcut"];

/// The names of the textures.
pub(crate) fn textures() -> impl Iterator<Item = &'static str> {
    TEXTURES.into_iter().map(|(name, _)| name)
}

/// The names of the styles.
pub(crate) fn styles() -> impl Iterator<Item = &'static str> {
    STYLES.into_iter().map(|(name, _)| name)
}

/// The model of this name, if there is one.
pub(crate) fn model(name: &Path) -> Option<Result<Model>> {
    let (name, bytes) = TEXTURES.into_iter().chain(STYLES).find(|(known, _)| Path::new(known) == name)?;
    Some(Model::from_bytes(bytes).with_context(|| format!("the built-in model '{name}'")))
}

/// Says what there is, for a name that is neither a file nor a built-in model.
pub(crate) fn unknown(path: &Path) -> Result<()> {
    let plain = path.components().count() == 1 && path.extension().is_none();
    if plain && !path.exists() {
        let names: Vec<_> = textures().chain(styles()).collect();
        bail!("{} is neither a file nor one of the built-in models: {}", path.display(), names.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_textures_are_what_they_are_said_to_be() {
        for (styles, names) in [(false, textures().collect::<Vec<_>>()), (true, styles().collect())] {
            for name in names {
                let model = model(Path::new(name)).expect(name).expect(name);
                assert_eq!(model.spec().content, styles, "{name}");
            }
        }
    }
}
