//! Scenes: skies, hills, towns, trees and fruit, for style networks to practise on.
//!
//! They need not look real. They have what photographs have and materials have not: large shapes before others, edges
//! between light and dark, flat parts beside busy ones, shading, a horizon.

use rayon::prelude::*;
use texnet_infer::Image;

use crate::colour::{Rgb, encode, hex, pick, ramp};
use crate::geometry::{V2, arch, mix, smooth, v2};
use crate::noise::{Dice, Noise, hash};

/// Height and width of a scene, in pixels.
pub const SCENE_SIZE: [usize; 2] = [384, 512];
/// How many there are: as many photographs as the paper found to be enough.
pub const SCENES: u32 = 16;

/// Samples of a pixel along each axis.
const SAMPLES: usize = 2;

/// A scene: sRGB of shape `[3, height, width]`.
#[must_use]
pub fn scene(index: u32) -> Image {
    let scene = Scene::new(index);
    let [height, width] = SCENE_SIZE;
    let pixel = |i: usize| {
        let place = |s: usize| {
            let [dy, dx] = [s / SAMPLES, s % SAMPLES].map(|d| (d as f32 + 0.5) / SAMPLES as f32);
            v2((i % width) as f32 + dx, (i / width) as f32 + dy) * (1.0 / height as f32)
        };
        let samples = SAMPLES * SAMPLES;
        let sum = (0..samples).fold(Rgb::grey(0.0), |sum, s| sum + scene.at(place(s)));
        (sum * (1.0 / samples as f32)).map(|v| encode(v.clamp(0.0, 1.0))).0
    };
    let pixels: Vec<[f32; 3]> = (0..height * width).into_par_iter().map(pixel).collect();
    Image::from_fn(height, width, |y, x| pixels[y * width + x])
}

/// What stands where; lengths are in heights of the picture, `y` points down.
struct Scene {
    noise: Noise,
    mood: Mood,
    horizon: f32,
    /// From far to near.
    hills: Vec<Hill>,
    things: Vec<Thing>,
}

/// Colours of a time of day.
#[derive(Clone, Copy)]
struct Mood {
    zenith: u32,
    skyline: u32,
    cloud: u32,
    far: u32,
    near: u32,
}

const MOODS: [Mood; 5] = [
    Mood { zenith: 0x2f6fb5, skyline: 0xc9dcea, cloud: 0xf4f1ea, far: 0x7f98a8, near: 0x35521f },
    Mood { zenith: 0x33305e, skyline: 0xf0a060, cloud: 0xd9687a, far: 0x5b4a6a, near: 0x1c1a20 },
    Mood { zenith: 0x8d979c, skyline: 0xcfd0cb, cloud: 0x6d7578, far: 0x8b9294, near: 0x4b4a3a },
    Mood { zenith: 0x0d1430, skyline: 0x34507a, cloud: 0x26324f, far: 0x18243f, near: 0x080a12 },
    Mood { zenith: 0x58a0c8, skyline: 0xf1e2b8, cloud: 0xfffaf0, far: 0xb79d6c, near: 0x8a5a2a },
];

struct Hill {
    top: f32,
    rough: f32,
    nearness: f32,
}

/// Something that stands before the hills.
struct Thing {
    kind: Kind,
    at: V2,
    size: V2,
    colour: Rgb,
    id: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    House,
    Tree,
    Ball,
    Arch,
}

/// Where the light comes from.
const SUN: V2 = v2(-0.6, -0.8);

impl Scene {
    fn new(index: u32) -> Self {
        let seed = hash(0x005C_E4E5, index as i32, 1);
        let mut dice = Dice::new(seed, 0);
        let horizon = dice.between(0.35, 0.68);
        let hill = |i: u32, dice: &mut Dice| {
            let nearness = i as f32 / 3.0;
            let top = horizon - 0.14 * (1.0 - nearness) + 0.17 * nearness;
            Hill { top, rough: dice.between(0.02, 0.12), nearness }
        };
        let hills = (0..4).map(|i| hill(i, &mut dice)).collect();
        let things = Self::things(index, horizon, &mut dice);
        let mood = MOODS[index as usize % MOODS.len()];
        Self { noise: Noise(seed), mood, horizon, hills, things }
    }

