//! All materials: a name, a seed and a painter each.

mod autumn;
mod bark;
mod glass;
mod masonry;
mod plants;
mod rock;
mod scales;
mod seeds;
mod stones;
mod strokes;
mod textile;
mod woodcut;

use texnet_infer::{Image, Window};

use crate::shade::Light;
use crate::surface::{Canvas, Surface};

/// A material of which there is an exemplar.
#[derive(Debug, Clone, Copy)]
pub struct Material {
    /// The name of the picture and of its file.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    seed: u32,
    painter: fn(&Canvas) -> Scene,
}

/// A surface and the light in which it is photographed.
pub(crate) struct Scene {
    pub(crate) surface: Surface,
    pub(crate) light: Light,
}

/// Every material, in the order of the gallery.
pub const MATERIALS: &[Material] = &[
    Material { name: "pebbles", about: "river stones of many colours", seed: 1, painter: stones::pebbles },
    Material { name: "gravel", about: "crushed grey rock", seed: 1, painter: stones::gravel },
    Material { name: "cobbles", about: "granite setts in sand", seed: 1, painter: masonry::cobbles },
    Material { name: "bricks", about: "a wall in running bond", seed: 1, painter: masonry::bricks },
    Material { name: "bark", about: "the bark of an oak", seed: 1, painter: bark::bark },
    Material { name: "foliage", about: "leaves in layers", seed: 1, painter: plants::foliage },
    Material { name: "autumn", about: "fallen leaves of a maple", seed: 1, painter: autumn::autumn },
    Material { name: "grass", about: "a meadow from above", seed: 1, painter: plants::grass },
    Material { name: "straw", about: "threshed straw", seed: 1, painter: plants::straw },
    Material { name: "cloth", about: "a twill of wool", seed: 1, painter: textile::cloth },
    Material { name: "knit", about: "stocking stitch", seed: 1, painter: textile::knit },
    Material { name: "wicker", about: "a basket", seed: 1, painter: textile::wicker },
    Material { name: "scales", about: "the scales of a reptile", seed: 1, painter: scales::scales },
    Material { name: "strokes", about: "oil paint", seed: 1, painter: strokes::strokes },
    Material { name: "glass", about: "a window of stained glass", seed: 1, painter: glass::glass },
    Material { name: "woodcut", about: "black ink on paper", seed: 1, painter: woodcut::woodcut },
    Material { name: "marble", about: "green marble with white veins", seed: 1, painter: rock::marble },
    Material { name: "mud", about: "dried and cracked mud", seed: 1, painter: rock::mud },
    Material { name: "rust", about: "paint flaking from rusty iron", seed: 1, painter: rock::rust },
    Material { name: "coffee", about: "roasted coffee beans", seed: 1, painter: seeds::coffee },
    Material {
        name: "cranberries",
        about: "ripe and half-ripe cranberries",
        seed: 1,
        painter: seeds::cranberries,
    },
    Material { name: "beans", about: "dry beans of several kinds", seed: 1, painter: seeds::beans },
];

/// The material of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Material> {
    MATERIALS.iter().find(|material| material.name == name)
}

impl Material {
    /// A window of the picture, which has its origin at the top left of the exemplar; sRGB, `[3, height, width]`.
    ///
    /// Objects are laid out within 64 pixels of the exemplar's square and thin out beyond.
    #[must_use]
    pub fn paint(&self, window: Window) -> Image {
        let scene = (self.painter)(&Canvas { window, seed: self.seed });
        scene.light.photograph(&scene.surface)
    }
}
