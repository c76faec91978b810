//! The workshop: `cargo xtask check | figures | bless | bench | profile | gallery`.

mod bench;
mod check;
mod figures;
mod gallery;
mod lint;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

const USAGE: &str = "usage: cargo xtask check | figures | bless | bench | profile | gallery
  check    format, clippy, tests, docs, licences, and the house's own rules: what decides whether a change lands
  figures  paints the pictures of the README again; with --only descriptors, writes the page docs/descriptors.html, which
           takes a quarter of an hour
  gallery  learns the built-in models from assets/exemplars: all that are missing, or those that are named
  bless    accepts the pictures that the tests compare with, after they were looked at
  bench    times painting and dressing against PyTorch and ONNX Runtime, and learning against PyTorch, in turn, and
           writes the tables of the README and of docs/performance.md: paint, dress, learn, teach, or all
  profile  where the time of learning goes: step (of five scales, by patches), live or frozen (the default preset's, by its
           statistics), train (the paper's) or describe-grad";

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
        Some("figures") => figures::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        Some("bless") => step("cargo", &["test", "--workspace"], &[("TEXNET_BLESS", "1")]),
        Some("bench") => bench::run(std::env::args().nth(2).as_deref()),
        Some("profile") => profile(&std::env::args().skip(2).collect::<Vec<_>>()),
        Some("gallery") => gallery::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        _ => bail!(USAGE),
    }
}

/// Every operation of a step with its time and its share of what the machine can do.
fn profile(arguments: &[String]) -> Result<()> {
    step("cargo", &["build", "--release", "-p", "texnet-bench", "--bin", "profile"], &[])?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    step("target/release/profile", &arguments, &[])
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