    /// Towns, woods, still lives and gates take turns.
    fn things(index: u32, horizon: f32, dice: &mut Dice) -> Vec<Thing> {
        let (kind, count) =
            [(Kind::House, 14), (Kind::Tree, 9), (Kind::Ball, 6), (Kind::Arch, 2)][index as usize % 4];
        let thing = |i: u32, dice: &mut Dice| {
            let along = (i as f32 + dice.between(0.1, 0.9)) / count as f32 * 4.0 / 3.0;
            let (foot, size) = match kind {
                Kind::House => {
                    (horizon + dice.between(0.0, 0.12), v2(dice.between(0.03, 0.09), dice.between(0.1, 0.5)))
                }
                Kind::Tree => {
                    (horizon + dice.between(0.05, 0.3), v2(dice.between(0.06, 0.16), dice.between(0.2, 0.55)))
                }
                Kind::Ball => (dice.between(0.6, 1.0), v2(1.0, 1.0) * dice.between(0.09, 0.26)),
                Kind::Arch => (0.97, v2(dice.between(0.16, 0.3), dice.between(0.45, 0.8))),
            };
            let colour = pick(&PAINTS.map(hex), dice.unit()) * dice.between(0.5, 1.1);
            Thing { kind, at: v2(along, foot), size, colour, id: hash(index, i as i32, 7) }
        };
        let mut things: Vec<Thing> = (0..count).map(|i| thing(i, dice)).collect();
        things.sort_by(|a, b| a.at.y.total_cmp(&b.at.y));
        things
    }

    fn at(&self, p: V2) -> Rgb {
        let thing = self.things.iter().rev().find_map(|thing| thing.at(p, self.noise));
        let ground = || self.hills.iter().rev().find_map(|hill| self.hill(hill, p));
        thing.or_else(ground).unwrap_or_else(|| self.sky(p))
    }

    fn sky(&self, p: V2) -> Rgb {
        let height = (p.y / self.horizon).clamp(0.0, 1.0);
        let clear = ramp(&[hex(self.mood.zenith), hex(self.mood.skyline)], height);
        let cloud = self.noise.fbm(v2(p.x * 2.2, p.y * (4.0 + 5.0 * height)), 5);
        let lit = 1.0 + 0.25 * self.noise.fbm(p * 9.0, 3);
        clear.mix(hex(self.mood.cloud) * lit, 0.85 * smooth(0.02, 0.45, cloud))
    }

    fn hill(&self, hill: &Hill, p: V2) -> Option<Rgb> {
        let noise = Noise(self.noise.0 ^ (1 + (hill.nearness * 3.0) as u32));
        if p.y < hill.top - hill.rough {
            return None;
        }
        let ridge = hill.top + hill.rough * noise.fbm(v2(p.x * 1.9, hill.nearness * 9.0), 6);
        if p.y < ridge {
            return None;
        }
        let below = p.y - ridge;
        let fine = 24.0 / (1.0 + 2.0 * hill.nearness);
        let grown = noise.fbm(v2(p.x * fine, p.y * fine * 2.2), 4);
        let shade = 1.0 + 0.45 * grown + 0.35 * smooth(0.03, 0.0, below);
        Some(hex(self.mood.far).mix(hex(self.mood.near), hill.nearness) * shade)
    }
}

impl Thing {
    fn at(&self, p: V2, noise: Noise) -> Option<Rgb> {
        let q = p - self.at;
        let noise = Noise(noise.0 ^ self.id);
        match self.kind {
            Kind::House => self.house(q),
            Kind::Tree => self.tree(q, noise),
            Kind::Ball => self.ball(q, noise),
            Kind::Arch => self.gate(q, noise),
        }
    }

    /// A block with rows of windows, lit from the left.
    fn house(&self, q: V2) -> Option<Rgb> {
        let (across, up) = (q.x / self.size.x, -q.y);
        if across.abs() > 1.0 || !(0.0..self.size.y).contains(&up) {
            return None;
        }
        let [column, row] = [(across + 1.0) * 3.0, up * 32.0];
        let window = (column.fract() - 0.5).abs() < 0.25 && (row.fract() - 0.5).abs() < 0.28;
        let lit = hash(self.id, column as i32, row as i32).is_multiple_of(3);
        let wall = self.colour * mix(1.15, 0.6, smooth(-0.2, 0.6, across));
        Some(match (window, lit) {
            (true, true) => hex(0xf2d38a),
            (true, false) => hex(0x1c242c),
            _ => wall,
        })
    }

