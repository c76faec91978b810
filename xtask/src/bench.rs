//! `cargo xtask bench`: ours, PyTorch and ONNX Runtime in turn, medians of pairs, into `docs/bench.json` and the
//! README's table; style networks and what learning costs, into `docs/performance.md`; what the default teacher costs, into
//! `docs/descriptor.md`.
//!
//! Peers run through the script `tools/bench_torch.py` of the shared folder, with the Python that `TEXNET_PYTHON`
//! names; where either is missing, ours is timed alone.

mod dress;
mod learn;
mod teach;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{root, shared, step};

/// Rounds; each runs everyone once.
const ROUNDS: usize = 9;
/// Sides of the pictures, with the runs within one round.
const SIZES: [(usize, usize); 2] = [(256, 5), (1024, 3)];

/// Someone who paints, on a number of threads.
#[derive(Clone, Copy, PartialEq)]
enum Painter {
    Texnet(usize),
    Torch,
    Onnx,
}

/// What is named: `paint`, `dress`, `learn`, `teach`, or all.
pub(crate) fn run(name: Option<&str>) -> Result<()> {
    step("cargo", &["build", "--release", "-p", "texnet-bench"], &[])?;
    match name {
        Some("paint") => paint(),
        Some("dress") => dress::run(),
        Some("learn") => learn::run(),
        Some("teach") => teach::run(),
        Some(other) => bail!("there is no bench '{other}': name paint, dress, learn, teach, or none for all"),
        None => [paint, dress::run, learn::run, teach::run].into_iter().try_for_each(|bench| bench()),
    }
}

fn paint() -> Result<()> {
    let painters = painters();
    let mut results = Vec::new();
    for (size, runs) in SIZES {
        let mut times = vec![Vec::new(); painters.len()];
        for round in 0..ROUNDS {
            for (painter, times) in painters.iter().zip(&mut times) {
                times.push(time(*painter, size, runs)?);
            }
            println!("{size}x{size}, round {} of {ROUNDS}: {:.1?} ms", round + 1, last(&times));
        }
        results.push(summary(size, &painters, &times));
    }
    let report = json!({"rounds": ROUNDS, "results": results});
    std::fs::write("docs/bench.json", serde_json::to_string_pretty(&report)? + "\n")?;
    write_table(&results)
}

fn last(times: &[Vec<f64>]) -> Vec<f64> {
    times.iter().filter_map(|times| times.last().copied()).collect()
}

fn painters() -> Vec<Painter> {
    let ours = vec![Painter::Texnet(1), Painter::Texnet(2)];
    let peers = [Painter::Torch, Painter::Onnx].into_iter().filter(|&peer| match time(peer, 64, 1) {
        Ok(_) => true,
        Err(error) => {
            println!("skipped a peer: {error:#}");
            false
        }
    });
    ours.into_iter().chain(peers).collect()
}

/// Median milliseconds of a few runs in a process of its own, on as many cores as threads.
fn time(painter: Painter, size: usize, runs: usize) -> Result<f64> {
    let threads = if let Painter::Texnet(threads) = painter { threads } else { 1 };
    let words = match painter {
        Painter::Texnet(_) => vec![program("generate")],
        Painter::Torch => peer("generate")?,
        Painter::Onnx => peer("generate-ort")?,
    };
    let line = measured(words, &[("--size", size), ("--runs", runs)], threads)?;
    line["median_ms"].as_f64().context("no median")
}

/// One of our own.
fn program(name: &str) -> String {
    root().join("target/release").join(name).display().to_string()
}

/// The peer's script and the name of its work.
fn peer(work: &str) -> Result<Vec<String>> {
    let script = shared().join("tools/bench_torch.py").canonicalize()?;
    Ok(vec![python(), script.display().to_string(), work.into()])
}

