//! Models in and out.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use texnet_infer::{Model, Precision};
use texnet_io::Format;
use texnet_io::whole_file::write_whole;

use crate::gallery;

/// Largest model file: a thousand times the authors'.
const MAX_BYTES: u64 = 1 << 30;

/// The bytes of a file that is not suspiciously large.
fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = || format!("{} cannot be read: name a readable file", path.display());
    let mut bytes = Vec::new();
    let file = fs::File::open(path).with_context(unreadable)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).with_context(unreadable)?;
    ensure!(
        bytes.len() as u64 <= MAX_BYTES,
        "{} is larger than 1 GiB, which no model is: name a model file",
        path.display()
    );
    Ok(bytes)
}

/// A Torch7 model of 2016.
pub(crate) fn import(path: &Path) -> Result<Model> {
    let mut model = texnet::import::torch7(&read(path)?)
        .with_context(|| format!("{} is not imported", path.display()))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    model.summary.0.insert("imported from".into(), name.unwrap_or_default());
    Ok(model)
}

/// A model of either kind, told apart by the contents; or a built-in one by its name, if there is no such file.
pub(crate) fn model(path: &Path) -> Result<Model> {
    if let (false, Some(model)) = (path.exists(), gallery::model(path)) {
        return model;
    }
    gallery::unknown(path)?;
    let bytes = read(path)?;
    // A model file begins with the length of its JSON header and the header's brace, a Torch7 file with a type number.
    if bytes.get(8) == Some(&b'{') || path.extension().is_some_and(|e| e == "safetensors") {
        return Model::from_bytes(&bytes).with_context(|| format!("{} is not read", path.display()));
    }
    import(path)
}

pub(crate) fn write_model(path: &Path, model: &Model, precision: Precision) -> Result<()> {
    let bytes = model.to_bytes(precision);
    write_whole(path, |file| file.write_all(&bytes))
        .with_context(|| format!("{} cannot be written: name a file in a writable folder", path.display()))
}

/// Says at once when a file could not be written to this place at the end of a long run.
pub(crate) fn check_target(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(!path.is_dir(), "{} is a folder: name a file", path.display());
    let probe = tempfile::Builder::new().prefix(".texnet-").tempfile_in(folder);
    probe
        .with_context(|| format!("{} cannot be written: name a file in a writable folder", path.display()))?;
    Ok(())
}

/// The name of a file without folder and ending.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "texnet".into(), |stem| stem.to_string_lossy().into_owned())
}

/// `out.png` as `out-03.png`, for the third of up to 99.
pub(crate) fn numbered(path: &Path, number: u32, count: u32) -> PathBuf {
    if count == 1 {
        return path.to_owned();
    }
    let digits = count.to_string().len();
    let ending = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{}-{number:0digits$}{ending}", stem(path)))
}

/// Whether a file is one of these, however its path is written: what was learned from is never written over.
pub(crate) fn is_one_of(file: &Path, images: &[PathBuf]) -> bool {
    let Ok(file) = std::fs::canonicalize(file) else { return false };
    images.iter().any(|image| std::fs::canonicalize(image).is_ok_and(|image| image == file))
}

/// The files of a folder that end like pictures, in order of their names.
pub(crate) fn pictures_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = || format!("{} cannot be read: name a readable folder", folder.display());
    let entries = std::fs::read_dir(folder).with_context(unreadable)?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.is_file() && ends_like_a_picture(path));
    files.sort();
    Ok(files)
}

fn ends_like_a_picture(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let read_only = matches!(ending.as_deref(), Some("bmp" | "gif"));
    read_only || Format::from_path(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_set_sorts_by_name() {
        let name = |number, count| numbered(Path::new("a/out.v2.png"), number, count);
        assert_eq!(name(3, 12), Path::new("a/out.v2-03.png"));
        assert_eq!(name(1, 1), Path::new("a/out.v2.png"));
    }
}
