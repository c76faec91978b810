//! A film in the making: stretches of it in a folder, so that a stopped run goes on with the next picture.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ChildStdin;

use anyhow::{Context, Result, ensure};
use texnet_infer::Image;
use texnet_io::film::{FilmFormat, FilmWriter};
use texnet_io::whole_file::write_whole;

use super::ffmpeg;

/// Pictures of a part, at most: what a crash costs.
const PICTURES: usize = 48;
/// The part that is being written.
const UNFINISHED: &str = "unfinished";

/// The folder of a run: `NAME.run` beside the film `NAME`.
pub(super) struct Parts {
    folder: PathBuf,
    format: FilmFormat,
    /// Whether parts are Y4M, as the film will be, or compressed without loss.
    plain: bool,
    /// Pictures that are in whole parts.
    done: usize,
    open: Option<Open>,
}

/// A part that is being written.
struct Open {
    writer: FilmWriter<Sink>,
    encoder: Option<ffmpeg::Encoder>,
    pictures: usize,
}

/// Where the pictures of a part go.
enum Sink {
    File(BufWriter<File>),
    Pipe(BufWriter<ChildStdin>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Pipe(pipe) => pipe.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Pipe(pipe) => pipe.flush(),
        }
    }
}

impl Parts {
    /// The parts of a film; those of an earlier run are kept when it is gone on with, and `settings`, which decide what
    /// it looks like, are the same.
    pub(super) fn open(output: &Path, format: FilmFormat, settings: &str, resume: bool) -> Result<Self> {
        let mut name = output.file_name().unwrap_or_default().to_owned();
        name.push(".run");
        let folder = output.with_file_name(name);
        let named = || folder.display().to_string();
        let file = folder.join("settings.json");
        if resume {
            let before = fs::read_to_string(&file);
            let before = before
                .with_context(|| format!("{}: there is no run to go on with; leave out --resume", named()))?;
            ensure!(
                before == settings,
                "{}: the run was begun with another model, film or other options: give the same, or leave out --resume",
                named()
            );
        } else {
            if folder.exists() {
                fs::remove_dir_all(&folder).with_context(named)?;
            }
            fs::create_dir_all(&folder).with_context(named)?;
            write_whole(&file, |file| file.write_all(settings.as_bytes())).with_context(named)?;
        }
        let plain = is_plain(output);
        let mut parts = Self { folder, format, plain, done: 0, open: None };
        parts.done = parts.whole()?.last().map_or(0, |(pictures, _)| *pictures);
        Ok(parts)
    }

    /// Pictures that need not be made again.
    pub(super) fn done(&self) -> usize {
        self.done
    }

    /// The next picture.
    pub(super) fn write(&mut self, picture: &Image) -> Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        if let Err(error) = open.writer.write(picture) {
            // What the encoder says is nearer to the cause than that it hung up.
            drop(open.writer);
            open.encoder.map_or(Ok(()), ffmpeg::Encoder::finish)?;
            return Err(error).with_context(|| self.folder.display().to_string());
        }
        open.pictures += 1;
        let full = open.pictures == PICTURES;
        self.open = Some(open);
        if full { self.close() } else { Ok(()) }
    }

    fn begin(&self) -> Result<Open> {
        let path = self.folder.join(UNFINISHED);
        let (sink, encoder) = if self.plain {
            let file = File::create(&path).with_context(|| path.display().to_string())?;
            (Sink::File(BufWriter::new(file)), None)
        } else {
            let (encoder, pipe) = ffmpeg::Encoder::start(&path)?;
            (Sink::Pipe(BufWriter::new(pipe)), Some(encoder))
        };
        Ok(Open { writer: FilmWriter::new(sink, self.format)?, encoder, pictures: 0 })
    }

    /// Ends the part that is being written, however short it is.
    pub(super) fn close(&mut self) -> Result<()> {
        let Some(Open { writer, encoder, pictures }) = self.open.take() else { return Ok(()) };
        let mut sink = writer.into_inner();
        sink.flush().with_context(|| self.folder.display().to_string())?;
        drop(sink);
        encoder.map_or(Ok(()), ffmpeg::Encoder::finish)?;
        let end = self.done + pictures;
        let name = format!("{:08}-{end:08}.{}", self.done, if self.plain { "y4m" } else { "mkv" });
        fs::rename(self.folder.join(UNFINISHED), self.folder.join(name))
            .with_context(|| self.folder.display().to_string())?;
        self.done = end;
        Ok(())
    }

    /// The end of each part, in pictures, and its file; each begins where the one before ends.
    fn whole(&self) -> Result<Vec<(usize, PathBuf)>> {
        let entries = fs::read_dir(&self.folder).with_context(|| self.folder.display().to_string())?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        let span = |file: &Path| {
            let name = file.file_stem()?.to_str()?;
            let (start, end) = name.split_once('-')?;
            Some((start.parse::<usize>().ok()?, end.parse::<usize>().ok()?))
        };
        let mut parts = Vec::new();
        let mut at = 0;
        for file in files {
            if let Some((_, end)) = span(&file).filter(|(start, end)| *start == at && start < end) {
                at = end;
                parts.push((end, file));
            }
        }
        Ok(parts)
    }

    /// The whole film, with the sound of another; the folder is no longer needed then.
    pub(super) fn assemble(&self, sound: &Path, output: &Path) -> Result<()> {
        let parts: Vec<PathBuf> = self.whole()?.into_iter().map(|(_, file)| file).collect();
        ensure!(!parts.is_empty(), "{}: the film has no pictures", sound.display());
        if self.plain {
            write_whole(output, |file| joined(&parts, file)).with_context(|| output.display().to_string())?;
        } else {
            self.encode(&parts, sound, output)?;
        }
        fs::remove_dir_all(&self.folder).with_context(|| self.folder.display().to_string())
    }

    fn encode(&self, parts: &[PathBuf], sound: &Path, output: &Path) -> Result<()> {
        let list = self.folder.join("parts.txt");
        // Names in the list are relative to it.
        let names = parts.iter().filter_map(|part| part.file_name()?.to_str());
        let lines: String = names.map(|name| format!("file '{name}'\n")).collect();
        write_whole(&list, |file| file.write_all(lines.as_bytes()))
            .with_context(|| list.display().to_string())?;
        let ending = output.extension().unwrap_or_default();
        let whole = self.folder.join("whole").with_extension(ending);
        ffmpeg::assemble(&list, self.format.rate, sound, &whole)?;
        fs::rename(&whole, output).with_context(|| output.display().to_string())
    }
}

/// Whether a film of this name is Y4M.
pub(super) fn is_plain(film: &Path) -> bool {
    film.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("y4m"))
}

/// Parts of Y4M one after the other under one header.
fn joined(parts: &[PathBuf], file: &mut impl Write) -> std::io::Result<()> {
    for (i, part) in parts.iter().enumerate() {
        let mut part = BufReader::new(File::open(part)?);
        let mut header = Vec::new();
        std::io::BufRead::read_until(&mut part, b'\n', &mut header)?;
        if i == 0 {
            file.write_all(&header)?;
        }
        std::io::copy(&mut part.by_ref(), file)?;
    }
    Ok(())
}
