//! `texnet weights`: the weights that training needs, from the network to the cache.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use sha2::{Digest, Sha256};
use texnet::descriptor::weights::{VGG19_SHA256, VGG19_URL, vgg19_in_cache};

use crate::cli::{Network, Weights};
use crate::download;
use crate::report::Report;

/// Fewest digits of a SHA-256 that tell one file from another: those that names of files carry.
const LEAST_DIGITS: usize = 8;

pub(crate) fn run(arguments: &Weights, report: &Report) -> Result<()> {
    let Network::Vgg19 = arguments.network;
    let url = arguments.url.as_deref().unwrap_or(VGG19_URL);
    let wanted = wanted(arguments, url)?;
    let output = arguments.output.clone().or_else(vgg19_in_cache);
    let output = output.context("there is no folder for caches here: name a file with --output")?;
    ensure!(!output.is_dir(), "{} is a folder: name a file with --output", output.display());
    if output.is_file() {
        let found = digest(&output, report)?;
        if found.starts_with(&wanted) {
            return done(&output, &found, "is already there", report);
        }
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let unwritable = || format!("{} cannot be written: name a file in a writable folder", output.display());
    folder.map_or(Ok(()), fs::create_dir_all).with_context(unwritable)?;
    let part = part(&output);
    download::fetch(url, &part, &output.display().to_string(), report)?;
    let found = digest(&part, report).map_err(|error| download::with_what_is_kept(error, &part))?;
    verify(&part, &found, &wanted, url)?;
    fs::rename(&part, &output).with_context(unwritable)?;
    done(&output, &found, "is complete and the right file", report)
}

/// Beside the file, so that it can be renamed.
fn part(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// What the file's SHA-256 must begin with, in lower case.
fn wanted(arguments: &Weights, url: &str) -> Result<String> {
    if let Some(digits) = &arguments.sha256 {
        return Ok(digits.to_ascii_lowercase());
    }
    if arguments.url.is_none() {
        return Ok(VGG19_SHA256.to_owned());
    }
    digits_of_name(url).with_context(|| {
        format!(
            "nothing says which file {url} should be: \
             give the first {LEAST_DIGITS} or more digits of its SHA-256 with --sha256"
        )
    })
}

/// The digits that a name such as `vgg19-dcbb9e9d.pth` carries.
fn digits_of_name(url: &str) -> Option<String> {
    let (_, name) = url.rsplit_once('/')?;
    let (_, end) = name.rsplit_once('-')?;
    let digits = end.split('.').next()?;
    parse_digits(digits).ok()
}

/// Reads a SHA-256 or its beginning.
pub(crate) fn parse_digits(text: &str) -> Result<String, String> {
    if (LEAST_DIGITS..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("give {LEAST_DIGITS} to 64 hexadecimal digits"))
}

/// Keeps a file only if it is the one that was asked for.
fn verify(part: &Path, found: &str, wanted: &str, url: &str) -> Result<()> {
    if found.starts_with(wanted) {
        return Ok(());
    }
    fs::remove_file(part).with_context(|| format!("{} cannot be removed", part.display()))?;
    let found = found.get(..wanted.len()).unwrap_or(found);
    bail!(
        "what came from {url} has a SHA-256 of {found}, not {wanted}, and was thrown away: \
         try again, or name another source with --url"
    )
}

/// The SHA-256 of a file in hexadecimal.
fn digest(path: &Path, report: &Report) -> Result<String> {
    let unreadable = || format!("{} cannot be read", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    let mut hasher = Hasher { digest: Sha256::new(), report };
    std::io::copy(&mut file, &mut hasher).map_err(|error| match report.check() {
        Err(interrupted) => interrupted,
        Ok(()) => anyhow::Error::from(error).context(unreadable()),
    })?;
    Ok(hasher.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Takes bytes until Ctrl-C.
struct Hasher<'a> {
    digest: Sha256,
    report: &'a Report,
}

impl Write for Hasher<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.report.check().map_err(std::io::Error::other)?;
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn done(output: &Path, sha256: &str, what: &str, report: &Report) -> Result<()> {
    let bytes = fs::metadata(output).with_context(|| format!("{} cannot be read", output.display()))?.len();
    let output = output.display().to_string();
    report.done(&format!("{output} {what}"), json!({"output": output, "bytes": bytes, "sha256": sha256}));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_carry_the_digits_of_their_hash() {
        assert_eq!(digits_of_name(VGG19_URL).as_deref(), Some(VGG19_SHA256));
        for url in
            ["http://a/vgg19.pth", "http://a-b/vgg19", "http://a/vgg-19.pth", "http://a/x-zzzzzzzz.pth", ""]
        {
            assert_eq!(digits_of_name(url), None, "{url}");
        }
    }

    #[test]
    fn hashes_are_read_or_refused() {
        assert_eq!(parse_digits("DCBB9E9D"), Ok("dcbb9e9d".into()));
        assert!(parse_digits("dcbb9e9").is_err() && parse_digits("dcbb9e9g").is_err());
        assert!(parse_digits(&"0".repeat(64)).is_ok() && parse_digits(&"0".repeat(65)).is_err());
    }
}
