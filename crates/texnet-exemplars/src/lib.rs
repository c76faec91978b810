//! The exemplar pictures: materials seen from above, painted by programs.
//!
//! Every picture is a function of its name alone. A painter gives the height, the reflectance and the gloss at every
//! place of the plane; `shade` lights that surface and photographs it. All randomness is a hash of seed and place or
//! object, so any window of a picture can be painted alone.

mod colour;
mod geometry;
mod materials;
mod noise;
mod objects;
mod random;
mod scenes;
mod shade;
mod surface;

pub use materials::{MATERIALS, Material, find};
pub use random::{RandomTexture, View};
pub use scenes::{SCENE_SIZE, SCENES, scene};
pub use texnet_infer::{Image, Window};

/// Height and width of an exemplar, in pixels.
pub const SIZE: usize = objects::SIZE as usize;

/// The names of all exemplars, each once.
pub fn names() -> impl Iterator<Item = &'static str> {
    MATERIALS.iter().map(|material| material.name)
}

/// The exemplar of this name, sRGB of shape `[3, SIZE, SIZE]`, if there is one.
#[must_use]
pub fn paint(name: &str) -> Option<Image> {
    find(name).map(|material| material.paint(Window::sized(SIZE, SIZE)))
}
