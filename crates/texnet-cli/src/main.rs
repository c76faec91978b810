//! The texnet program.

mod cli;
mod commands;
mod download;
mod files;
mod gallery;
mod paint;
mod report;

use std::num::NonZero;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use texnet::threads;

use cli::{Cli, Command};
use report::{Interrupted, PartlyDone, Report};

/// The program failed, not its input.
const INTERNAL: u8 = 1;
/// Some of the inputs could not be used, the rest is done.
const PARTLY_DONE: u8 = 1;
/// The input is to blame; clap ends with the same code.
const BAD_INPUT: u8 = 2;
/// Stopped by Ctrl-C, as shells count it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    match std::panic::catch_unwind(|| run(&Cli::parse())) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) if error.is::<Interrupted>() => {
            eprintln!("texnet: {error}");
            ExitCode::from(INTERRUPTED)
        }
        Ok(Err(error)) => {
            eprintln!("texnet: {error:#}");
            ExitCode::from(if error.is::<PartlyDone>() { PARTLY_DONE } else { BAD_INPUT })
        }
        Err(_) => {
            eprintln!("texnet: this is a fault of the program, not of its input; nothing was written");
            ExitCode::from(INTERNAL)
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let report = Report::new(&cli.global)?;
    let all = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cli.global.threads.map_or_else(all, usize::from);
    threads::pool(threads)
        .build_global()
        .with_context(|| format!("{threads} threads cannot be started: ask for fewer"))?;
    match &cli.command {
        Command::Import(arguments) => commands::import::run(arguments, &report),
        Command::Train(arguments) => commands::train::texture(arguments, &report),
        Command::TrainStyle(arguments) => commands::train::style(arguments, &report),
        Command::Optimise(arguments) => commands::optimise::run(arguments, &report),
        Command::Sample(arguments) => commands::sample::run(arguments, &report),
        Command::Stylise(arguments) => commands::stylise::run(arguments, &report),
        Command::Score(arguments) => commands::score::run(arguments, &report),
        Command::Info(arguments) => commands::info::run(arguments, &report),
        Command::Weights(arguments) => commands::weights::run(arguments, &report),
        Command::Completions { shell } => commands::shell::completions(*shell),
        Command::Man { folder } => commands::shell::man(folder.as_deref()),
    }
}
