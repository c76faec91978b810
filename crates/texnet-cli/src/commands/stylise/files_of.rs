//! Which photographs are meant, and where each goes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use texnet_io::Format;

use crate::files::{is_one_of, pictures_of, stem};

/// The files that are named, and the pictures in the folders that are, in order of their names.
pub(super) fn inputs(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut inputs = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => inputs.extend(pictures_of(path)?),
            false => inputs.push(path.clone()),
        }
    }
    ensure!(!inputs.is_empty(), "{} holds no pictures: name another folder", paths[0].display());
    Ok(inputs)
}

/// The folder that several pictures go to, made if need be. No two of them may have one name there.
pub(super) fn folder(output: Option<&Path>, inputs: &[PathBuf]) -> Result<PathBuf> {
    let Some(folder) = output else {
        bail!("{} photographs are given: name a folder for them with -o", inputs.len());
    };
    ensure!(
        folder.is_dir() || !folder.exists(),
        "{} is a file, but {} photographs go to a folder: name one with -o",
        folder.display(),
        inputs.len()
    );
    let mut names = BTreeSet::new();
    for input in inputs {
        let name = output_name(input);
        ensure!(
            !is_one_of(&folder.join(&name), std::slice::from_ref(input)),
            "{} would be written over: name another folder with -o",
            input.display()
        );
        ensure!(
            names.insert(name.clone()),
            "two of the photographs would both become {name}: dress them one by one"
        );
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made: name a folder in a writable one", folder.display()))?;
    Ok(folder.to_owned())
}

/// The photograph's own name, with the ending of a format that can be written.
pub(super) fn output_name(photo: &Path) -> String {
    let name = photo.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match Format::from_path(photo) {
        Ok(_) => name,
        Err(_) => stem(photo) + ".png",
    }
}
