//! What the user sees while a command runs and when it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::cli::Global;

/// Ctrl-C was pressed.
#[derive(Debug)]
pub(crate) struct Interrupted(String);

impl Interrupted {
    /// With what the user can do next.
    pub(crate) fn with_advice(advice: &str) -> Self {
        Self(advice.to_owned())
    }
}

impl Default for Interrupted {
    fn default() -> Self {
        Self::with_advice("interrupted; no unfinished file is left, and the same command starts again")
    }
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}

/// Of several pictures some could not be made; they were named, and the others are done.
#[derive(Debug)]
pub(crate) struct PartlyDone {
    pub(crate) failed: usize,
    pub(crate) of: usize,
}

impl std::fmt::Display for PartlyDone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} pictures were left out; the others are done", self.failed, self.of)
    }
}

impl std::error::Error for PartlyDone {}

/// Results, progress and interruption, as the global options want them.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
    quiet: bool,
    interrupted: Arc<AtomicBool>,
    start: Instant,
}

impl Report {
    pub(crate) fn new(global: &Global) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;
        Ok(Self { json: global.json, quiet: global.quiet, interrupted, start: Instant::now() })
    }

    /// Fails once Ctrl-C was pressed.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(!self.interrupted.load(Ordering::Relaxed), Interrupted::default());
        Ok(())
    }

    /// A bar of `total` rows on the terminal, with the time left; nothing where nobody looks.
    pub(crate) fn bar(&self, total: usize, name: String) -> ProgressBar {
        let hidden = self.json || self.quiet;
        let target =
            if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %  {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(Some(total as u64), target).with_style(style).with_message(name)
    }

    /// What is about to be done, for people who watch.
    pub(crate) fn say(&self, sentence: &str) {
        if !self.json && !self.quiet {
            eprintln!("{sentence}");
        }
    }

    /// What went wrong with a part of the work that goes on; it is told even to those who want quiet.
    pub(crate) fn warn(&self, sentence: &str) {
        eprintln!("texnet: {sentence}");
    }

    /// A result: one sentence for people, or these members for programs, with the seconds since the start.
    pub(crate) fn done(&self, sentence: &str, mut members: Value) {
        let elapsed = self.start.elapsed();
        if self.json {
            members["seconds"] = elapsed.as_secs_f64().into();
            println!("{members}");
        } else if !self.quiet {
            println!("{sentence} ({})", duration(elapsed));
        }
    }

    /// Several lines for people, or an object for programs; an answer, so it is printed even if quiet.
    pub(crate) fn answer(&self, lines: &str, members: &Value) {
        if self.json { println!("{members}") } else { print!("{lines}") }
    }
}

fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 1.0 => format!("{:.0} ms", 1e3 * s),
        s if s < 60.0 => format!("{s:.1} s"),
        s => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
    }
}