    /// A trunk under a crown of lobes.
    fn tree(&self, q: V2, noise: Noise) -> Option<Rgb> {
        let crown = v2(q.x / self.size.x, (q.y + 0.68 * self.size.y) / (0.42 * self.size.y));
        let edge = crown.length() + 0.5 * noise.fbm(q * 14.0, 4);
        if edge < 1.0 {
            let lobes = noise.fbm(q * 34.0, 4);
            let light = 0.55 + 0.5 * crown.dot(SUN) + 0.5 * lobes;
            return Some(ramp(&[0x10200c, 0x2e5220, 0x7f9a3c].map(hex), light));
        }
        let trunk = q.x.abs() < 0.09 * self.size.x && (-0.6 * self.size.y..0.0).contains(&q.y);
        trunk.then(|| hex(0x3a2a1c) * (1.0 - 4.0 * q.x / self.size.x))
    }

    /// A fruit: round, with a glint, a blush and a shadow of its own.
    fn ball(&self, q: V2, noise: Noise) -> Option<Rgb> {
        let e = q * (1.0 / self.size.x);
        let radius = e.length();
        if radius >= 1.0 {
            return None;
        }
        let light = 0.35 + 0.75 * (0.8 * e.dot(SUN) + 0.6 * arch(radius)).max(0.0);
        let blush =
            self.colour.mix(pick(&PAINTS.map(hex), 0.37), 0.5 * smooth(-0.2, 0.5, noise.fbm(e * 1.3, 3)));
        let skin = blush * (light * (1.0 + 0.16 * noise.fbm(e * 9.0, 3)));
        let glint = smooth(0.22, 0.05, (e - SUN * 0.5).length());
        Some(skin.mix(Rgb::grey(0.95), 0.8 * glint))
    }

    /// A gate in a wall of stones, dark within.
    fn gate(&self, q: V2, noise: Noise) -> Option<Rgb> {
        let e = v2(q.x / self.size.x, -q.y / self.size.y);
        let vault = |wide: f32, high: f32| {
            e.x.abs() < wide && (0.0..high * (0.62 + 0.38 * arch(e.x / wide))).contains(&e.y)
        };
        if vault(0.72, 0.84) {
            let boards = smooth(0.08, 0.0, ((e.x * 5.0).fract() - 0.5).abs());
            return Some(hex(0x1d1612) * (1.0 + 0.8 * boards + 0.4 * noise.fbm(e * 6.0, 3)));
        }
        let stones = (e.y * 12.0).fract() < 0.1
            || (e.x * 7.0 + 0.5 * ((e.y * 12.0) as i32 % 2) as f32).rem_euclid(1.0) < 0.08;
        let wall = self.colour.mix(hex(0xcabfa6), 0.6) * (1.0 + 0.3 * noise.fbm(q * 30.0, 4));
        vault(1.0, 1.0).then(|| if stones { wall * 0.45 } else { wall })
    }
}

const PAINTS: [u32; 8] = [0xb5382c, 0xd98a2b, 0xe6cf6a, 0x6f8f3a, 0x3a6e8c, 0x8c7fa0, 0xd7cbb8, 0x5a4034];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_differ_and_have_light_and_dark() {
        let scenes: Vec<Image> = (0..SCENES).map(scene).collect();
        for (i, image) in scenes.iter().enumerate() {
            assert_eq!([image.height(), image.width()], SCENE_SIZE);
            let count = image.data().len() as f32;
            let mean = image.data().iter().sum::<f32>() / count;
            let deviation = (image.data().iter().map(|v| (v - mean).powi(2)).sum::<f32>() / count).sqrt();
            assert!((0.1..0.8).contains(&mean) && deviation > 0.07, "scene {i}: {mean}, {deviation}");
            for (j, other) in scenes[..i].iter().enumerate() {
                let apart = image.data().iter().zip(other.data()).map(|(a, b)| (a - b).abs()).sum::<f32>();
                assert!(apart / count > 0.04, "scenes {i} and {j} look the same");
            }
        }
    }
}
