//! Films as streams of uncompressed pictures: YUV4MPEG2 (Y4M) of 8 bits.
//!
//! Colours are those of ITU-R BT.601 with brightness from 16 to 235, or, where the header says so, from 0 to 255.
//! Chroma of half the size is taken to lie between its pixels, and is interpolated.

use std::io::{self, BufRead, Cursor, Read, Write};

use texnet_infer::Image;
use texnet_infer::image::BRIGHTNESS;
use thiserror::Error;
use y4m::{Colorspace, Ratio, VendorExtensionString};

/// A stream that is no film, or one that cannot be read or written.
#[derive(Debug, Error)]
pub enum FilmError {
    /// The bytes are not Y4M, or of a kind that is not read.
    #[error("{0}")]
    Format(String),
    /// The stream broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a film's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilmFormat {
    /// Rows and columns of a picture.
    pub size: [usize; 2],
    /// Pictures a second, as a fraction.
    pub rate: [usize; 2],
    /// Width of a pixel to its height, as a fraction.
    pub aspect: [usize; 2],
    /// How chroma is stored.
    pub chroma: Chroma,
    /// Whether brightness goes from 0 to 255.
    pub full_range: bool,
}

impl FilmFormat {
    /// Bytes of a picture in a stream.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ([height, width], [down, across]) = (self.size, self.chroma.step());
        let chroma = if self.chroma == Chroma::None { 0 } else { 2 };
        FRAME.len() + height * width + chroma * height.div_ceil(down) * width.div_ceil(across)
    }
}

/// How many values of chroma there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chroma {
    /// None: a grey film.
    None,
    /// One for 2x2 pixels.
    Quarter,
    /// One for two pixels of a row.
    Half,
    /// One for each pixel.
    Full,
}

impl Chroma {
    /// Pixels to a value of chroma, down and across.
    fn step(self) -> [usize; 2] {
        match self {
            Self::Quarter => [2, 2],
            Self::Half => [1, 2],
            Self::Full | Self::None => [1, 1],
        }
    }

    fn colorspace(self) -> Colorspace {
        match self {
            Self::None => Colorspace::Cmono,
            Self::Quarter => Colorspace::C420jpeg,
            Self::Half => Colorspace::C422,
            Self::Full => Colorspace::C444,
        }
    }
}

/// Longest header line.
const MAX_HEADER: u64 = 1024;
/// Most pixels of a picture.
const MAX_PIXELS: usize = 1 << 28;
/// What stands before each picture.
const FRAME: &[u8] = b"FRAME\n";
/// Marks brightness from 0 to 255 in a header.
const FULL_RANGE: &str = "COLORRANGE=FULL";

/// Pictures out of a stream.
pub struct FilmReader<R: BufRead> {
    decoder: y4m::Decoder<io::Chain<Cursor<Vec<u8>>, R>>,
    format: FilmFormat,
}

impl<R: BufRead> FilmReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is none of Y4M with 8 bits, or the pictures are too large.
    pub fn new(mut stream: R) -> Result<Self, FilmError> {
        let mut header = Vec::new();
        stream.by_ref().take(MAX_HEADER).read_until(b'\n', &mut header)?;
        check_header(&header)?;
        let full_range = String::from_utf8_lossy(&header).contains(FULL_RANGE);
        let limits = y4m::Limits { bytes: 3 * MAX_PIXELS };
        let decoder = y4m::Decoder::new_with_limits(Cursor::new(header).chain(stream), limits);
        let decoder = decoder.map_err(explain)?;
        let chroma = match decoder.get_colorspace() {
            Colorspace::Cmono => Chroma::None,
            Colorspace::C420 | Colorspace::C420jpeg | Colorspace::C420mpeg2 | Colorspace::C420paldv => {
                Chroma::Quarter
            }
            Colorspace::C422 => Chroma::Half,
            Colorspace::C444 => Chroma::Full,
            other => return Err(unread(&format!("its pictures are of the kind {other:?}"))),
        };
        let ratio = |ratio: Ratio| [ratio.num, ratio.den];
        let format = FilmFormat {
            size: [decoder.get_height(), decoder.get_width()],
            rate: ratio(decoder.get_framerate()),
            aspect: ratio(decoder.get_pixel_aspect()),
            chroma,
            full_range,
        };
        Ok(Self { decoder, format })
    }

    /// What the header says.
    #[must_use]
    pub fn format(&self) -> FilmFormat {
        self.format
    }

    /// The next picture, sRGB-coded; none at the end, or where the stream breaks off within a picture.
    ///
    /// # Errors
    /// When what follows is no picture.
    pub fn next_picture(&mut self) -> Result<Option<Image>, FilmError> {
        let format = self.format;
        Ok(self.next_frame()?.map(|frame| decode(&frame, format)))
    }

    /// Passes over a picture; false at the end.
    ///
    /// # Errors
    /// As [`FilmReader::next_picture`].
    pub fn skip(&mut self) -> Result<bool, FilmError> {
        Ok(self.next_frame()?.is_some())
    }

    fn next_frame(&mut self) -> Result<Option<y4m::Frame<'_>>, FilmError> {
        match self.decoder.read_frame() {
            Ok(frame) => Ok(Some(frame)),
            Err(y4m::Error::EOF) => Ok(None),
            Err(error) => Err(explain(error)),
        }
    }
}

