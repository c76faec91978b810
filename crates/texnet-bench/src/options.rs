//! Options of all benches: `--size N --batch N --threads N --runs N`, and words.

use anyhow::{Context, Result, bail, ensure};
use texnet::threads;

/// What a bench is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Words that are not options, in order.
    pub words: Vec<String>,
    /// Side of the pictures.
    pub size: usize,
    /// Pictures at once.
    pub batch: usize,
    /// Threads.
    pub threads: usize,
    /// Runs that are timed.
    pub runs: usize,
}

impl Options {
    /// What the arguments ask for, over `self`.
    ///
    /// # Errors
    /// The usage, when they are not understood.
    pub fn parse(mut self, usage: &'static str, arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<usize> {
                let number = arguments.next().and_then(|text| text.parse().ok()).context(usage)?;
                ensure!(number > 0, "{argument} is at least 1");
                Ok(number)
            };
            match argument.as_str() {
                "--size" => self.size = number()?,
                "--batch" => self.batch = number()?,
                "--threads" => self.threads = number()?,
                "--runs" => self.runs = number()?,
                option if option.starts_with('-') => bail!(usage),
                _ => self.words.push(argument),
            }
        }
        Ok(self)
    }

    /// A pool of the threads that were asked for.
    ///
    /// # Errors
    /// When the system has none left.
    pub fn pool(&self) -> Result<rayon::ThreadPool> {
        Ok(threads::pool(self.threads).build()?)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { words: Vec::new(), size: 256, batch: 1, threads: 1, runs: 9 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_any_order_and_mistakes_get_the_usage() {
        let parse = |text: &str| Options::default().parse("usage", text.split(' ').map(str::to_owned));
        let options = parse("--size 64 train --threads 2").expect("options");
        assert_eq!(
            options,
            Options { words: vec!["train".into()], size: 64, threads: 2, ..Options::default() }
        );
        for wrong in ["--size", "--size x", "--sides 3"] {
            assert_eq!(parse(wrong).expect_err(wrong).to_string(), "usage");
        }
        assert!(parse("--runs 0").is_err());
    }
}
