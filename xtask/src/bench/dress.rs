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

pub(super) fn run() -> Result<()> {
    let mut table = String::from(
        "| network | photograph | Texnet | ONNX Runtime | ratio | two cores |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for (network, size) in CONTESTS {
        let mut rounds = Vec::new();
        for round in 1..=ROUNDS {
            let times = times(network, size)?;
            println!("{network} {size}x{size}, round {round} of {ROUNDS}: {times:.0?} ms");
            rounds.push(times);
        }
        table += &row(network, size, &rounds);
    }
    put("docs/performance.md", "styles", &table)
}

/// Milliseconds of ours, of the peer where it runs, and of ours on two cores.
fn times(network: &str, size: usize) -> Result<(f64, Option<f64>, f64)> {
    let ours = |threads| time(vec![program("generate"), network.into()], size, threads);
    let (one, spec) = ours(1)?;
    let words = vec![python(), "-c".into(), PEER.into(), spec.to_string()];
    let peer = time(words, size, 1).map(|(time, _)| time);
    if let Err(error) = &peer {
        println!("skipped the peer: {error:#}");
    }
    Ok((one, peer.ok(), ours(2)?.0))
}

/// The median, and the network that was run, where the process names it.
fn time(mut words: Vec<String>, size: usize, threads: usize) -> Result<(f64, Value)> {
    for (name, value) in [("--size", size), ("--threads", threads), ("--runs", RUNS)] {
        words.extend([name.to_owned(), value.to_string()]);
    }
    let mut line = measured(&words, threads)?;
    Ok((line["median_ms"].as_f64().context("no median")?, line["spec"].take()))
}

/// Medians, and medians of the ratios within a round.
fn row(network: &str, size: usize, rounds: &[(f64, Option<f64>, f64)]) -> String {
    format!(
        "| {network} | {size}x{size} | {} | {} | {} | {} faster |\n",
        cell(median_of(rounds, |r| Some(r.0)), 0, " ms"),
        cell(median_of(rounds, |r| r.1), 0, " ms"),
        cell(median_of(rounds, |r| Some(r.0 / r.1?)), 2, "x"),
        cell(median_of(rounds, |r| Some(r.0 / r.2)), 2, "x"),
    )
}