/// Sizes are looked at before anybody multiplies them.
fn check_header(header: &[u8]) -> Result<(), FilmError> {
    let header = String::from_utf8_lossy(header);
    if !header.starts_with("YUV4MPEG2 ") || !header.ends_with('\n') {
        return Err(unread("it does not begin with a header of YUV4MPEG2"));
    }
    let side = |letter: char| {
        let field = header.split_whitespace().skip(1).find_map(|field| field.strip_prefix(letter));
        field.and_then(|text| text.parse::<usize>().ok()).filter(|side| (1..=MAX_PIXELS).contains(side))
    };
    match (side('W'), side('H')) {
        (Some(width), Some(height)) if width * height <= MAX_PIXELS => Ok(()),
        _ => Err(unread("its header names no width and height of up to 2^28 pixels together")),
    }
}

fn unread(why: &str) -> FilmError {
    FilmError::Format(format!("this is no film that is read: {why}, but Y4M with 8 bits is needed"))
}

fn explain(error: y4m::Error) -> FilmError {
    match error {
        y4m::Error::IoError(error) => FilmError::Io(error),
        y4m::Error::UnknownColorspace => unread("its header names an unknown kind of pictures"),
        y4m::Error::OutOfMemory => unread("its pictures are too large"),
        _ => unread("its header or a picture is damaged"),
    }
}

/// Pictures into a stream.
pub struct FilmWriter<W: Write> {
    stream: W,
    format: FilmFormat,
}

impl<W: Write> FilmWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When the stream refuses it.
    pub fn new(mut stream: W, format: FilmFormat) -> Result<Self, FilmError> {
        let FilmFormat { size: [height, width], rate, aspect, .. } = format;
        let ratio = |[num, den]: [usize; 2]| Ratio::new(num, den);
        let mut builder = y4m::encode(width, height, ratio(rate))
            .with_pixel_aspect(ratio(aspect))
            .with_colorspace(format.chroma.colorspace());
        if format.full_range {
            let range = VendorExtensionString::new(FULL_RANGE.into()).map_err(explain)?;
            builder = builder.append_vendor_extension(range);
        }
        builder.write_header(&mut stream).map_err(explain)?;
        Ok(Self { stream, format })
    }

    /// Writes a picture of the film's size.
    ///
    /// # Errors
    /// When the stream refuses it.
    pub fn write(&mut self, picture: &Image) -> Result<(), FilmError> {
        self.stream.write_all(FRAME)?;
        encode(picture, self.format).iter().try_for_each(|plane| self.stream.write_all(plane))?;
        Ok(())
    }

    /// The stream, which may hold bytes back.
    pub fn into_inner(self) -> W {
        self.stream
    }
}

/// What red and blue exceed brightness by, at most.
const RED: f32 = 2.0 * (1.0 - BRIGHTNESS[0]);
const BLUE: f32 = 2.0 * (1.0 - BRIGHTNESS[2]);

/// Offset and extent of brightness, and extent of chroma, whose middle is 128.
fn ranges(full: bool) -> [f32; 3] {
    if full { [0.0, 255.0, 255.0] } else { [16.0, 219.0, 224.0] }
}

