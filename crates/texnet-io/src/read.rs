//! Reading photographs: one buffer as decoded, everything else while rows are read.

mod jpeg;
mod reduce;
mod webp;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use texnet_infer::{Content, Image};
use thiserror::Error;

/// Most pixels of a photograph: 16384x16384.
pub const MAX_PIXELS: u64 = 1 << 28;
/// Largest file.
const MAX_BYTES: u64 = 1 << 31;
/// Most memory that a decoder may take beside the buffer.
const MAX_SCRATCH: u64 = 1 << 31;

/// A file that is no picture, or none that we read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ReadError(String);

#[derive(Debug, Clone)]
enum Samples {
    Eight(Vec<u8>),
    Sixteen(Vec<u16>),
}

/// A photograph, turned upright, with its alpha and colour profile.
#[derive(Debug, Clone)]
pub struct Photo {
    samples: Samples,
    /// Channels in memory: grey or colour, then alpha if there is one.
    channels: usize,
    alpha: bool,
    /// `[height, width]` in memory.
    stored: [usize; 2],
    orientation: Orientation,
    bits: u8,
    icc: Option<Vec<u8>>,
}

/// Where the pixels of an upright row lie: the first, and the step from one to the next.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    step: isize,
}

/// Reads a picture file: png, jpeg, tiff, webp, bmp or gif (its first frame).
///
/// # Errors
/// One sentence that begins with the file's name.
pub fn read(path: &Path) -> Result<Photo, ReadError> {
    let named = |error: &dyn std::fmt::Display| ReadError(format!("{}: {error}", path.display()));
    let bytes = load(path).map_err(|e| named(&e))?;
    let format = format(&bytes).map_err(|e| named(&e))?;
    if !path.is_file() {
        return decode_as(format, Cursor::new(&bytes)).map_err(|e| named(&e));
    }
    // Decoded as it is read once more: its bytes and its pixels need not be in memory together.
    drop(bytes);
    let file = File::open(path).map_err(|e| named(&e))?;
    decode_as(format, BufReader::with_capacity(1 << 18, file)).map_err(|e| named(&e))
}

/// The bytes of a file, or of a device or pipe, whose length shows only at its end.
fn load(path: &Path) -> io::Result<Vec<u8>> {
    let too_large =
        || io::Error::other("the file is larger than 2 GiB, the most that is read: make it smaller first");
    let length = fs::metadata(path)?.len();
    if length > MAX_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(length as usize);
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES { Err(too_large()) } else { Ok(bytes) }
}

/// Reads the bytes of a picture file.
///
/// # Errors
/// One sentence: the bytes are no picture of a known format, damaged, or the picture is too large.
pub fn decode(bytes: &[u8]) -> Result<Photo, ReadError> {
    decode_as(format(bytes)?, Cursor::new(bytes))
}

/// The format that the first bytes tell, of a file that does not end too early.
fn format(bytes: &[u8]) -> Result<ImageFormat, ReadError> {
    if bytes.starts_with(b"II\x2B\0") || bytes.starts_with(b"MM\0\x2B") {
        // BigTIFF, which is not guessed.
        return Ok(ImageFormat::Tiff);
    }
    let format = image::guess_format(bytes).map_err(explain)?;
    if format == ImageFormat::Jpeg && !jpeg::is_complete(bytes) {
        return Err(ReadError("the picture is damaged: the JPEG file ends before the picture does".into()));
    }
    if format == ImageFormat::WebP && !webp::is_complete(bytes) {
        return Err(ReadError("the picture is damaged: the WebP file ends before the picture does".into()));
    }
    Ok(format)
}

fn decode_as(format: ImageFormat, source: impl BufRead + Seek) -> Result<Photo, ReadError> {
    let mut reader = ImageReader::with_format(source, format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_SCRATCH);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let icc = decoder.icc_profile().ok().flatten().filter(|profile| describes_colour(profile));
    let (channels, alpha, bits) = layout(decoder.color_type())?;
    let samples = match bits {
        8 => Samples::Eight(read_samples(decoder)?),
        _ => Samples::Sixteen(read_samples(decoder)?),
    };
    Ok(Photo { samples, channels, alpha, stored: [height as usize, width as usize], orientation, bits, icc })
}

/// Rows hold red, green and blue, also those of a grey or CMYK file, whose profile no longer fits then. The colour
/// space stands in bytes 16 to 19 (ICC.1, 7.2).
fn describes_colour(profile: &[u8]) -> bool {
    !profile.is_empty() && !matches!(profile.get(16..20), Some(b"GRAY" | b"CMYK"))
}

fn check_size(width: u32, height: u32) -> Result<(), ReadError> {
    if width == 0 || height == 0 {
        return Err(ReadError(format!("the picture is {width}x{height}, but needs at least one pixel")));
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ReadError(format!(
            "the picture is {width}x{height}, but photographs up to 2^28 pixels are read: make it smaller first"
        )));
    }
    Ok(())
}

/// Channels, whether the last is alpha, and bits per value.
fn layout(color: ColorType) -> Result<(usize, bool, u8), ReadError> {
    match color {
        ColorType::L8 => Ok((1, false, 8)),
        ColorType::La8 => Ok((2, true, 8)),
        ColorType::Rgb8 => Ok((3, false, 8)),
        ColorType::Rgba8 => Ok((4, true, 8)),
        ColorType::L16 => Ok((1, false, 16)),
        ColorType::La16 => Ok((2, true, 16)),
        ColorType::Rgb16 => Ok((3, false, 16)),
        ColorType::Rgba16 => Ok((4, true, 16)),
        other => Err(ReadError(format!(
            "the picture holds values of the kind {other:?}, but whole numbers of 8 or 16 bits are read: convert it \
             first"
        ))),
    }
}

