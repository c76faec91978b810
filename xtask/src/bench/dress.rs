//! What dressing a photograph costs, beside ONNX Runtime with the same network, on one core.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{cell, measured, median_of, program, put, python};

/// The peer, which builds the network that it is given.
const PEER: &str = include_str!("style.py");
/// Rounds; each runs everyone once.
const ROUNDS: usize = 7;
/// Runs within one round.
const RUNS: usize = 3;

/// The networks, as our program names them, and the sides of the photographs.
const CONTESTS: [(&str, usize); 4] =
    [("pyramid", 512), ("pyramid", 1024), ("residual", 512), ("residual", 1024)];

/// Milliseconds of one run of everyone; the peer's are missing where it does not run.
struct Round {
    ours: f64,
    both_cores: f64,
    peer: Option<f64>,
}

pub(super) fn run() -> Result<()> {
    let mut table = String::from(
        "| network | photograph | Texnet | ONNX Runtime | ratio | two cores |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for (network, size) in CONTESTS {
        let mut rounds = Vec::new();
        for round in 1..=ROUNDS {
            let done = Round::run(network, size)?;
            println!("{network} {size}x{size}, round {round} of {ROUNDS}: {:.0} ms", done.ours);
            rounds.push(done);
        }
        table += &row(network, size, &rounds);
    }
    put("docs/performance.md", "styles", &table)
}

impl Round {
    fn run(network: &str, size: usize) -> Result<Self> {
        let time_of = |threads| time(vec![program("generate"), network.into()], size, threads);
        let (ours, spec) = time_of(1)?;
        let peer = time(vec![python(), "-c".into(), PEER.into(), spec.to_string()], size, 1);
        if let Err(error) = &peer {
            println!("skipped the peer: {error:#}");
        }
        Ok(Self { ours, both_cores: time_of(2)?.0, peer: peer.ok().map(|(time, _)| time) })
    }
}

/// The median, and the network that was run, where the process names it.
fn time(words: Vec<String>, size: usize, threads: usize) -> Result<(f64, Value)> {
    let mut line = measured(words, &[("--size", size), ("--runs", RUNS)], threads)?;
    Ok((line["median_ms"].as_f64().context("no median")?, line["spec"].take()))
}

/// Medians, and medians of the ratios within a round.
fn row(network: &str, size: usize, rounds: &[Round]) -> String {
    format!(
        "| {network} | {size}x{size} | {} | {} | {} | {} faster |\n",
        cell(median_of(rounds, |r| Some(r.ours)), 0, " ms"),
        cell(median_of(rounds, |r| r.peer), 0, " ms"),
        cell(median_of(rounds, |r| Some(r.ours / r.peer?)), 2, "x"),
        cell(median_of(rounds, |r| Some(r.ours / r.both_cores)), 2, "x"),
    )
}
