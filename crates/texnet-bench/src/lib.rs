//! What the benches share: their options, their clock, and the work of learning that they time.

pub mod options;
pub mod roofline;
pub mod work;

pub use options::Options;

use std::time::Instant;

/// Milliseconds of every run, sorted, after two that are not counted.
///
/// # Errors
/// Those of the work.
pub fn times<E>(runs: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<Vec<f64>, E> {
    work()?;
    work()?;
    let time = |_| {
        let start = Instant::now();
        work()?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    let mut times: Vec<f64> = (0..runs).map(time).collect::<Result<_, E>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// The most memory that this process has held, in MiB; none where the system does not say.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}
