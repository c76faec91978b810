//! Writing pictures by bands of rows, as they are made, into files that appear whole or not at all.

mod encode;

use std::io;
use std::ops::Range;
use std::path::Path;

use texnet_infer::Image;
use thiserror::Error;

use crate::whole_file::write_whole;

/// File formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Portable network graphics, 8 or 16 bits.
    Png,
    /// JPEG, 8 bits, no alpha, up to 65535 pixels a side.
    Jpeg,
    /// TIFF, 8 or 16 bits; BigTIFF beyond 4 GB.
    Tiff,
    /// Lossless WebP, 8 bits, up to 16383 pixels a side; held in memory whole.
    Webp,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// File format.
    pub format: Format,
    /// Bits per value, 8 or 16.
    pub bits: u8,
    /// Whether bands bring alpha.
    pub alpha: bool,
    /// Colour profile to embed.
    pub icc: Option<Vec<u8>>,
    /// Quality of JPEG, 1 to 100.
    pub quality: u8,
    /// Rows that are asked for at once; the last band may have fewer.
    pub band: usize,
}

/// Consecutive rows: sRGB-coded values, clamped to `[0, 1]` and rounded to the nearest step when they are written.
#[derive(Debug, Clone)]
pub struct Band {
    /// The rows.
    pub image: Image,
    /// Alpha of every pixel, row after row; opaque if there is none, unused if the picture has no alpha.
    pub alpha: Option<Vec<f32>>,
}

/// A picture that cannot be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The format cannot hold it.
    #[error("{0}")]
    Format(String),
    /// The file system, or an encoder.
    #[error("the picture cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl Format {
    /// The format that a file name ends in.
    ///
    /// # Errors
    /// When it is none of png, jpg, jpeg, tif, tiff and webp.
    pub fn from_path(path: &Path) -> Result<Self, WriteError> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        match ending.as_str() {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "tif" | "tiff" => Ok(Self::Tiff),
            "webp" => Ok(Self::Webp),
            _ => Err(WriteError::Format(format!(
                "{} does not end in a known picture format: use .png, .jpg, .jpeg, .tif, .tiff or .webp",
                path.display()
            ))),
        }
    }

    /// Whether the format stores 16 bits per value.
    #[must_use]
    pub fn holds_16_bits(self) -> bool {
        matches!(self, Self::Png | Self::Tiff)
    }

    /// Whether the format stores alpha.
    #[must_use]
    pub fn holds_alpha(self) -> bool {
        self != Self::Jpeg
    }

    fn max_side(self) -> usize {
        match self {
            Self::Png => (1 << 31) - 1,
            Self::Tiff => u32::MAX as usize,
            Self::Jpeg => 65_535,
            Self::Webp => 16_383,
        }
    }
}

impl Picture {
    /// Says whether the format can hold the picture.
    ///
    /// # Errors
    /// When it has too many pixels, bits, or alpha.
    pub fn check(&self) -> Result<(), WriteError> {
        let fail = |message: String| Err(WriteError::Format(message));
        let Self { width, height, format, bits, .. } = *self;
        let max = format.max_side();
        if !(1..=max).contains(&width) || !(1..=max).contains(&height) {
            return fail(format!(
                "a picture of {width}x{height} is asked for, but {format:?} holds sides of 1 to {max} pixels: \
                 choose another size or format"
            ));
        }
        if !(bits == 8 || bits == 16 && format.holds_16_bits()) {
            return fail(format!("{bits} bits are asked for, but {format:?} holds 8: choose .png or .tiff"));
        }
        if self.alpha && !format.holds_alpha() {
            return fail(format!("{format:?} holds no alpha: choose .png, .tiff or .webp"));
        }
        Ok(())
    }
}

/// Writes a picture whose bands are made when they are asked for, from top to bottom.
///
/// # Errors
/// Those of the bands, of the format's limits, and of the file system; nothing is left behind then, and an existing
/// file stays as it was.
///
/// # Panics
/// When a band has other rows or columns, or fewer alpha values, than were asked for.
pub fn write<E: From<WriteError>>(
    path: &Path,
    picture: &Picture,
    bands: impl FnMut(Range<usize>) -> Result<Band, E>,
) -> Result<(), E> {
    picture.check()?;
    let result = write_whole(path, |file| encode::encode(file, picture, bands).map_err(Failure::Ours));
    result.map_err(|failure| match failure {
        Failure::Ours(error) => error,
        Failure::Io(error) => WriteError::Io(error).into(),
    })
}

/// Keeps errors of the bands apart from those of the file system.
enum Failure<E> {
    Ours(E),
    Io(io::Error),
}

impl<E> From<io::Error> for Failure<E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
