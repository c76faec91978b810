//! `ffmpeg` as a neighbour: it knows the codecs, we know the pictures; Y4M flows between.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

/// What we read and write: all chroma, colours of BT.601.
const PIXELS: [&str; 4] = ["-pix_fmt", "yuv444p", "-f", "yuv4mpegpipe"];

/// The program, saying nothing but errors, into a file that nobody needs to empty, and never asking.
fn program() -> Result<(Command, File)> {
    let errors = tempfile::tempfile().context("no temporary file can be made: free some space")?;
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).stdin(Stdio::null()).stderr(errors.try_clone()?);
    // Ctrl-C is ours: it ends when its stream does.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, 0x200);
    Ok((command, errors))
}

/// `ffmpeg` at work.
struct Running {
    child: Child,
    errors: File,
    /// What it does, as its failure is told.
    what: String,
}

impl Running {
    fn start((mut command, errors): (Command, File), what: String) -> Result<Self> {
        let child = command.spawn().context(
            "films other than Y4M need the program ffmpeg, which cannot be started: install it, or give and take .y4m",
        )?;
        Ok(Self { child, errors, what })
    }

    /// Its own words when it failed.
    fn finish(mut self) -> Result<()> {
        if self.child.wait()?.success() {
            return Ok(());
        }
        let mut errors = String::new();
        self.errors.rewind()?;
        // Words that are no text tell nothing.
        self.errors.read_to_string(&mut errors).ok();
        bail!("ffmpeg fails to {}: {}", self.what, errors.lines().next().unwrap_or("it does not say why"))
    }
}

/// A film as a stream of Y4M.
pub(super) struct Decoder(Running);

impl Decoder {
    pub(super) fn start(film: &Path) -> Result<(Self, BufReader<ChildStdout>)> {
        let (mut command, errors) = program()?;
        command.arg("-i").arg(film).args(["-map", "0:v:0"]);
        command.args(["-vf", "scale=out_color_matrix=bt601:out_range=tv"]).args(PIXELS).arg("-");
        command.stdout(Stdio::piped());
        let mut running = Running::start((command, errors), format!("read {}", film.display()))?;
        let stream = running.child.stdout.take().context("ffmpeg has no output")?;
        Ok((Self(running), BufReader::with_capacity(1 << 20, stream)))
    }

    /// Whether all of it could be read, once its stream has ended.
    pub(super) fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

/// How many pictures a film has, where that can be told without decoding.
pub(super) fn count(film: &Path) -> Option<usize> {
    let (mut command, _) = program().ok()?;
    command.arg("-i").arg(film).args(["-map", "0:v:0", "-c", "copy", "-f", "null", "-progress", "-", "-"]);
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().rev().find_map(|line| line.strip_prefix("frame=")?.trim().parse().ok())
}

/// A stretch of film, without loss.
pub(super) struct Encoder(Running);

impl Encoder {
    pub(super) fn start(part: &Path) -> Result<(Self, ChildStdin)> {
        let (mut command, errors) = program()?;
        command.args(["-f", "yuv4mpegpipe", "-i", "-", "-c:v", "ffv1", "-f", "matroska"]).arg(part);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut running = Running::start((command, errors), format!("write {}", part.display()))?;
        let stream = running.child.stdin.take().context("ffmpeg has no input")?;
        Ok((Self(running), stream))
    }

    /// Waits until it has written everything; its stream is closed.
    pub(super) fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

/// Parts as one film with the sound of another, in the codecs that its ending asks for.
pub(super) fn assemble(list: &Path, rate: [usize; 2], sound: &Path, output: &Path) -> Result<()> {
    let whole = |sound_codec: &[&str]| -> Result<()> {
        let (mut command, errors) = program()?;
        // Parts follow each other picture by picture: what a container rounds of their times is ignored.
        command
            .args(["-r", &format!("{}/{}", rate[0], rate[1]), "-f", "concat", "-safe", "0", "-i"])
            .arg(list);
        command.arg("-i").arg(sound).args(["-map", "0:v:0", "-map", "1:a?"]).args(sound_codec);
        command.args([
            "-vf",
            "scale=in_color_matrix=bt601:out_color_matrix=bt709:in_range=tv:out_range=tv,format=yuv420p",
        ]);
        command.args([
            "-colorspace",
            "bt709",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
            "-color_range",
            "tv",
        ]);
        command.args(QUALITY).arg(output).stdout(Stdio::null());
        Running::start((command, errors), format!("write {}", output.display()))?.finish()
    };
    // Sound is kept as it is where the container holds it, and encoded anew where it does not.
    whole(&["-c:a", "copy"]).or_else(|_| whole(&[]))
}

/// For the codecs that know it; strokes need more than the usual 23.
const QUALITY: [&str; 2] = ["-crf", "18"];
