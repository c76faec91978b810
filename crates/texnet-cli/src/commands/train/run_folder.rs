//! The folder of a run: its configuration, log, state and preview.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use texnet::train::{Event, TrainConfig, Trainer, checkpoint};
use texnet_io::whole_file::write_whole;

use crate::cli::Coding;
use crate::paint;

/// Side of the preview, in pixels, at least.
const PREVIEW: usize = 256;

/// `NAME.run` beside `NAME.safetensors`.
#[derive(Debug, Clone)]
pub(super) struct RunFolder(PathBuf);

impl RunFolder {
    pub(super) fn beside(model: &Path) -> Self {
        Self(model.with_extension("run"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A new run takes the place of an old one's files.
    pub(super) fn start(&self, config: &TrainConfig) -> Result<()> {
        let named = || self.0.display().to_string();
        fs::create_dir_all(&self.0).with_context(named)?;
        for name in ["state.safetensors", "log.jsonl", "preview.png"] {
            let path = self.file(name);
            if path.exists() {
                fs::remove_file(&path).with_context(|| path.display().to_string())?;
            }
        }
        let text = config.to_toml()?;
        write_whole(&self.file("config.toml"), |file| file.write_all(text.as_bytes())).with_context(named)
    }

    pub(super) fn config(&self) -> Result<TrainConfig> {
        let path = self.file("config.toml");
        let named = || format!("{}: there is no run to go on with; leave out --resume", path.display());
        let text = fs::read_to_string(&path).with_context(named)?;
        TrainConfig::from_toml(&text).with_context(|| path.display().to_string())
    }

    /// A run that was stopped before it was saved begins anew, which is the same.
    pub(super) fn resume(&self, trainer: &mut Trainer) -> Result<()> {
        let path = self.file("state.safetensors");
        if path.exists() {
            let named = || path.display().to_string();
            let like =
                |step| trainer.parameters_after(step).unwrap_or_else(|_| trainer.state().parameters.clone());
            let state = checkpoint::load(&path, like).with_context(named)?;
            trainer.set_state(state)?;
        }
        Ok(())
    }

    pub(super) fn save(&self, trainer: &Trainer) -> Result<()> {
        let path = self.file("state.safetensors");
        checkpoint::save(&path, trainer.state()).with_context(|| path.display().to_string())
    }

    pub(super) fn preview(&self, trainer: &Trainer) -> Result<()> {
        paint::whole(&self.file("preview.png"), &trainer.preview(PREVIEW), &Coding::default())
    }

    /// The log, without what it tells of steps that are made again.
    pub(super) fn log(&self, step: u64) -> Result<Log> {
        let path = self.file("log.jsonl");
        let named = || path.display().to_string();
        let kept = match File::open(&path) {
            Ok(file) => lines_until(BufReader::new(file), step),
            Err(_) => Vec::new(),
        };
        write_whole(&path, |file| kept.iter().try_for_each(|line| writeln!(file, "{line}")))
            .with_context(named)?;
        let file = fs::OpenOptions::new().append(true).open(&path).with_context(named)?;
        Ok(Log { file, path })
    }
}

fn lines_until(log: impl BufRead, step: u64) -> Vec<String> {
    let of_step = |line: &String| {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        value["step"].as_u64().is_some_and(|s| s <= step)
    };
    log.lines().map_while(Result::ok).take_while(of_step).collect()
}

/// One line of JSON for every tenth step and every score.
pub(super) struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    pub(super) fn write(&mut self, event: &Event) -> Result<()> {
        let line = match event {
            Event::Step { step, .. } if !step.is_multiple_of(10) => return Ok(()),
            Event::Step { step, rate, terms } => {
                let terms: serde_json::Map<String, Value> =
                    terms.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
                json!({ "step": step, "rate": rate, "terms": terms })
            }
            Event::Score { step, score, best } => json!({ "step": step, "score": score, "best": best }),
            Event::Restarted { step, factor } => json!({ "step": step, "restarted with factor": factor }),
        };
        if let Err(error) = writeln!(self.file, "{line}") {
            bail!("{}: {error}", self.path.display());
        }
        Ok(())
    }
}
