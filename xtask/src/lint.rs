//! The house's own rules: short files, and nothing of the machine a file was written on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Longest file of Rust, in lines.
const MAX_LINES: usize = 600;
/// Folders that hold nothing we write.
const SKIPPED: [&str; 6] = ["target", ".git", "corpus", "artifacts", "corpus_seeds", "coverage"];
/// Endings of the files that are read.
const TEXTS: [&str; 6] = ["rs", "toml", "md", "json", "yml", "sh"];

/// Words that have no place in the project, put together here so that this file passes.
fn unwanted() -> Vec<String> {
    let homes = ["work", "home", "root", "Users"].map(|folder| format!("/{folder}/"));
    let hosts =
        [["crates", "io"], ["pypi", "org"], ["npmjs", "com"]].map(|[name, end]| format!("{name}.{end}"));
    homes.into_iter().chain(hosts).collect()
}

pub(crate) fn run() -> Result<()> {
    let faults: Vec<String> = files(Path::new("."))?.iter().flat_map(|path| faults_of(path)).collect();
    if faults.is_empty() {
        return Ok(());
    }
    bail!("the house's rules are broken:\n  {}", faults.join("\n  "))
}

/// All files of text, links not followed.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
                found.extend(files(&path)?);
            }
        } else if path.extension().is_some_and(|e| TEXTS.iter().any(|text| e == *text)) {
            found.push(path);
        }
    }
    Ok(found)
}

fn faults_of(path: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(path) else {
        return vec![format!("{} is not UTF-8", path.display())];
    };
    let rust = path.extension().is_some_and(|e| e == "rs");
    faults(&text, rust).into_iter().map(|fault| format!("{}: {fault}", path.display())).collect()
}

fn faults(text: &str, rust: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let count = text.lines().count();
    if rust && count > MAX_LINES {
        faults.push(format!("{count} lines are more than {MAX_LINES}: split it"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        for word in unwanted().iter().filter(|word| line.contains(word.as_str())) {
            faults.push(format!("line {number} names '{word}'"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_and_paths_of_machines_are_found() {
        assert_eq!(faults("fn main() {}\n", true), Vec::<String>::new());
        assert_eq!(faults(&"\n".repeat(601), true).len(), 1);
        assert_eq!(faults(&"\n".repeat(601), false).len(), 0);
        let line = format!("see {}me/x", unwanted()[1]);
        assert_eq!(faults(&format!("a\n{line}"), true), [format!("line 2 names '{}'", unwanted()[1])]);
    }
}
