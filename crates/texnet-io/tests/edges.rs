//! Files as they are met: turned, cut short, lying about their size, huge, linked.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, GrayImage, ImageEncoder, ImageFormat, Luma, RgbImage};
use texnet_infer::{Content, Image};
use texnet_io::{Band, Format, Photo, Picture, WriteError};
use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::Tag;

/// Stored rows 1 2 3 and 4 5 6 as seen upright, by orientation from 1 to 8: the table of TIFF 6.0 and EXIF.
const UPRIGHT: [&[&[u8]]; 8] = [
    &[&[1, 2, 3], &[4, 5, 6]],
    &[&[3, 2, 1], &[6, 5, 4]],
    &[&[6, 5, 4], &[3, 2, 1]],
    &[&[4, 5, 6], &[1, 2, 3]],
    &[&[1, 4], &[2, 5], &[3, 6]],
    &[&[4, 1], &[5, 2], &[6, 3]],
    &[&[6, 3], &[5, 2], &[4, 1]],
    &[&[3, 6], &[2, 5], &[1, 4]],
];

/// An EXIF block that holds an orientation alone.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [b"II*\0\x08\0\0\0\x01\0", &entry[..], &[0; 4]].concat()
}

fn png(orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 3, 2).write_header().expect("a header");
    writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), &exif(orientation)).expect("an EXIF block");
    writer.write_image_data(&[1, 2, 3, 4, 5, 6]).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

fn tiff(orientation: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a header");
    let mut image = encoder.new_image::<colortype::Gray8>(3, 2).expect("a picture");
    image.encoder().write_tag(Tag::Orientation, u16::from(orientation)).expect("an orientation");
    image.write_data(&[1, 2, 3, 4, 5, 6]).expect("pixels");
    bytes.into_inner()
}

fn webp(orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut bytes);
    encoder.set_exif_metadata(exif(orientation)).expect("an EXIF block");
    encoder.write_image(&[1, 2, 3, 4, 5, 6], 3, 2, ExtendedColorType::L8).expect("pixels");
    bytes
}

/// Red values as they were stored.
fn rows(photo: &Photo) -> Vec<Vec<u8>> {
    let image = photo.to_image();
    let row = |y| image.row(0, y).iter().map(|v| (v * 255.0).round() as u8).collect();
    (0..image.height()).map(row).collect()
}

#[test]
fn every_format_with_an_orientation_is_turned_upright_to_the_pixel() {
    for (orientation, expected) in (1..).zip(UPRIGHT) {
        for (name, bytes) in
            [("png", png(orientation)), ("tiff", tiff(orientation)), ("webp", webp(orientation))]
        {
            let photo = texnet_io::decode(&bytes).expect(name);
            assert_eq!(
                photo.size(),
                [expected.len(), expected[0].len()],
                "{name}, orientation {orientation}"
            );
            assert_eq!(rows(&photo), expected, "{name}, orientation {orientation}");
        }
    }
}

#[test]
fn a_reduction_is_turned_as_the_photograph_is() {
    for (orientation, expected) in (1..).zip(UPRIGHT) {
        // Every pixel becomes a block of 2x2, the reduction takes it back.
        let stored = |x: u32, y: u32| 1 + (x / 2) as u8 + 3 * (y / 2) as u8;
        let doubled = GrayImage::from_fn(6, 4, |x, y| Luma([stored(x, y)]));
        let mut bytes = Vec::new();
        let mut encoder = WebPEncoder::new_lossless(&mut bytes);
        encoder.set_exif_metadata(exif(orientation)).expect("an EXIF block");
        encoder.write_image(&doubled, 6, 4, ExtendedColorType::L8).expect("pixels");
        let photo = texnet_io::decode(&bytes).expect("a photograph");
        assert_eq!(rows(&photo.reduced(3)), expected, "orientation {orientation}");
    }
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("an encoded picture");
    bytes.into_inner()
}

#[test]
fn a_reduction_by_thousands_keeps_the_mean() {
    let grey = DynamicImage::ImageLuma8(GrayImage::from_pixel(3000, 1000, Luma([200])));
    let photo = texnet_io::decode(&encoded(&grey, ImageFormat::Png)).expect("a photograph");
    for side in [0, 1, 2, 7, 2999] {
        let small = photo.reduced(side).to_image();
        assert_eq!(small.width(), side.max(1));
        assert!(small.data().iter().all(|v| (v - 200.0 / 255.0).abs() < 1e-6), "{side}");
    }
}

fn photograph() -> DynamicImage {
    let pixel = |x: u32, y: u32| [12 * x as u8, 14 * y as u8, (x * y) as u8];
    DynamicImage::ImageRgb8(RgbImage::from_fn(20, 17, |x, y| image::Rgb(pixel(x, y))))
}