fn read_samples<T: bytemuck::Pod>(decoder: impl ImageDecoder) -> Result<Vec<T>, ReadError> {
    let mut samples = vec![T::zeroed(); decoder.total_bytes() as usize / size_of::<T>()];
    decoder.read_image(bytemuck::cast_slice_mut(&mut samples)).map_err(explain)?;
    Ok(samples)
}

fn explain(error: ImageError) -> ReadError {
    ReadError(match error {
        ImageError::Unsupported(_) => {
            "the picture is of a kind that is not read: use png, jpeg, tiff, webp, bmp or gif".into()
        }
        ImageError::Limits(_) => {
            "the picture needs more memory than is granted: make it smaller first".into()
        }
        other => format!("the picture is damaged: {other}").replace('\n', " "),
    })
}

impl Photo {
    /// Whether pixels have an alpha value.
    #[must_use]
    pub fn has_alpha(&self) -> bool {
        self.alpha
    }

    /// Bits per value in the file, 8 or 16.
    #[must_use]
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// The embedded colour profile, unless it describes the grey or CMYK values of the file: rows are RGB.
    #[must_use]
    pub fn icc(&self) -> Option<&[u8]> {
        self.icc.as_deref()
    }

    /// Alpha of row `y`, in `[0, 1]`; opaque where the photograph has none.
    pub fn alpha_row(&self, y: usize, out: &mut [f32]) {
        match self.alpha {
            true => self.read_channel(self.channels - 1, y, 0, out),
            false => out.fill(1.0),
        }
    }

    /// The photograph reduced by area so that its longer side has at most `max_side` pixels, at least one; itself if
    /// it is no larger.
    #[must_use]
    pub fn reduced(&self, max_side: usize) -> Self {
        let longer = self.stored[0].max(self.stored[1]);
        if longer <= max_side {
            return self.clone();
        }
        let side =
            |s: usize| ((s as u64 * max_side as u64 + longer as u64 / 2) / longer as u64).max(1) as usize;
        let stored = self.stored.map(side);
        let reduced = match &self.samples {
            Samples::Eight(s) => reduce::by_area(s, u16::MAX / 255, self.channels, self.stored, stored),
            Samples::Sixteen(s) => reduce::by_area(s, 1, self.channels, self.stored, stored),
        };
        Self { samples: Samples::Sixteen(reduced), stored, icc: self.icc.clone(), ..*self }
    }

    /// All of it in memory, three values of 32 bits to a pixel: for small photographs.
    #[must_use]
    pub fn to_image(&self) -> Image {
        let [height, width] = self.size();
        let mut image = Image::new(height, width);
        for y in 0..height {
            (0..3).for_each(|c| self.read_channel(c, y, 0, image.row_mut(c, y)));
        }
        image
    }

    fn turned(&self) -> bool {
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        matches!(self.orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
    }

    /// Upright row `y`, from column `x` on.
    fn line(&self, y: usize, x: usize) -> Line {
        let [height, width] = self.stored;
        let at = |row: usize, column: usize, step: isize| Line { start: row * width + column, step };
        let down = width as isize;
        match self.orientation {
            Orientation::NoTransforms => at(y, x, 1),
            Orientation::FlipHorizontal => at(y, width - 1 - x, -1),
            Orientation::Rotate180 => at(height - 1 - y, width - 1 - x, -1),
            Orientation::FlipVertical => at(height - 1 - y, x, 1),
            Orientation::Rotate90FlipH => at(x, y, down),
            Orientation::Rotate90 => at(height - 1 - x, y, -down),
            Orientation::Rotate270FlipH => at(height - 1 - x, width - 1 - y, -down),
            Orientation::Rotate270 => at(x, width - 1 - y, down),
        }
    }

    /// Values of a channel in memory, in `[0, 1]`; colours of a grey picture are its grey.
    fn read_channel(&self, channel: usize, y: usize, x: usize, out: &mut [f32]) {
        let grey = self.channels < 3;
        let channel = if grey && !(self.alpha && channel == self.channels - 1) { 0 } else { channel };
        let Line { start, step } = self.line(y, x);
        let at = |i: usize| (start as isize + i as isize * step) as usize * self.channels + channel;
        match &self.samples {
            Samples::Eight(s) => {
                out.iter_mut().enumerate().for_each(|(i, v)| *v = f32::from(s[at(i)]) / 255.0);
            }
            Samples::Sixteen(s) => {
                out.iter_mut().enumerate().for_each(|(i, v)| *v = f32::from(s[at(i)]) / 65535.0);
            }
        }
    }
}

impl Content for Photo {
    fn size(&self) -> [usize; 2] {
        let [height, width] = self.stored;
        if self.turned() { [width, height] } else { [height, width] }
    }

    fn read_row(&self, y: usize, x: usize, rgb: [&mut [f32]; 3]) {
        let colours = if self.channels < 3 { [0; 3] } else { [0, 1, 2] };
        for (channel, out) in colours.into_iter().zip(rgb) {
            self.read_channel(channel, y, x, out);
        }
    }
}