/// The Python of the peers.
fn python() -> String {
    std::env::var("TEXNET_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// The line of JSON that a process prints, with some numbers as options, on as many cores as it has threads.
fn measured(mut words: Vec<String>, options: &[(&str, usize)], threads: usize) -> Result<Value> {
    for (name, value) in options.iter().chain(&[("--threads", threads)]) {
        words.extend([(*name).to_owned(), value.to_string()]);
    }
    // The exported network of ONNX Runtime is left in the working folder.
    let folder = Path::new("target/bench");
    std::fs::create_dir_all(folder)?;
    let cores = if threads == 1 { "0".to_owned() } else { format!("0-{}", threads - 1) };
    let output = Command::new("taskset").args(["-c", &cores]).args(&words).current_dir(folder).output();
    let output = output.or_else(|_| Command::new(&words[0]).args(&words[1..]).current_dir(folder).output());
    line_of(&output.with_context(|| format!("{} does not start", words[0]))?)
}

fn line_of(output: &std::process::Output) -> Result<Value> {
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", errors.lines().last().unwrap_or("it failed"));
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rev().find(|line| line.starts_with('{')).context("no line of JSON")?;
    Ok(serde_json::from_str(line)?)
}

/// The median of what rounds have; none where none has it.
fn median_of<T>(rounds: &[T], value: impl Fn(&T) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = rounds.iter().filter_map(value).collect();
    (!values.is_empty()).then(|| median(values.into_iter()))
}

/// A number of a table, or a dash.
fn cell(value: Option<f64>, digits: usize, unit: &str) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.digits$}{unit}"))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Medians, and medians of the ratios within a round: the machine's mood cancels.
fn summary(size: usize, painters: &[Painter], times: &[Vec<f64>]) -> Value {
    let of = |painter| painters.iter().position(|&p| p == painter).map(|i| &times[i]);
    let milliseconds = |painter| of(painter).map(|times| median(times.iter().copied()));
    let ratio = |a, b| Some(median(of(a)?.iter().zip(of(b)?).map(|(a, b)| a / b)));
    let [one, two] = [Painter::Texnet(1), Painter::Texnet(2)];
    json!({
        "size": size,
        "texnet_ms": milliseconds(one),
        "torch_ms": milliseconds(Painter::Torch),
        "onnxruntime_ms": milliseconds(Painter::Onnx),
        "texnet_to_torch": ratio(one, Painter::Torch),
        "texnet_to_onnxruntime": ratio(one, Painter::Onnx),
        "speedup_on_two_cores": ratio(one, two),
    })
}

fn write_table(results: &[Value]) -> Result<()> {
    let mut table = String::from(
        "| size | Texnet | PyTorch | ONNX Runtime | to PyTorch | to ONNX Runtime | two cores |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in results {
        let number = |name: &str, digits: usize, unit: &str| cell(row[name].as_f64(), digits, unit);
        let size = &row["size"];
        table += &format!(
            "| {size}x{size} | {} | {} | {} | {} | {} | {} faster |\n",
            number("texnet_ms", 1, " ms"),
            number("torch_ms", 1, " ms"),
            number("onnxruntime_ms", 1, " ms"),
            number("texnet_to_torch", 2, "x"),
            number("texnet_to_onnxruntime", 2, "x"),
            number("speedup_on_two_cores", 2, "x"),
        );
    }
    put("README.md", "bench", &table)
}

/// Puts a table into a document, between the markers of this name.
fn put(document: &str, name: &str, table: &str) -> Result<()> {
    print!("{table}");
    let text = std::fs::read_to_string(document)?;
    let text = replaced(&text, name, table);
    let text = text.with_context(|| format!("{document} has no markers for the table '{name}'"))?;
    Ok(std::fs::write(document, text)?)
}

/// The text with everything between the markers of a name replaced.
fn replaced(text: &str, name: &str, table: &str) -> Option<String> {
    let [first, last] = [format!("<!-- {name} -->"), format!("<!-- /{name} -->")];
    let [begin, end] = [text.find(&first)? + first.len(), text.find(&last)?];
    (begin <= end).then(|| format!("{}\n{table}{}", &text[..begin], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_between_the_markers() {
        let text = "a\n<!-- bench -->\nold\n<!-- /bench -->\nb";
        let new = "a\n<!-- bench -->\nnew\n<!-- /bench -->\nb";
        assert_eq!(replaced(text, "bench", "new\n").as_deref(), Some(new));
        assert_eq!(replaced(text, "other", "new"), None);
    }

    #[test]
    fn ratios_are_medians_of_rounds_not_ratios_of_medians() {
        let painters = [Painter::Texnet(1), Painter::Torch];
        let times = [vec![1.0, 20.0, 3.0], vec![10.0, 100.0, 30.0]];
        let summary = summary(256, &painters, &times);
        assert_eq!(summary["texnet_to_torch"], 0.1);
        assert_eq!(summary["texnet_ms"], 3.0);
        assert!(summary["onnxruntime_ms"].is_null());
    }
}
