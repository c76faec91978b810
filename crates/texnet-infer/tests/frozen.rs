//! Pictures frozen as hashes of their bits: the same on every machine, until someone looks and blesses a change.
//!
//! `cargo xtask bless` rewrites `frozen.json`; the commit that does so says what was seen.

use std::collections::BTreeMap;

use texnet_infer::{GeneratorSpec, Image, Model, Plane, PlaneOptions, Window, calibrate};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/frozen.json");

/// FNV-1a over the bits of all values.
fn hash(image: &Image) -> String {
    let bytes = image.data().iter().flat_map(|v| v.to_bits().to_le_bytes());
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    format!("{:016x}", bytes.fold(0xCBF2_9CE4_8422_2325, mix))
}

fn texture(scales: usize, options: PlaneOptions, window: Window) -> Image {
    texture_of(GeneratorSpec::paper(scales), options, window)
}

fn texture_of(spec: GeneratorSpec, options: PlaneOptions, window: Window) -> Image {
    let model = Model::untrained(spec, 1).expect("a valid spec");
    let model = calibrate::calibrate(&model, 0);
    Plane::texture(&model, options).and_then(|plane| plane.window(window)).expect("a window")
}

fn dressed() -> Image {
    let photo = Image::from_fn(45, 61, |y, x| [x as f32 / 64.0, y as f32 / 64.0, ((x ^ y) & 1) as f32]);
    let model = Model::untrained(GeneratorSpec::paper_style(4), 2).expect("a valid spec");
    let model = calibrate::calibrate_on(&model, &photo, 0, 0.5);
    let options = PlaneOptions { noise_scale: 0.5, ..PlaneOptions::default() };
    let plane = Plane::stylised(&model, &photo, options).expect("a style network");
    plane.window(Window::sized(61, 45)).expect("a window")
}

fn pictures() -> BTreeMap<String, String> {
    let plain = PlaneOptions::default;
    let tile = PlaneOptions { seed: u64::MAX, period: Some([48, 80]), ..plain() };
    let far = Window { x: -(1 << 40), y: 1 << 33, width: 50, height: 40 };
    let images = [
        ("five scales", texture(5, plain(), Window::sized(133, 70))),
        ("two scales, far away", texture(2, plain(), far)),
        ("one scale", texture(1, plain(), Window::sized(20, 20))),
        ("a tile", texture(5, tile, Window { x: -7, y: 9, width: 90, height: 60 })),
        ("interpolating", texture_of(GeneratorSpec::coarse_wide(5).interpolating(4), plain(), far)),
        ("a photograph", dressed()),
    ];
    images.into_iter().map(|(name, image)| (name.to_owned(), hash(&image))).collect()
}

#[test]
fn pictures_are_the_blessed_ones_to_the_last_bit() {
    let ours = pictures();
    if std::env::var_os("TEXNET_BLESS").is_some() {
        let json = serde_json::to_string_pretty(&ours).expect("a map of strings");
        std::fs::write(FILE, json + "\n").expect("the file is writable");
    }
    let frozen = std::fs::read_to_string(FILE).expect("frozen.json lies beside this test");
    let frozen: BTreeMap<String, String> = serde_json::from_str(&frozen).expect("a map of strings");
    assert_eq!(ours, frozen, "look at the pictures, then run `cargo xtask bless`");
}
