//! What generators make of textures: the faults that features must see, as generators have them.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::Device;
use texnet::train::{TrainConfig, Trainer};
use texnet_exemplars::{Image, RandomTexture, View, names};
use texnet_infer::model::Summary;
use texnet_infer::{Plane, PlaneOptions, Window};

/// The exemplars of the repository that are learned.
const MATERIALS: [&str; 13] = [
    "autumn",
    "bark",
    "beans",
    "bricks",
    "cobbles",
    "coffee",
    "cranberries",
    "foliage",
    "glass",
    "grass",
    "marble",
    "scales",
    "straw",
];
/// Seeds of the random textures that are learned.
const RANDOM: [u32; 11] =
    [13, 7932, 15_851, 23_770, 31_689, 39_608, 102_960, 110_879, 118_798, 150_474, 158_393];
/// All of them.
pub(crate) const COUNT: usize = MATERIALS.len() + RANDOM.len();
/// Side of a random texture's picture, in pixels.
const EXEMPLAR: usize = 256;
/// The part of it that is shown.
const VIEW: View = View { origin: [100.0, 50.0], angle: 0.0, scale: 1.0 };
/// Side of what is painted.
const PAINTED: usize = 384;
/// Seed of what is painted.
const SEED: u64 = 5;
/// Materials and colours are right by then, outlines are not yet.
const LENGTH: &str = "megapixels=24";

/// A texture, and what a generator that learned it paints.
pub(crate) struct Mined {
    pub(crate) exemplar: Image,
    pub(crate) painted: Image,
}

/// Some of these materials and random textures, and what generators that learned them by these descriptors paint: by
/// the one that is built in, if none is given. `on_texture` hears how many are done.
pub(crate) fn mined(materials: &[Image], by: &[PathBuf], on_texture: impl Fn(usize)) -> Result<Vec<Mined>> {
    let material = |name: &&str| materials.get(names().position(|other| other == *name)?);
    let random = RANDOM.iter().map(|&seed| RandomTexture::new(seed).paint(EXEMPLAR, VIEW));
    let exemplars =
        MATERIALS.iter().filter_map(material).map(rounded).chain(random.map(|image| rounded(&image)));
    let mined = exemplars.enumerate().map(|(i, exemplar)| {
        let painted = painted(&exemplar, by, LENGTH)?;
        on_texture(i + 1);
        Ok(Mined { exemplar, painted })
    });
    mined.collect()
}

/// What a generator that learned an exemplar without discriminators paints: with them, it would have other faults.
fn painted(exemplar: &Image, by: &[PathBuf], length: &str) -> Result<Image> {
    let mut config =
        TrainConfig::new("fast", &["whole=true", "octaves.adversarial=0", length].map(str::to_owned))?;
    config.octaves.weights = by.to_vec();
    let exemplars = std::slice::from_ref(exemplar);
    let config = config.resolve(exemplars)?;
    let mut trainer = Trainer::new(&config, exemplars, &Device::flex())?;
    while trainer.state().step < config.steps() {
        trainer.step()?;
    }
    let model = trainer.model(Summary::default())?;
    let plane = Plane::texture(&model, PlaneOptions { seed: SEED, ..PlaneOptions::default() })?;
    Ok(rounded(&plane.window(Window::sized(PAINTED, PAINTED))?))
}

/// As a file of 8 bits holds it.
fn rounded(image: &Image) -> Image {
    let values = image.data().iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() / 255.0);
    Image::from_planes(image.height(), image.width(), values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_texture_of_the_pool_exists() {
        assert!(MATERIALS.iter().all(|name| names().any(|other| other == *name)));
    }

    #[test]
    fn a_generator_paints_the_colours_of_what_it_learned() {
        let stripes =
            Image::from_fn(64, 64, |y, _| if y % 8 < 4 { [0.9, 0.6, 0.1] } else { [0.5, 0.2, 0.1] });
        let painted = painted(&stripes, &[], "megapixels=0.5").expect("a generator");
        assert_eq!([painted.height(), painted.width()], [PAINTED; 2]);
        assert!(painted.data().iter().all(|v| (v * 255.0 - (v * 255.0).round()).abs() < 1e-3));
        let mean = |c: usize| painted.plane(c).iter().sum::<f32>() / (PAINTED * PAINTED) as f32;
        let found = [0, 1, 2].map(mean);
        assert!(found.iter().zip([0.7, 0.4, 0.1]).all(|(a, b)| (a - b).abs() < 0.1), "{found:?}");
    }
}
