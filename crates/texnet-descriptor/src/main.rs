//! `texnet-descriptor`: trains the descriptor that is built into texnet, from textures that are painted on the fly.
//!
//! The network learns to tell random textures apart from two views of each: from one another, from pictures with the
//! same spectrum and random phases, from themselves when things have melted, and from what generators make of them. No
//! photograph and no weights of others go into it.

mod colours;
mod contrast;
mod crops;
mod export;
mod learn;
mod melt;
mod mine;
mod net;
mod phase;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use texnet::train::Optimiser;

use crops::Source;
use learn::{Progress, Recipe};

/// Trains a descriptor, as the one that is built in.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The file of weights to write
    #[arg(short, long, default_value = "descriptor.safetensors")]
    output: PathBuf,
    /// Steps of 48 pictures, and two for each melted texture
    #[arg(long, default_value_t = 3500)]
    steps: u64,
    /// Seed of weights and textures
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The learning rate
    #[arg(long, default_value_t = 0.004)]
    rate: f32,
    /// Adam for all weights
    #[arg(long)]
    adam: bool,
    /// Textures of a step, of 16, that also come melted, as textures of their own
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=crops::TEXTURES as i64))]
    melted: u8,
    /// Six textures of a step, of those that generators have learned first, also come as these paint them, as textures of
    /// their own
    #[arg(long)]
    mined: bool,
    /// The descriptors by which those generators learn [default: the one that is built in]
    #[arg(long, requires = "mined", value_delimiter = ',')]
    by: Vec<PathBuf>,
}

/// Time between two files and two lines.
const PAUSE: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Arguments { output, steps, seed, rate, adam, melted, mined, by } = &arguments;
    ensure!(rate.is_finite() && *rate > 0.0, "--rate is {rate}, but must be a positive number");
    let materials = crops::materials();
    let learned = |done: usize| println!("{done} of {} textures learned by generators", mine::COUNT);
    let pool = if *mined { mine::mined(&materials, by, learned)? } else { Vec::new() };
    let source = Source::with(*seed, materials, usize::from(*melted)).mined(pool);
    let mut parameters = net::initial(*seed);
    let optimiser = if *adam { Optimiser::Adam } else { Optimiser::Muon };
    let recipe = Recipe { steps: *steps, rate: *rate, optimiser };
    let (began, mut told) = (Instant::now(), Instant::now());
    let save = |parameters: &_, step: u64| {
        let origin =
            format!("{step} of {steps} steps, seed {seed}, rate {rate}, melted {melted}, mined {mined}");
        export::write(&export::folded(parameters, export::measured(&source)), &origin, output)
    };
    learn::learn(recipe, &source, &mut parameters, |parameters, progress| {
        if told.elapsed() > PAUSE {
            told = Instant::now();
            save(parameters, progress.step)?;
            println!("{}", line(progress, *steps, began.elapsed()));
        }
        Ok(())
    })?;
    save(&parameters, *steps)
}

/// How far it is.
fn line(progress: Progress, steps: u64, elapsed: Duration) -> String {
    let Progress { step, loss, accuracy } = progress;
    let left = elapsed.as_secs_f64() * (steps - step) as f64 / step.max(1) as f64 / 60.0;
    let accuracy = accuracy.map(|share| format!("{:.0}", 100.0 * share)).join(" ");
    format!("step {step} of {steps}: loss {loss:.3}, told apart {accuracy} %, {left:.0} min left")
}
