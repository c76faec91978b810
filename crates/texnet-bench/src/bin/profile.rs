//! Where the time of a step goes: every operation with its time, its work and how near it comes to what the machine
//! can do, on one thread; and the phases of a step on one thread and on two.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use texnet::profile::{self, Record};
use texnet_bench::roofline::Roofline;
use texnet_bench::{Options, times, work};

const USAGE: &str = "usage: profile step|live|frozen|train|describe-grad [--size N] [--batch N] [--runs N]";
/// Names that begin so are phases of a step; what they contain is reported besides.
const PHASE: &str = "= ";

/// One run's share.
struct Profile {
    milliseconds: f64,
    records: BTreeMap<&'static str, Record>,
    runs: usize,
}

fn main() -> Result<()> {
    let options = Options { size: 128, runs: 50, ..Options::default() };
    let options = options.parse(USAGE, std::env::args().skip(1))?;
    let name = options.words.first().context(USAGE)?;
    let roofline = Roofline::measure();
    let [one, two] = [1, 2].map(|threads| profile(&Options { threads, ..options.clone() }));
    let (one, two) = (one?, two?);
    println!(
        "{name}, {0}x{0}, batch {1}: {2:.2} ms on one thread, {3:.2} ms on two ({4:.2}x)",
        options.size,
        options.batch,
        one.milliseconds,
        two.milliseconds,
        one.milliseconds / two.milliseconds
    );
    println!("a core: {:.0} GFLOP/s, {:.0} GB/s\n", roofline.flops * 1e-9, roofline.bytes * 1e-9);
    print!("{}\n{}", operations(&one, roofline), phases(&one, &two));
    Ok(())
}

fn profile(options: &Options) -> Result<Profile> {
    options.pool()?.install(|| {
        let mut work = work::named(options)?;
        times(10, &mut work)?;
        profile::start();
        let start = std::time::Instant::now();
        (0..options.runs).try_for_each(|_| work())?;
        let milliseconds = start.elapsed().as_secs_f64() * 1e3 / options.runs as f64;
        Ok(Profile { milliseconds, records: profile::finish(), runs: options.runs })
    })
}

impl Profile {
    /// Milliseconds of a run.
    fn of(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e3 / self.runs as f64
    }

    fn named(&self, phases: bool) -> impl Iterator<Item = (&'static str, Record)> {
        let records = self.records.iter().map(|(name, record)| (*name, *record));
        records.filter(move |(name, _)| name.starts_with(PHASE) == phases)
    }
}

fn operations(profile: &Profile, roofline: Roofline) -> String {
    let mut rows: Vec<(&str, Record)> = profile.named(false).collect();
    rows.sort_by_key(|(_, record)| std::cmp::Reverse(record.time));
    let mut table = String::from(
        "| operation | calls | ms | share | GFLOP/s | GB/s | of the roofline |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let runs = profile.runs as f64;
    for (name, Record { calls, time, work }) in &rows {
        let (ms, seconds) = (profile.of(*time), time.as_secs_f64());
        table += &format!(
            "| {name} | {:.0} | {ms:.2} | {:.1} % | {:.1} | {:.1} | {:.0} % |\n",
            *calls as f64 / runs,
            100.0 * ms / profile.milliseconds,
            work.flops / seconds * 1e-9,
            work.bytes / seconds * 1e-9,
            100.0 * roofline.least(work.flops, work.bytes) / seconds,
        );
    }
    let rest = profile.milliseconds - rows.iter().map(|(_, r)| profile.of(r.time)).sum::<f64>();
    table
        + &format!("| everything else | | {rest:.2} | {:.1} % | | | |\n", 100.0 * rest / profile.milliseconds)
}

fn phases(one: &Profile, two: &Profile) -> String {
    let mut table =
        String::from("| phase | one thread, ms | two, ms | faster |\n| --- | --- | --- | --- |\n");
    for (name, record) in one.named(true) {
        let Some(other) = two.records.get(name) else { continue };
        let [a, b] = [one.of(record.time), two.of(other.time)];
        table += &format!("| {} | {a:.2} | {b:.2} | {:.2}x |\n", &name[PHASE.len()..], a / b);
    }
    table
}
