//! `cargo xtask check`: what decides whether a change lands.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::{lint, step};

pub(crate) fn run() -> Result<()> {
    lint::run()?;
    step("cargo", &["fmt", "--all", "--check"], &[])?;
    step("cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])?;
    step("cargo", &["test", "--workspace"], &[])?;
    step("cargo", &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    deny()?;
    println!("all is well");
    Ok(())
}

/// Licences, sources and duplicates of dependencies; known vulnerabilities need the network and are left to people.
fn deny() -> Result<()> {
    let mut version = Command::new("cargo");
    version.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    match version.status() {
        Ok(status) if status.success() => {
            step("cargo", &["deny", "check", "licenses", "bans", "sources"], &[])
        }
        _ => {
            println!("skipped: cargo-deny is not installed, so licences of dependencies are not checked");
            Ok(())
        }
    }
}
