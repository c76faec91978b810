//! What learning costs, beside the same work in PyTorch: with VGG-19, and a step by patches beside one of
//! the prototype of sliced losses.

use anyhow::{Context, Result};

use super::{cell, measured, median_of, peer, program, put, python};
use crate::shared;

/// Times the prototype, whose folder it is given.
const PROTOTYPE: &str = include_str!("prototype.py");

/// Rounds; each runs everyone once.
const ROUNDS: usize = 7;
/// Runs within one round.
const RUNS: usize = 3;

/// What the script of the other peers does not know.
const STEP: &str = "step";

/// The same work for both.
struct Contest {
    about: &'static str,
    work: &'static str,
    size: usize,
    batch: usize,
}

const CONTESTS: [Contest; 4] = [
    Contest { about: "features to relu5_1", work: "describe", size: 256, batch: 1 },
    Contest {
        about: "also Gram losses and the gradient to the picture",
        work: "describe-grad",
        size: 256,
        batch: 1,
    },
    Contest { about: "one step of the paper's generator", work: "train", size: 128, batch: 4 },
    Contest {
        about: "one step of five scales by patches, or of the prototype",
        work: STEP,
        size: 128,
        batch: 1,
    },
];

/// Milliseconds and MiB of one run of everyone; the peer's are missing where it does not run.
struct Round {
    ours: [f64; 2],
    both_cores: f64,
    peer: Option<[f64; 2]>,
}

pub(super) fn run() -> Result<()> {
    let mut table = String::from(
        "| work | size | Texnet | PyTorch | ratio | peak memory | ratio | two cores |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for contest in &CONTESTS {
        let mut rounds: Vec<Round> = Vec::new();
        for round in 1..=ROUNDS {
            let done = contest.round()?;
            println!("{}, round {round} of {ROUNDS}: {:.0} ms", contest.work, done.ours[0]);
            rounds.push(done);
        }
        table += &contest.row(&rounds);
    }
    put("docs/performance.md", "bench", &table)
}

/// The words that start the prototype.
fn prototype() -> Result<Vec<String>> {
    let folder = shared().join("prototypes/sliced").canonicalize()?;
    Ok(vec![python(), "-c".into(), PROTOTYPE.into(), folder.display().to_string()])
}

impl Contest {
    fn round(&self) -> Result<Round> {
        let ours = self.measure(vec![program("learn"), self.work.into()], 1)?;
        let words = if self.work == STEP { prototype() } else { peer(self.work) };
        let peer = words.and_then(|words| self.measure(words, 1)).ok();
        let both = self.measure(vec![program("learn"), self.work.into()], 2)?;
        Ok(Round { ours, both_cores: both[0], peer })
    }

    fn measure(&self, words: Vec<String>, threads: usize) -> Result<[f64; 2]> {
        let options = [("--size", self.size), ("--batch", self.batch), ("--runs", RUNS)];
        let line = measured(words, &options, threads)?;
        let number = |name: &str| line[name].as_f64().with_context(|| format!("no {name}"));
        Ok([number("median_ms")?, number("peak_rss_mib")?])
    }

    /// Medians, and medians of the ratios within a round.
    fn row(&self, rounds: &[Round]) -> String {
        format!(
            "| {} | {2}x{2}, batch {1} | {3} | {4} | {5} | {6} to {7} | {8} | {9} faster |\n",
            self.about,
            self.batch,
            self.size,
            cell(median_of(rounds, |r| Some(r.ours[0])), 0, " ms"),
            cell(median_of(rounds, |r| Some(r.peer?[0])), 0, " ms"),
            cell(median_of(rounds, |r| Some(r.ours[0] / r.peer?[0])), 2, "x"),
            cell(median_of(rounds, |r| Some(r.ours[1])), 0, " MiB"),
            cell(median_of(rounds, |r| Some(r.peer?[1])), 0, " MiB"),
            cell(median_of(rounds, |r| Some(r.ours[1] / r.peer?[1])), 2, "x"),
            cell(median_of(rounds, |r| Some(r.ours[0] / r.both_cores)), 2, "x"),
        )
    }
}
