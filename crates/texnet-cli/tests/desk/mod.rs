//! A folder to work in, and the program in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use texnet_infer::Image;
use texnet_io::{Band, Format, Picture, WriteError};

/// A folder with a picture of spots.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a temporary folder"));
        desk.picture("spots.png", 64, 48, 8, false);
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn picture(&self, name: &str, width: usize, height: usize, bits: u8, alpha: bool) {
        let image = Image::from_fn(height, width, |y, x| {
            let spot = ((x / 4 * 7 + y / 4 * 5) % 11) as f32 / 11.0;
            [spot, 0.5 * spot + 0.2, 0.6 - 0.4 * spot]
        });
        self.write(name, image, bits, alpha);
    }

    pub(crate) fn write(&self, name: &str, image: Image, bits: u8, alpha: bool) {
        let format = Format::from_path(Path::new(name)).expect("a known ending");
        let [width, height] = [image.width(), image.height()];
        let picture = Picture { width, height, format, bits, alpha, icc: None, quality: 90, band: height };
        let band = Band { image, alpha: alpha.then(|| vec![0.5; width * height]) };
        texnet_io::write(&self.path(name), &picture, |_| Ok::<_, WriteError>(band.clone()))
            .expect("a picture");
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_texnet"));
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    pub(crate) fn ok(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "texnet {arguments}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The one sentence of a run that is refused.
    pub(crate) fn refused(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "texnet {arguments}: {errors}");
        errors
    }

    /// Runs that are refused, each with a sentence that has a certain word: `command` and then what is wrong.
    pub(crate) fn mistakes(&self, command: &str, cases: &[(&str, &str)]) {
        for (arguments, word) in cases {
            let errors = self.refused(&format!("{command} {arguments}"));
            assert!(errors.contains(word) && !errors.contains("panicked"), "{command} {arguments}: {errors}");
        }
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect(name)
    }
}