fn decode(frame: &y4m::Frame<'_>, format: FilmFormat) -> Image {
    let [height, width] = format.size;
    let [offset, extent, chroma_extent] = ranges(format.full_range);
    let chroma = |plane: &[u8]| match format.chroma {
        Chroma::None => vec![0.0; height * width],
        _ => spread(plane, format, chroma_extent),
    };
    let [blue, red] = [frame.get_u_plane(), frame.get_v_plane()].map(chroma);
    let mut image = Image::new(height, width);
    let (r, rest) = image.data_mut().split_at_mut(height * width);
    let (g, b) = rest.split_at_mut(height * width);
    for (i, &value) in frame.get_y_plane().iter().enumerate() {
        let y = (f32::from(value) - offset) / extent;
        let (over_red, over_blue) = (RED * red[i], BLUE * blue[i]);
        r[i] = (y + over_red).clamp(0.0, 1.0);
        b[i] = (y + over_blue).clamp(0.0, 1.0);
        g[i] = (y - (BRIGHTNESS[0] * over_red + BRIGHTNESS[2] * over_blue) / BRIGHTNESS[1]).clamp(0.0, 1.0);
    }
    image
}

/// Chroma in `[-0.5, 0.5]` for every pixel.
fn spread(plane: &[u8], format: FilmFormat, extent: f32) -> Vec<f32> {
    let ([height, width], [down, across]) = (format.size, format.chroma.step());
    let [rows, columns] = [height.div_ceil(down), width.div_ceil(across)];
    let tap = |place: usize, step: usize, count: usize| {
        let at = ((place as f32 + 0.5) / step as f32 - 0.5).clamp(0.0, (count - 1) as f32);
        (at as usize, (at as usize + 1).min(count - 1), at.fract())
    };
    let value = |row: usize, column: usize| f32::from(plane[row * columns + column]);
    let taps: Vec<_> = (0..width).map(|x| tap(x, across, columns)).collect();
    let mut out = Vec::with_capacity(height * width);
    for y in 0..height {
        let (above, below, share) = tap(y, down, rows);
        let at = |x: usize| value(above, x) + share * (value(below, x) - value(above, x));
        let pixel = |&(left, right, share): &(usize, usize, f32)| {
            (at(left) + share * (at(right) - at(left)) - 128.0) / extent
        };
        out.extend(taps.iter().map(pixel));
    }
    out
}

