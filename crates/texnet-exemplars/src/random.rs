//! Textures without end: each is drawn at random, and then a function of the place.
//!
//! They are what the descriptor that is built into texnet learns to tell apart, so variety and things with outlines matter
//! more than beauty.

mod fields;
mod objects;
mod palette;
mod tilings;

use texnet_infer::Image;

use crate::colour::Rgb;
use crate::geometry::{V2, v2};
use crate::noise::{Dice, Noise};
use fields::Field;
use objects::Heap;
use tilings::{Dots, Mosaic, Wall};

/// Samples along each side of a pixel.
const SAMPLES: usize = 2;

/// What a texture shows at a place.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// sRGB-coded.
    colour: Rgb,
    /// In pixels.
    height: f32,
}

/// A family of textures, with its parameters.
#[derive(Debug, Clone)]
enum Family {
    Heap(Heap),
    Mosaic(Mosaic),
    Wall(Wall),
    Dots(Dots),
    Field(Field),
}

impl Family {
    /// One of them; things with outlines are the most frequent.
    fn new(dice: &mut Dice) -> Self {
        match dice.unit() {
            t if t < 0.26 => Self::Heap(Heap::of_things(dice)),
            t if t < 0.42 => Self::Heap(Heap::of_strokes(dice)),
            t if t < 0.62 => Self::Mosaic(Mosaic::new(dice)),
            t if t < 0.74 => Self::Wall(Wall::new(dice)),
            t if t < 0.80 => Self::Dots(Dots::new(dice)),
            t if t < 0.93 => Self::Field(Field::clouds(dice)),
            _ => Self::Field(Field::waves(dice)),
        }
    }

    fn at(&self, p: V2) -> Place {
        match self {
            Self::Heap(heap) => heap.at(p),
            Self::Mosaic(mosaic) => mosaic.at(p),
            Self::Wall(wall) => wall.at(p),
            Self::Dots(dots) => dots.at(p),
            Self::Field(field) => field.at(p),
        }
    }
}

/// A texture of the plane, drawn at random: a function of its seed alone.
#[derive(Debug, Clone)]
pub struct RandomTexture {
    family: Family,
    /// Another one, in blots of this size.
    other: Option<(Family, f32)>,
    noise: Noise,
    /// How far places are moved, in pixels.
    warp: f32,
    /// How much slow noise brightens and darkens.
    shade: f32,
    /// How strongly the relief is lit, and from where.
    relief: f32,
    light: V2,
}

/// From where a texture is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// The place of the first pixel.
    pub origin: [f32; 2],
    /// Of the picture's rows, in radians.
    pub angle: f32,
    /// Pixels of the texture to one pixel of the picture.
    pub scale: f32,
}

/// Uniform in the logarithm.
fn log_between(dice: &mut Dice, from: f32, to: f32) -> f32 {
    from * (to / from).powf(dice.unit())
}

/// A direction, in radians.
fn turn(dice: &mut Dice) -> f32 {
    std::f32::consts::TAU * dice.unit()
}

/// One of some values.
fn one_of<T: Copy, const N: usize>(dice: &mut Dice, values: [T; N]) -> T {
    values[((dice.unit() * N as f32) as usize).min(N - 1)]
}

impl RandomTexture {
    /// The texture of a seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut dice = Dice::new(seed, 0);
        let family = Family::new(&mut dice);
        let other = dice.one_in(6.0).then(|| (Family::new(&mut dice), log_between(&mut dice, 10.0, 40.0)));
        let chance = |dice: &mut Dice, from: f32, to: f32| {
            if dice.one_in(3.0) { dice.between(from, to) } else { 0.0 }
        };
        Self {
            family,
            other,
            noise: Noise((dice.unit() * 1e9) as u32),
            warp: chance(&mut dice, 2.0, 12.0),
            shade: chance(&mut dice, 0.1, 0.5),
            relief: if dice.one_in(2.0) { dice.between(0.1, 0.6) } else { 0.0 },
            light: V2::unit(turn(&mut dice)),
        }
    }

    fn at(&self, p: V2) -> Place {
        let q = if self.warp > 0.0 { self.noise.warped(p, 40.0, self.warp) } else { p };
        let mut place = self.family.at(q);
        if let Some((other, size)) = &self.other {
            let share = Field::mask(self.noise, *size, p);
            let other = if share > 0.0 { other.at(q) } else { place };
            place.colour = place.colour.mix(other.colour, share);
            place.height += share * (other.height - place.height);
        }
        if self.shade > 0.0 {
            place.colour = place.colour * (1.0 + self.shade * Noise(self.noise.0 ^ 1).fbm(p * 0.02, 2) * 1.5);
        }
        place
    }

    /// A picture of `side` x `side` pixels, sRGB-coded in `[0, 1]`, as a view shows it.
    #[must_use]
    pub fn paint(&self, side: usize, view: View) -> Image {
        // One sample more on both sides, from which slopes are taken.
        let row = side * SAMPLES + 2;
        let step = view.scale / SAMPLES as f32;
        let [across, down] = [v2(1.0, 0.0), v2(0.0, 1.0)].map(|axis| axis.turned(view.angle) * step);
        let origin = v2(view.origin[0], view.origin[1]);
        let place = |i: usize| {
            let (y, x) = ((i / row) as f32 - 0.5, (i % row) as f32 - 0.5);
            self.at(origin + across * x + down * y)
        };
        let samples: Vec<Place> = (0..row * row).map(place).collect();
        // The light turns with the texture.
        let light = self.light.turned(-view.angle) * (self.relief / step);
        let lit = |y: usize, x: usize| {
            let height = |y: usize, x: usize| samples[y * row + x].height;
            let slope = v2(height(y, x + 1) - height(y, x - 1), height(y + 1, x) - height(y - 1, x)) * 0.5;
            let bright = if self.relief > 0.0 { (1.0 - slope.dot(light)).clamp(0.3, 1.7) } else { 1.0 };
            samples[y * row + x].colour * bright
        };
        Image::from_fn(side, side, |y, x| {
            let sample = |i: usize| lit(1 + y * SAMPLES + i / SAMPLES, 1 + x * SAMPLES + i % SAMPLES);
            let sum = (0..SAMPLES * SAMPLES).map(sample).fold(Rgb::grey(0.0), |sum, colour| sum + colour);
            (sum * (1.0 / (SAMPLES * SAMPLES) as f32)).map(|v| v.clamp(0.0, 1.0)).0
        })
    }
}

#[cfg(test)]
mod tests;
