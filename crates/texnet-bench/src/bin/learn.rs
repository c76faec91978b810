//! Time and memory of the work of learning, one line of JSON: see [`work::named`].

use anyhow::{Context, Result};
use serde_json::json;
use texnet_bench::{Options, peak_memory, times, work};

const USAGE: &str =
    "usage: learn describe|describe-grad|train|step|teach [--size N] [--batch N] [--threads N] [--runs N]";

fn main() -> Result<()> {
    let options = Options::default().parse(USAGE, std::env::args().skip(1))?;
    let name = options.words.first().context(USAGE)?;
    let pool = options.pool()?;
    let times = pool.install(|| {
        let mut work = work::named(&options)?;
        times(options.runs, &mut work)
    })?;
    let line = json!({
        "work": name,
        "size": options.size,
        "batch": options.batch,
        "threads": options.threads,
        "median_ms": times[times.len() / 2],
        "min_ms": times[0],
        "peak_rss_mib": peak_memory(),
    });
    println!("{line}");
    Ok(())
}
