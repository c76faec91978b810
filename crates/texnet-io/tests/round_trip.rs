//! What is written is read back; what is damaged is refused; nothing is left half done.

use std::path::Path;

use image::{DynamicImage, ImageFormat, Luma, Rgb, Rgba, RgbaImage};
use texnet_infer::{Content, Image};
use texnet_io::{Band, Format, Photo, Picture, WriteError};

/// A colour profile is opaque to us.
const ICC: &[u8] = b"an opaque colour profile, long enough to be told from nothing";

fn gradient(height: usize, width: usize) -> Image {
    Image::from_fn(height, width, |y, x| [x as f32 / width as f32, y as f32 / height as f32, 0.25])
}

fn picture(format: Format, bits: u8, alpha: bool) -> Picture {
    Picture { width: 37, height: 29, format, bits, alpha, icc: Some(ICC.to_vec()), quality: 95, band: 8 }
}

fn crop(image: &Image, rows: std::ops::Range<usize>) -> Image {
    Image::from_fn(rows.len(), image.width(), |y, x| image.pixel(rows.start + y, x))
}

fn alpha(y: usize, x: usize) -> f32 {
    ((y + x) % 5) as f32 / 4.0
}

fn write(path: &Path, picture: &Picture, image: &Image) -> Result<(), WriteError> {
    texnet_io::write(path, picture, |rows| {
        let values = rows.clone().flat_map(|y| (0..picture.width).map(move |x| alpha(y, x)));
        Ok(Band { alpha: picture.alpha.then(|| values.collect()), image: crop(image, rows) })
    })
}

/// Largest difference of any value.
fn difference(photo: &Photo, image: &Image) -> f32 {
    assert_eq!(photo.size(), [image.height(), image.width()]);
    let ours = photo.to_image();
    ours.data().iter().zip(image.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_format_and_depth_comes_back_within_its_rounding_with_alpha_and_profile() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let image = gradient(29, 37);
    let cases = [
        ("a.png", 8, true, 0.5 / 255.0),
        ("b.png", 16, true, 0.5 / 65535.0),
        ("c.png", 16, false, 0.5 / 65535.0),
        ("d.tiff", 8, false, 0.5 / 255.0),
        ("e.tif", 16, true, 0.5 / 65535.0),
        ("f.webp", 8, true, 0.5 / 255.0),
        ("g.jpg", 8, false, 0.03),
    ];
    for (name, bits, with_alpha, tolerance) in cases {
        let path = folder.path().join(name);
        let picture = picture(Format::from_path(&path).expect("a known ending"), bits, with_alpha);
        write(&path, &picture, &image).expect(name);
        let photo = texnet_io::read(&path).expect(name);
        assert!(difference(&photo, &image) <= tolerance * 1.001, "{name}: {}", difference(&photo, &image));
        assert_eq!((photo.bits(), photo.has_alpha(), photo.icc()), (bits, with_alpha, Some(ICC)), "{name}");
        let mut row = vec![0.0; 37];
        photo.alpha_row(7, &mut row);
        let expected = |x| if with_alpha { alpha(7, x) } else { 1.0 };
        assert!(row.iter().enumerate().all(|(x, a)| (a - expected(x)).abs() < 0.003), "{name}");
    }
}

#[test]
fn bands_of_any_height_make_the_same_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let image = gradient(29, 37);
    for format in [Format::Png, Format::Jpeg, Format::Webp] {
        let file = |band: usize| {
            let path = folder.path().join("picture");
            write(&path, &Picture { band, ..picture(format, 8, false) }, &image).expect("a written picture");
            std::fs::read(path).expect("the picture")
        };
        assert!(file(1) == file(8) && file(8) == file(100), "{format:?}");
    }
}

#[test]
fn values_outside_the_range_are_clamped_and_nan_is_black() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.png");
    let image = Image::from_fn(1, 1, |_, _| [-3.0, 7.0, f32::NAN]);
    let picture = Picture { width: 1, height: 1, ..picture(Format::Png, 8, false) };
    write(&path, &picture, &image).expect("a written picture");
    assert_eq!(texnet_io::read(&path).expect("a picture").to_image().pixel(0, 0), [0.0, 1.0, 0.0]);
}

