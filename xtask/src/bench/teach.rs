//! What the default preset's objective costs beside that of VGG-19, both with our kernels, on one core.

use anyhow::{Context, Result};

use super::{cell, measured, median_of, program, put};

/// Rounds; each runs both once.
const ROUNDS: usize = 7;
/// Runs within one round.
const RUNS: usize = 9;
/// Side of the picture.
const SIZE: usize = 128;

pub(super) fn run() -> Result<()> {
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        let [ours, vgg19] = [time("teach")?, time("describe-grad")?];
        println!("round {round} of {ROUNDS}: {ours:.1} ms and {vgg19:.1} ms");
        rounds.push([ours, vgg19]);
    }
    let median = |i: usize| cell(median_of(&rounds, |round| Some(round[i])), 1, " ms");
    let ratio = cell(median_of(&rounds, |[ours, vgg19]| Some(vgg19 / ours)), 1, "");
    let table = format!(
        "| the default preset | VGG-19 to relu5_1 | one part of it in |\n| --- | --- | --- |\n| {} | {} | {ratio} |\n",
        median(0),
        median(1)
    );
    put("docs/descriptor.md", "teach", &table)
}

fn time(work: &str) -> Result<f64> {
    let line = measured(vec![program("learn"), work.into()], &[("--size", SIZE), ("--runs", RUNS)], 1)?;
    line["median_ms"].as_f64().context("no median")
}