#[test]
fn a_file_cut_short_is_refused_once_a_pixel_may_be_missing() {
    // Bytes at the end that hold no pixels: the last chunk of PNG, GIF's end and WebP's padding.
    let cases = [
        (ImageFormat::Png, 12),
        (ImageFormat::Jpeg, 0),
        (ImageFormat::Tiff, 0),
        (ImageFormat::Bmp, 0),
        (ImageFormat::Gif, 4),
        (ImageFormat::WebP, 1),
    ];
    for (format, tail) in cases {
        let picture = match format {
            ImageFormat::Gif => DynamicImage::ImageRgba8(photograph().to_rgba8()),
            _ => photograph(),
        };
        let bytes = encoded(&picture, format);
        assert!(texnet_io::decode(&bytes).is_ok(), "{format:?}");
        for length in 0..bytes.len() - tail {
            let error = texnet_io::decode(&bytes[..length]).expect_err("a file cut short").to_string();
            assert!(!error.contains('\n'), "{format:?}: {error}");
        }
    }
}

/// The file with the first occurrence of `pattern` followed, `skip` bytes on, by other bytes.
fn patched(mut bytes: Vec<u8>, pattern: &[u8], skip: usize, patch: &[u8]) -> Vec<u8> {
    let at = bytes.windows(pattern.len()).position(|w| w == pattern).expect("the pattern") + skip;
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

#[test]
fn a_small_file_that_claims_billions_of_pixels_is_refused_with_its_size() {
    let mut png = Vec::new();
    let mut writer = png::Encoder::new(&mut png, 65_535, 65_535).write_header().expect("a header");
    writer.write_chunk(png::chunk::IDAT, &[]).expect("an empty chunk");
    drop(writer);
    let small = photograph();
    let jpeg = patched(encoded(&small, ImageFormat::Jpeg), b"\xFF\xC0", 5, &[0xFF; 4]);
    let gif = encoded(&DynamicImage::ImageRgba8(small.to_rgba8()), ImageFormat::Gif);
    let gif = patched(gif, b"GIF8", 6, &[0xFF; 4]);
    let bmp = patched(encoded(&small, ImageFormat::Bmp), b"BM", 18, &[0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0]);
    for (name, bytes) in [("png", png), ("jpeg", jpeg), ("gif", gif), ("bmp", bmp)] {
        let message = texnet_io::decode(&bytes).expect_err(name).to_string();
        assert!(message.contains("65535x65535") || message.contains("memory"), "{name}: {message}");
    }
    let width = b"\x00\x01\x04\x00\x01\x00\x00\x00";
    let height = b"\x01\x01\x04\x00\x01\x00\x00\x00";
    let tiff = patched(encoded(&small, ImageFormat::Tiff), width, 8, &[0xFF, 0xFF, 0, 0]);
    let tiff = patched(tiff, height, 8, &[0xFF, 0xFF, 0, 0]);
    assert!(texnet_io::decode(&tiff).is_err());
}

#[test]
fn a_file_of_more_than_two_gibibytes_is_refused_by_its_name_and_not_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("huge.png");
    // No byte of it is on the disk.
    fs::File::create(&path).and_then(|file| file.set_len((1 << 31) + 1)).expect("a sparse file");
    let message = texnet_io::read(&path).expect_err("too large").to_string();
    assert!(message.contains("huge.png") && message.contains("2 GiB"), "{message}");
    let message = texnet_io::read(folder.path()).expect_err("a folder").to_string();
    assert!(message.contains(&folder.path().display().to_string()), "{message}");
}

#[test]
fn profiles_of_grey_and_cmyk_values_are_dropped_and_those_of_rgb_kept() {
    for (space, kept) in [(b"RGB ", true), (b"GRAY", false), (b"CMYK", false)] {
        let profile = [&[0; 16], &space[..], &[0; 108]].concat();
        let mut bytes = Vec::new();
        let mut encoder = WebPEncoder::new_lossless(&mut bytes);
        encoder.set_icc_profile(profile.clone()).expect("a profile");
        encoder.write_image(&[7; 6], 3, 2, ExtendedColorType::L8).expect("pixels");
        let photo = texnet_io::decode(&bytes).expect("a photograph");
        assert_eq!(photo.icc(), kept.then_some(&profile[..]));
    }
}

fn write(path: &Path) -> Result<(), WriteError> {
    let picture = Picture {
        width: 3,
        height: 2,
        format: Format::Png,
        bits: 8,
        alpha: false,
        icc: None,
        quality: 92,
        band: 1,
    };
    texnet_io::write(path, &picture, |rows| Ok(Band { image: Image::new(rows.len(), 3), alpha: None }))
}

#[test]
fn a_folder_is_no_target() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("a.png");
    fs::create_dir(&target).expect("a folder");
    let message = write(&target).expect_err("a folder").to_string();
    assert!(message.contains("no regular file: name another file"), "{message}");
    assert!(target.is_dir() && fs::read_dir(folder.path()).expect("the folder").count() == 1);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_to_its_file_and_refused_if_it_leads_nowhere() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [file, link] = ["a.png", "link.png"].map(|name| folder.path().join(name));
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    let message = write(&link).expect_err("a link that leads nowhere").to_string();
    assert!(message.contains("leads nowhere"), "{message}");
    assert!(!file.exists() && link.is_symlink());
    fs::write(&file, "old").expect("a file");
    write(&link).expect("a written picture");
    assert!(link.is_symlink() && texnet_io::read(&file).expect("the picture").size() == [2, 3]);
}
