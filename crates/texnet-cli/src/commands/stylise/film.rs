//! Films: picture after picture, several at once, in order.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use texnet_infer::{Content, Image, Precision, Window};
use texnet_io::film::{Chroma, FilmFormat, FilmReader, FilmWriter};

use super::parts::{self, Parts};
use super::{Job, ffmpeg};
use crate::files;
use crate::report::Interrupted;

/// The name of standard input and output.
const STREAM: &str = "-";
/// Endings of films that `ffmpeg` reads and writes.
const ENDINGS: [&str; 9] = ["y4m", "mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "ts"];

/// Whether a name means a film.
pub(super) fn is_film(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    is_stream(path) || ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn is_stream(path: &Path) -> bool {
    path.as_os_str() == STREAM
}

impl Job<'_> {
    /// A film in the style of the model, picture by picture.
    pub(super) fn film(&self, input: &Path, output: Option<&Path>) -> Result<()> {
        let output = output.map_or_else(|| self.default_film(input), Path::to_owned);
        ensure!(
            is_film(&output),
            "{} is no film: name one that ends in {}, or - for standard output",
            output.display(),
            ENDINGS.join(", ")
        );
        ensure!(
            self.arguments.max_size.is_none(),
            "--max-size is for photographs, and a film keeps its size: --brush makes strokes larger"
        );
        let mut source = Source::open(input)?;
        if is_stream(&output) {
            let format = in_colour(source.reader.format());
            let mut writer = FilmWriter::new(BufWriter::new(std::io::stdout().lock()), format)?;
            self.pictures(&mut source, 0, &mut |picture| Ok(writer.write(picture)?))?;
            writer.into_inner().flush()?;
            return source.finish();
        }
        files::check_target(&output)?;
        self.film_file(input, &output, source)
    }

    fn film_file(&self, input: &Path, output: &Path, mut source: Source) -> Result<()> {
        ensure!(
            !files::is_one_of(output, std::slice::from_ref(&input.to_owned())),
            "{} would be written over: name another file with -o",
            input.display()
        );
        let read = in_colour(source.reader.format());
        // What ffmpeg encodes in the end keeps all chroma until then.
        let whole = FilmFormat { chroma: Chroma::Full, full_range: false, ..read };
        let format = if parts::is_plain(output) { read } else { whole };
        let mut parts = Parts::open(output, format, &self.settings(input)?, self.arguments.resume)?;
        let done = parts.done();
        let outcome = self.pictures(&mut source, done, &mut |picture| parts.write(picture));
        parts.close()?;
        if let Err(error) = outcome {
            ensure!(
                !error.is::<Interrupted>(),
                Interrupted::with_advice(&format!(
                    "stopped after {} pictures; nothing is lost: the same command with --resume goes on",
                    parts.done()
                ))
            );
            return Err(error);
        }
        source.finish()?;
        parts.assemble(input, output)?;
        let [height, width] = format.size;
        let output = output.display().to_string();
        self.report.done(
            &format!("{output}: {} pictures of {width}x{height}", parts.done()),
            json!({"output": output, "width": width, "height": height, "pictures": parts.done()}),
        );
        Ok(())
    }

    /// Every picture from `first` on, in order; as many at once as there are threads.
    fn pictures(
        &self,
        source: &mut Source,
        first: usize,
        write: &mut dyn FnMut(&Image) -> Result<()>,
    ) -> Result<()> {
        let bar = self.bar(source, first);
        for _ in 0..first {
            ensure!(source.reader.skip()?, "the film has fewer pictures than it had: leave out --resume");
        }
        loop {
            let mut pictures = Vec::new();
            while pictures.len() < rayon::current_num_threads()
                && let Some(picture) = source.reader.next_picture()?
            {
                pictures.push(picture);
            }
            if pictures.is_empty() {
                bar.finish_and_clear();
                return Ok(());
            }
            let dressed: Vec<Result<Image>> =
                pictures.par_iter().map(|picture| self.picture_of(picture)).collect();
            for picture in dressed {
                write(&picture?)?;
                bar.inc(1);
            }
            self.report.check()?;
        }
    }

    fn picture_of(&self, picture: &Image) -> Result<Image> {
        let [height, width] = picture.size();
        self.dressed(picture, |dress| dress.rows(Window::sized(width, height)))
    }

    fn bar(&self, source: &Source, first: usize) -> ProgressBar {
        let bar = self.report.bar(source.pictures.unwrap_or(0), source.name.clone());
        bar.set_position(first as u64);
        bar.reset_eta();
        bar
    }

    /// Everything that decides what the pictures look like.
    fn settings(&self, input: &Path) -> Result<String> {
        let named = || input.display().to_string();
        let bytes = if is_stream(input) { 0 } else { std::fs::metadata(input).with_context(named)?.len() };
        let digest = Sha256::digest(self.model.to_bytes(Precision::F32));
        let model: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let arguments = self.arguments;
        Ok(json!({
            "model": model, "film": input, "bytes": bytes, "seed": arguments.seed, "noise": self.noise(),
            "brush": arguments.brush, "keep colours": arguments.keep_colours, "blend": arguments.blend,
            "mask": arguments.mask,
        })
        .to_string())
    }

    fn default_film(&self, input: &Path) -> PathBuf {
        if is_stream(input) {
            return STREAM.into();
        }
        let ending = input.extension().unwrap_or_default().to_string_lossy();
        PathBuf::from(format!("{}-{}.{ending}", files::stem(input), files::stem(&self.arguments.model)))
    }
}

/// The format of a film that a grey one becomes, too.
fn in_colour(format: FilmFormat) -> FilmFormat {
    let chroma = if format.chroma == Chroma::None { Chroma::Quarter } else { format.chroma };
    FilmFormat { chroma, ..format }
}

/// A film that is read.
struct Source {
    reader: FilmReader<Box<dyn BufRead>>,
    decoder: Option<ffmpeg::Decoder>,
    /// How many pictures it has, where that is known.
    pictures: Option<usize>,
    name: String,
}

impl Source {
    fn open(input: &Path) -> Result<Self> {
        let name = if is_stream(input) { "standard input".to_owned() } else { input.display().to_string() };
        let unreadable = || format!("{name} cannot be read: name a readable film");
        let mut decoder = None;
        let stream: Box<dyn BufRead> = if is_stream(input) {
            Box::new(BufReader::new(std::io::stdin()))
        } else if parts::is_plain(input) {
            Box::new(BufReader::with_capacity(1 << 20, File::open(input).with_context(unreadable)?))
        } else {
            File::open(input).with_context(unreadable)?;
            let (running, stream) = ffmpeg::Decoder::start(input)?;
            decoder = Some(running);
            Box::new(stream)
        };
        let reader = match (FilmReader::new(stream), decoder.take()) {
            (Ok(reader), running) => {
                decoder = running;
                reader
            }
            (Err(error), None) => bail!("{name}: {error}"),
            (Err(error), Some(running)) => {
                running.finish()?;
                bail!("{name}: {error}")
            }
        };
        let pictures =
            if decoder.is_some() { ffmpeg::count(input) } else { plain_count(input, reader.format()) };
        Ok(Self { reader, decoder, pictures, name })
    }

    /// Whether the film was read to its end.
    fn finish(self) -> Result<()> {
        let Self { reader, decoder, .. } = self;
        drop(reader);
        decoder.map_or(Ok(()), ffmpeg::Decoder::finish)
    }
}

/// How many pictures a file of Y4M holds, from its length.
fn plain_count(input: &Path, format: FilmFormat) -> Option<usize> {
    let bytes = std::fs::metadata(input).ok().filter(std::fs::Metadata::is_file)?.len() as usize;
    Some(bytes / format.bytes())
}