fn encode(picture: &Image, format: FilmFormat) -> [Vec<u8>; 3] {
    let [height, width] = format.size;
    let [offset, extent, chroma_extent] = ranges(format.full_range);
    let byte = |value: f32| value.round_ties_even().clamp(0.0, 255.0) as u8;
    let mut planes = [const { Vec::new() }; 3];
    let brightness: Vec<f32> = (0..height * width)
        .map(|i| (0..3).map(|c| BRIGHTNESS[c] * picture.data()[c * height * width + i].clamp(0.0, 1.0)).sum())
        .collect();
    planes[0] = brightness.iter().map(|y| byte(offset + extent * y)).collect();
    if format.chroma == Chroma::None {
        return planes;
    }
    let [down, across] = format.chroma.step();
    for (plane, channel, reach) in [(1, 2, BLUE), (2, 0, RED)] {
        let colours = picture.plane(channel);
        let over = |i: usize| (colours[i].clamp(0.0, 1.0) - brightness[i]) / reach;
        for y in (0..height).step_by(down) {
            for x in (0..width).step_by(across) {
                let places = (y..height.min(y + down))
                    .flat_map(|y| (x..width.min(x + across)).map(move |x| y * width + x));
                let (sum, count) = places.fold((0.0, 0.0), |(sum, count), i| (sum + over(i), count + 1.0));
                planes[plane].push(byte(128.0 + chroma_extent * sum / count));
            }
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(height: usize, width: usize) -> Image {
        Image::from_fn(height, width, |y, x| {
            [0.2 + 0.03 * x as f32, 0.7 - 0.02 * y as f32, 0.3 + 0.01 * (x + y) as f32]
        })
    }

    fn format(chroma: Chroma, full_range: bool) -> FilmFormat {
        FilmFormat { size: [9, 13], rate: [30_000, 1001], aspect: [4, 3], chroma, full_range }
    }

    fn written(format: FilmFormat, pictures: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = FilmWriter::new(&mut bytes, format).expect("a header");
        (0..pictures).for_each(|_| writer.write(&picture(9, 13)).expect("a picture"));
        bytes
    }

    #[test]
    fn pictures_come_back_with_all_chroma_and_nearly_so_with_less() {
        for (chroma, tolerance) in [(Chroma::Full, 0.012), (Chroma::Half, 0.03), (Chroma::Quarter, 0.03)] {
            for full in [false, true] {
                let bytes = written(format(chroma, full), 2);
                let mut reader = FilmReader::new(bytes.as_slice()).expect("a film");
                assert_eq!(reader.format(), format(chroma, full));
                assert!(reader.skip().expect("a picture"));
                let read = reader.next_picture().expect("a stream").expect("a picture");
                let wanted = picture(9, 13);
                let worst = read.data().iter().zip(wanted.data()).map(|(a, b)| (a - b).abs());
                let worst = worst.fold(0.0, f32::max);
                assert!(worst < tolerance, "{chroma:?}: {worst}");
                assert!(reader.next_picture().expect("a stream").is_none());
            }
        }
    }

    #[test]
    fn primary_colours_have_the_values_of_the_standard() {
        // BT.601, section 2.5: 8 bits, brightness from 16 to 235.
        for (colour, [y, u, v]) in [
            ([1.0, 1.0, 1.0], [235, 128, 128]),
            ([0.0, 0.0, 0.0], [16, 128, 128]),
            ([1.0, 0.0, 0.0], [81, 90, 240]),
            ([0.0, 1.0, 0.0], [145, 54, 34]),
            ([0.0, 0.0, 1.0], [41, 240, 110]),
        ] {
            let image = Image::from_fn(9, 13, |_, _| colour);
            let planes = encode(&image, format(Chroma::Quarter, false));
            assert_eq!([planes[0][5], planes[1][5], planes[2][5]], [y, u, v], "{colour:?}");
        }
    }

    #[test]
    fn a_grey_film_has_no_chroma_and_a_film_that_breaks_off_ends_with_its_last_whole_picture() {
        let bytes = written(format(Chroma::None, false), 3);
        let mut reader = FilmReader::new(&bytes[..bytes.len() - 7]).expect("a film");
        let first = reader.next_picture().expect("a stream").expect("a picture");
        assert_eq!(first.plane(0), first.plane(2));
        assert!(reader.skip().expect("a picture") && !reader.skip().expect("the end"));
    }

    #[test]
    fn any_byte_changed_gives_a_film_or_a_sentence() {
        let bytes = written(format(Chroma::Quarter, false), 2);
        let header = bytes.iter().position(|&b| b == b'\n').expect("a header") + 8;
        for place in (0..header).chain([header + 30, bytes.len() - 200]) {
            for value in [0, b' ', b'\n', b'0', b'9', b'C', b'W', 255] {
                let mut bytes = bytes.clone();
                bytes[place] = value;
                let Ok(mut reader) = FilmReader::new(bytes.as_slice()) else { continue };
                while let Ok(Some(picture)) = reader.next_picture() {
                    assert!(
                        picture.data().iter().all(|v| (0.0..=1.0).contains(v)),
                        "byte {place} is {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_no_film_is_refused_with_a_sentence() {
        for header in [
            "",
            "RIFF",
            "YUV4MPEG2 W10",
            "YUV4MPEG2 W10\n",
            "YUV4MPEG2 W0 H5 F25:1\n",
            "YUV4MPEG2 W99999999999 H99999999999 F25:1\n",
            "YUV4MPEG2 W16 H16 F25:1 C420p10\n",
            "YUV4MPEG2 W16 H16 F25:1 Cwhat\n",
            "YUV4MPEG2 W16 H16 Fx C420\n",
        ] {
            let error = FilmReader::new(header.as_bytes()).err().expect(header).to_string();
            assert!(error.contains("Y4M"), "{header}: {error}");
        }
        let mut reader =
            FilmReader::new(&b"YUV4MPEG2 W2 H2 F25:1 Cmono\nFRAME\nabcdFRUME\nabcd"[..]).expect("a film");
        assert!(reader.skip().expect("a picture") && reader.skip().is_err());
    }
}
