//! Writes the seeds of the fuzz targets: small files of every kind, made here.
//!
//! Usage: `cargo run --bin seeds` in the folder `fuzz`; they land in `corpus_seeds/TARGET/`.

use std::path::Path;

use texnet_infer::{Model, Precision};

#[expect(dead_code, reason = "the tests of the import use more of it")]
#[path = "../../crates/texnet/src/import/torch7/writer.rs"]
mod writer;

use writer::{Network, Style, Writer};

fn main() -> std::io::Result<()> {
    let small = Style { scales: 1, block: &[1], ..Style::default() };
    let plain = Style { block: &[1], ..Style::default() };
    let styles = [
        ("one-scale", small),
        ("two-scales", plain),
        ("content", Style { inputs: 6, ..plain }),
        ("joined-by-table", Style { join_table: true, side_first: true, ..plain }),
        ("zero-padded", Style { block: &[3], padding: None, matrices: true, ..plain }),
        ("instance", Style { norm: "nn.InstanceNormalization", narrow: false, eps: [1e-4; 2], ..small }),
    ];
    for (name, style) in styles {
        let torch7 = Network::file(style);
        seed("torch7", &format!("{name}.t7"), &torch7)?;
        let model = texnet::import::torch7(&torch7).expect("a style that the import knows");
        model_seeds(name, &model)?;
    }
    image_seeds()?;
    let (root, flat) = Network::build(small);
    seed("torch7", "one-scale-old-long.t7", &Writer::file(&root, &flat, 4))
}

/// The model in both precisions, without and with statistics.
fn model_seeds(name: &str, model: &Model) -> std::io::Result<()> {
    let calibrated = calibrated(model);
    seed("model_file", &format!("{name}.safetensors"), &model.to_bytes(Precision::F32))?;
    seed("model_file", &format!("{name}-calibrated-half.safetensors"), &calibrated.to_bytes(Precision::F16))
}

/// A picture of 5x3 pixels in every format and a few kinds of values.
fn image_seeds() -> std::io::Result<()> {
    use image::{DynamicImage, ImageFormat};
    let rgba = image::RgbaImage::from_fn(5, 3, |x, y| image::Rgba([40 * x as u8, 80 * y as u8, 7, 200]));
    let rgba = DynamicImage::ImageRgba8(rgba);
    let kinds = [
        ("rgba", rgba.clone()),
        ("rgb", DynamicImage::ImageRgb8(rgba.to_rgb8())),
        ("grey", DynamicImage::ImageLuma8(rgba.to_luma8())),
        ("grey16", DynamicImage::ImageLuma16(rgba.to_luma16())),
        ("rgba16", DynamicImage::ImageRgba16(rgba.to_rgba16())),
    ];
    let formats = [
        ("png", ImageFormat::Png),
        ("jpg", ImageFormat::Jpeg),
        ("tiff", ImageFormat::Tiff),
        ("webp", ImageFormat::WebP),
        ("bmp", ImageFormat::Bmp),
        ("gif", ImageFormat::Gif),
    ];
    for (kind, picture) in &kinds {
        for (ending, format) in formats {
            let mut bytes = std::io::Cursor::new(Vec::new());
            // Not every format holds every kind.
            if picture.write_to(&mut bytes, format).is_ok() {
                seed("image", &format!("{kind}.{ending}"), bytes.get_ref())?;
            }
        }
    }
    image_extras(&rgba)
}

/// What encoders leave out unless they are asked: EXIF, a colour profile, BigTIFF.
fn image_extras(picture: &image::DynamicImage) -> std::io::Result<()> {
    use image::ImageEncoder;
    use image::codecs::{jpeg::JpegEncoder, webp::WebPEncoder};
    // Orientation 6, a quarter turn.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let profile = [&[0; 16], &b"RGB "[..], &[0; 12]].concat();
    let rgb = picture.to_rgb8();
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(exif.clone()).expect("WebP holds EXIF");
    encoder.set_icc_profile(profile.clone()).expect("WebP holds profiles");
    encoder.write_image(&rgb, 5, 3, image::ExtendedColorType::Rgb8).expect("a picture in memory");
    seed("image", "turned.webp", &webp)?;
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new(&mut jpeg);
    encoder.set_exif_metadata(exif).expect("JPEG holds EXIF");
    encoder.set_icc_profile(profile).expect("JPEG holds profiles");
    encoder.write_image(&rgb, 5, 3, image::ExtendedColorType::Rgb8).expect("a picture in memory");
    seed("image", "turned.jpg", &jpeg)?;
    seed("image", "big.tiff", BIGTIFF)
}

/// Two grey pixels in one strip: a directory of entries of 20 bytes (tag, type, count, value), little endian.
const BIGTIFF: &[u8] = b"II\x2B\0\x08\0\0\0\x10\0\0\0\0\0\0\0\
    \x07\0\0\0\0\0\0\0\
    \x00\x01\x03\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\
    \x01\x01\x03\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\
    \x02\x01\x03\0\x01\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\
    \x03\x01\x03\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\
    \x06\x01\x03\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\
    \x11\x01\x03\0\x01\0\0\0\0\0\0\0\xAC\0\0\0\0\0\0\0\
    \x17\x01\x03\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\x40\xC0";

fn calibrated(model: &Model) -> Model {
    let mut weights = model.weights().clone();
    let ones = |shape: Vec<usize>| texnet_infer::Tensor { data: vec![1.0; shape[0]], shape };
    weights.extend(model.spec().statistics().into_iter().map(|(name, shape)| (name, ones(shape))));
    Model::new(model.spec().clone(), weights, model.summary.clone()).expect("all statistics are there")
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus_seeds").join(target);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(name), bytes)
}