#[test]
fn a_band_that_fails_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["a.png", "a.jpg", "a.tiff", "a.webp"] {
        let path = folder.path().join(name);
        std::fs::write(&path, "old").expect("an old file");
        let picture = picture(Format::from_path(&path).expect("a known ending"), 8, false);
        let result = texnet_io::write(&path, &picture, |rows| match rows.start {
            0 => Ok(Band { image: gradient(rows.len(), 37), alpha: None }),
            _ => Err(WriteError::Format("stop".into())),
        });
        assert!(matches!(result, Err(WriteError::Format(message)) if message == "stop"), "{name}");
        assert_eq!(std::fs::read(&path).expect("the old file"), b"old", "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 4, "no temporary file is left");
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_a_sentence() {
    let refused = |picture: Picture, word: &str| {
        let message = picture.check().expect_err(word).to_string();
        assert!(message.contains(word), "{message}");
    };
    refused(Picture { width: 65_536, ..picture(Format::Jpeg, 8, false) }, "65535");
    refused(Picture { height: 16_384, ..picture(Format::Webp, 8, false) }, "16383");
    refused(Picture { width: 0, ..picture(Format::Png, 8, false) }, "0x29");
    refused(picture(Format::Jpeg, 16, false), "16 bits");
    refused(picture(Format::Jpeg, 8, true), "alpha");
    assert!(Format::from_path(Path::new("a.xyz")).is_err() && Format::from_path(Path::new("png")).is_err());
}

/// A JPEG of 16x8 whose left half is red, with this EXIF orientation.
fn oriented(orientation: u8) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(16, 8, |x, y| match (x < 8, y < 4) {
        (true, true) => Rgb([255, 0, 0]),
        (true, false) => Rgb([0, 255, 0]),
        (false, true) => Rgb([0, 0, 255]),
        (false, false) => Rgb([255, 255, 255]),
    });
    let mut jpeg = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut jpeg, ImageFormat::Jpeg).expect("a JPEG");
    let mut exif = b"\xFF\xE1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let jpeg = jpeg.into_inner();
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

#[test]
fn photographs_are_turned_upright_for_all_eight_orientations() {
    const RED: [u8; 3] = [1, 0, 0];
    const GREEN: [u8; 3] = [0, 1, 0];
    const BLUE: [u8; 3] = [0, 0, 1];
    const WHITE: [u8; 3] = [1, 1, 1];
    // The corners in reading order, from the table of TIFF 6.0 and EXIF.
    let expected = [
        [RED, BLUE, GREEN, WHITE],
        [BLUE, RED, WHITE, GREEN],
        [WHITE, GREEN, BLUE, RED],
        [GREEN, WHITE, RED, BLUE],
        [RED, GREEN, BLUE, WHITE],
        [GREEN, RED, WHITE, BLUE],
        [WHITE, BLUE, GREEN, RED],
        [BLUE, WHITE, RED, GREEN],
    ];
    for (orientation, corners) in (1..).zip(expected) {
        let photo = texnet_io::decode(&oriented(orientation)).expect("a photograph");
        let [height, width] = photo.size();
        assert_eq!([height, width], if orientation < 5 { [8, 16] } else { [16, 8] }, "{orientation}");
        let image = photo.to_image();
        let at = |y: usize, x: usize| image.pixel(y, x).map(|v| v.round() as u8);
        let ours = [at(1, 1), at(1, width - 2), at(height - 2, 1), at(height - 2, width - 2)];
        assert_eq!(ours, corners, "orientation {orientation}");
        let mut part = [vec![0.0; 3], vec![0.0; 3], vec![0.0; 3]];
        photo.read_row(2, 2, part.each_mut().map(Vec::as_mut_slice));
        assert_eq!(part[0], &image.row(0, 2)[2..5], "rows are read from any column");
    }
}

#[test]
fn a_reduction_keeps_the_mean_the_shape_and_the_alpha() {
    let checkers = RgbaImage::from_fn(64, 32, |x, y| Rgba([255 * ((x + y) % 2) as u8, 100, 0, 51]));
    let mut png = std::io::Cursor::new(Vec::new());
    checkers.write_to(&mut png, ImageFormat::Png).expect("a PNG");
    let photo = texnet_io::decode(png.get_ref()).expect("a photograph");
    let small = photo.reduced(8);
    assert_eq!(small.size(), [4, 8]);
    for y in 0..4 {
        for x in 0..8 {
            let [red, green, blue] = small.to_image().pixel(y, x);
            assert!((red - 0.5).abs() < 0.01 && (green - 100.0 / 255.0).abs() < 0.01 && blue == 0.0);
        }
    }
    let mut alpha = [0.0; 8];
    small.alpha_row(0, &mut alpha);
    assert!(alpha.iter().all(|a| (a - 0.2).abs() < 0.001));
    assert_eq!(photo.reduced(64).to_image(), photo.to_image(), "no larger than asked for: nothing changes");
}

/// A picture of 5x3 in every format that is read.
fn samples() -> Vec<Vec<u8>> {
    let rgb =
        DynamicImage::ImageRgb8(image::RgbImage::from_fn(5, 3, |x, y| Rgb([50 * x as u8, 80 * y as u8, 9])));
    let grey = DynamicImage::ImageLuma16(image::ImageBuffer::from_fn(5, 3, |x, _| Luma([9000 * x as u16])));
    let encode = |picture: &DynamicImage, format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("an encoded picture");
        bytes.into_inner()
    };
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let colours = [Png, Jpeg, Tiff, WebP, Bmp, Gif].map(|format| {
        let picture = if format == Gif { DynamicImage::ImageRgba8(rgb.to_rgba8()) } else { rgb.clone() };
        encode(&picture, format)
    });
    colours.into_iter().chain([encode(&grey, Png), encode(&grey, Tiff)]).collect()
}

#[test]
fn truncated_and_flipped_files_are_a_picture_or_one_sentence() {
    for bytes in samples() {
        assert_eq!(texnet_io::decode(&bytes).expect("a whole file").size(), [3, 5]);
        for length in 0..bytes.len() {
            if let Err(error) = texnet_io::decode(&bytes[..length]) {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
        for bit in 0..8 * bytes.len().min(400) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(photo) = texnet_io::decode(&flipped) {
                let [height, width] = photo.size();
                let mut row = [(); 3].map(|()| vec![0.0; width]);
                photo.read_row(height - 1, 0, row.each_mut().map(Vec::as_mut_slice));
            }
        }
    }
    assert!(texnet_io::decode(b"no picture at all").is_err());
}

#[test]
fn a_header_that_claims_billions_of_pixels_is_refused_before_memory_is_taken() {
    // A BMP header of 60000x60000; there is nothing behind it.
    let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend(60_000_u32.to_le_bytes());
    bmp.extend(60_000_u32.to_le_bytes());
    bmp.extend(b"\x01\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let message = texnet_io::decode(&bmp).expect_err("too large").to_string();
    assert!(message.contains("60000x60000") || message.contains("memory"), "{message}");
}
