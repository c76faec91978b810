//! The photographs that a style network practises on.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use texnet_infer::Image;

use crate::files::pictures_of;
use crate::report::Report;

/// Photographs that are used at most: a few dozen teach as much as thousands, and they stay in memory.
const MOST: usize = 64;
/// Longest side that they are kept at, in pixels: crops are no larger.
const SIDE: usize = 768;

/// The pictures of some files and folders, or painted scenes where none are named; what cannot be read in a folder is
/// named and left out.
pub(super) fn photographs(paths: &[PathBuf], report: &Report) -> Result<Vec<Image>> {
    if paths.is_empty() {
        return Ok((0..texnet_exemplars::SCENES).map(texnet_exemplars::scene).collect());
    }
    let mut photographs = Vec::new();
    for path in paths {
        if path.is_dir() {
            photographs.extend(of_folder(path, report)?);
        } else {
            photographs.push(read(path)?);
        }
    }
    if photographs.len() > MOST {
        report.say(&format!("{} photographs are given; the first {MOST} are used", photographs.len()));
        photographs.truncate(MOST);
    }
    ensure!(!photographs.is_empty(), "there is no photograph in the folders of --content: name others");
    Ok(photographs)
}

fn of_folder(folder: &Path, report: &Report) -> Result<Vec<Image>> {
    let files = pictures_of(folder)?;
    let read = |path: &PathBuf| read(path).map_err(|error| report.warn(&format!("left out: {error:#}"))).ok();
    Ok(files.iter().filter_map(read).take(MOST).collect())
}

fn read(path: &Path) -> Result<Image> {
    Ok(texnet_io::read(path)?.reduced(SIDE).to_image())
}
