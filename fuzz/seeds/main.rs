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
    Ok(())
}

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
