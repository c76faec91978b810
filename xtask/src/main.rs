//! The workshop: `cargo xtask check | figures | bless | bench | gallery`.

mod bench;
mod check;
mod figures;
mod gallery;
mod lint;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

const USAGE: &str = "usage: cargo xtask check | figures | bless | bench | gallery
  check    format, clippy, tests, docs, licences, and the house's own rules: what decides whether a change lands
  figures  paints the pictures of the README again
  gallery  learns the built-in models from assets/exemplars: all that are missing, or those that are named
  bless    accepts the pictures that the tests compare with, after they were looked at
  bench    times the generator against PyTorch and ONNX Runtime, in turn, and writes the README's table";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    std::env::set_current_dir(root())?;
    match std::env::args().nth(1).as_deref() {
        Some("check") => check::run(),
        Some("figures") => figures::run(),
        Some("bless") => step("cargo", &["test", "--workspace"], &[("TEXNET_BLESS", "1")]),
        Some("bench") => bench::run(),
        Some("gallery") => gallery::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        _ => bail!(USAGE),
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// The folder of trained models, photographs and the peers' script, none of which is part of the project.
fn shared() -> PathBuf {
    std::env::var_os("TEXNET_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

/// Runs a command that must succeed, after saying so.
fn step(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    println!("> {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .status()
        .with_context(|| format!("{program} does not start: is it installed?"))?;
    ensure!(status.success(), "{program} {} failed", arguments.join(" "));
    Ok(())
}
