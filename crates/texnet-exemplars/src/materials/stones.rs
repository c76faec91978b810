//! Heaps of stones: pebbles worn round by a river, gravel broken by a crusher.

use crate::colour::{Rgb, hex, pick};
use crate::geometry::{V2, mix, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Cells, Dice, Noise};
use crate::objects::{Object, Pile};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// River stones of many colours.
pub(crate) fn pebbles(canvas: &Canvas) -> Scene {
    let pile = Pile {
        seed: canvas.key(0),
        layers: 3.4,
        radius: [6.5, 31.0],
        skew: 1.5,
        aspect: [0.62, 0.95],
        thickness: [0.42, 0.6],
        tries: 14,
    };
    let mut surface = Surface::from_fn(canvas, |p| sand(canvas, p));
    surface.lay(&pile.heap(), |stone, p, below| pebble(canvas, stone, p, below));
    Scene {
        surface,
        light: Light { sun: 1.1, sky: 0.62, softness: 0.5, reach: 22.0, exposure: 1.2, ..Light::default() },
    }
}

/// Wet sand at the bottom of a heap.
fn sand(canvas: &Canvas, p: V2) -> Sample {
    let noise = canvas.noise(90);
    let grain = noise.fbm(p * 0.8, 3);
    let colour = hex(0x5b4f43).mix(hex(0x3a332d), noise.fbm(p * 0.05, 2) + 0.5);
    Sample::matte(grain, colour * (1.0 + 0.6 * grain))
}

fn pebble(canvas: &Canvas, stone: &Object, p: V2, below: &Sample) -> Option<Sample> {
    if stone.is_under(below, 1.2 * stone.thickness + 0.3) {
        return None;
    }
    let q = stone.local(p);
    let inside = 1.0 - worn_radius(canvas.noise(1), stone, q);
    let noise = Noise(canvas.key(2).wrapping_add(stone.id));
    if inside <= 0.0 {
        return None;
    }
    let dome = (1.0 - (1.0 - inside).powf(2.5)).powf(0.56);
    let lumps = 0.10 * noise.fbm(q * (1.3 / stone.radius), 3);
    let height = stone.z + stone.thickness * dome * (1.0 + lumps) + 0.26 * noise.fbm(q * 0.45, 3);
    (height > below.height).then(|| {
        let mut sample = Sample::matte(height, mineral(noise, stone, q));
        sample.height += 0.05 * noise.white(p * 3.0);
        sample.glossy(0.10, 6.0)
    })
}

/// The distance from the middle of a stone as a part of that to its outline, which wear has left slightly irregular.
fn worn_radius(noise: Noise, stone: &Object, q: V2) -> f32 {
    let mut dice = Dice::new(noise.0, stone.id);
    let power = dice.between(1.9, 2.7);
    let e = v2(q.x / stone.radius, q.y / (stone.radius * stone.aspect));
    let round = (e.x.abs().powf(power) + e.y.abs().powf(power)).powf(1.0 / power);
    let direction = q * (0.8 / q.length().max(0.5));
    let uneven = noise.at(direction + v2(stone.id as f32 * 3.7, 0.0));
    // An egg: one end wider than the other.
    round * (1.0 + dice.between(-0.12, 0.12) * e.x) / (1.0 + 0.16 * uneven)
}

/// The look of one stone: its rock, clouds and specks in it, perhaps a vein, and dust.
fn mineral(noise: Noise, stone: &Object, q: V2) -> Rgb {
    let mut dice = Dice::new(noise.0, 77);
    let base = rock(&mut dice);
    let clouds = noise.fbm(q * dice.between(0.04, 0.12), 4);
    let mut colour = base * (1.0 + 0.3 * clouds + dice.between(0.1, 0.45) * noise.fbm(q * 0.28, 4));
    colour = colour.mix(pick(&TINTS.map(hex), dice.unit()), smooth(0.0, 0.7, noise.fbm(q * 0.05, 3)) * 0.6);
    colour = speckled(noise, &mut dice, q, colour);
    if dice.one_in(11.0) {
        colour = veined(noise, &mut dice, q, colour);
    }
    let dust = 0.12 * smooth(0.2, 0.9, 1.0 - q.length() / stone.radius);
    colour.mix(hex(0xb5aa9a), dust) * (1.0 + 0.16 * noise.fbm(q * 0.9, 2))
}

const TINTS: [u32; 4] = [0x8a6a52, 0x6c6f72, 0xa99a84, 0x7b7468];
const ROCKS: [u32; 14] = [
    0x7f8a95, 0x8b8882, 0xa39079, 0x8f6a58, 0xcfc6b8, 0x565657, 0x6f7880, 0x9a8a7c, 0xa8a19a, 0x754f42,
    0x848c84, 0xb89a72, 0xd6cfc4, 0x9c7460,
];

fn rock(dice: &mut Dice) -> Rgb {
    let a = pick(&ROCKS.map(hex), dice.unit());
    let b = pick(&ROCKS.map(hex), dice.unit());
    a.mix(b, dice.between(0.0, 0.4)).saturated(dice.between(0.75, 1.2)) * dice.between(0.7, 1.2)
}

/// Crystals of the rock, darker and lighter than it, by different amounts from stone to stone.
fn speckled(noise: Noise, dice: &mut Dice, q: V2, colour: Rgb) -> Rgb {
    let strength = dice.between(0.35, 1.0).powi(2);
    let size = dice.between(0.7, 1.5);
    let cell = Cells::random(noise.0).at(q * (1.0 / size));
    let mut crystal = Dice::new(noise.0, cell.id);
    let tone = crystal.bell() * strength;
    let dark = if crystal.one_in(9.0) { 1.0 - 0.6 * strength } else { 1.0 };
    colour * ((1.0 + 0.5 * tone) * dark)
}

/// A few bands of quartz across the stone.
fn veined(noise: Noise, dice: &mut Dice, q: V2, colour: Rgb) -> Rgb {
    let along = noise.warped(q, 16.0, 6.0).turned(dice.between(0.0, 3.0));
    let width = dice.between(0.5, 1.4);
    let spacing = dice.between(16.0, 40.0);
    let place = (along.x / spacing + dice.unit()).fract().abs() - 0.5;
    let vein = smooth(width, 0.3 * width, (place * spacing).abs() * (1.0 + 0.5 * noise.at(q * 0.2)));
    colour.mix(hex(0xcfc8ba), 0.75 * vein)
}

/// Crushed grey rock.
pub(crate) fn gravel(canvas: &Canvas) -> Scene {
    let pile = Pile {
        seed: canvas.key(0),
        layers: 3.2,
        radius: [6.0, 17.0],
        skew: 1.3,
        aspect: [0.55, 0.95],
        thickness: [0.5, 0.8],
        tries: 8,
    };
    let mut surface = Surface::from_fn(canvas, |p| sand(canvas, p));
    surface.lay(&pile.heap(), |stone, p, below| chip(canvas, stone, p, below));
    Scene { surface, light: Light { sun: 1.0, sky: 0.75, reach: 14.0, exposure: 1.1, ..Light::default() } }
}

/// Planes by which the crusher has cut a stone: the sides, the slants and the top.
const SIDES: u32 = 7;

fn chip(canvas: &Canvas, stone: &Object, p: V2, below: &Sample) -> Option<Sample> {
    let noise = Noise(canvas.key(3).wrapping_add(stone.id));
    let q = noise.warped(stone.local(p), 5.0, 0.6);
    let unit = v2(q.x / stone.radius, q.y / (stone.radius * stone.aspect));
    let (rise, facet) = facets(noise, unit);
    if rise <= 0.0 || stone.is_under(below, 1.2 * stone.thickness + 0.6) {
        return None;
    }
    let rough = 0.35 * noise.fbm(q * 0.35, 3) + 0.12 * noise.fbm(q * 1.1, 2);
    let height = stone.z - 0.4 * stone.thickness + 1.5 * stone.thickness * rise + rough;
    (height > below.height).then(|| Sample::matte(height, broken(noise, facet, q)).glossy(0.12, 5.0))
}

/// The height of a cut stone over its middle plane, at most about 1, and which plane it is cut by.
fn facets(noise: Noise, unit: V2) -> (f32, u32) {
    let mut dice = Dice::new(noise.0, 5);
    let top = v2(dice.bell(), dice.bell()) * 0.35;
    let (mut lowest, mut facet) = (dice.between(0.6, 0.85) + top.dot(unit), 99);
    for i in 0..SIDES {
        let angle = (i as f32 + 0.8 * dice.bell()) * std::f32::consts::TAU / SIDES as f32;
        let distance = dice.between(0.72, 1.02);
        let steep = dice.between(0.7, 3.2);
        let plane = (distance - V2::unit(angle).dot(unit)) * steep;
        if plane < lowest {
            (lowest, facet) = (plane, i);
        }
    }
    (lowest, facet)
}

/// A broken face: the rock's grey, dust on some faces, specks.
fn broken(noise: Noise, facet: u32, q: V2) -> Rgb {
    const GREYS: [u32; 6] = [0x85868a, 0x75767a, 0x94928e, 0x8a857d, 0x6a6c72, 0xa09c96];
    let mut dice = Dice::new(noise.0, 6);
    let mut base = pick(&GREYS.map(hex), dice.unit()) * dice.between(0.85, 1.2);
    if dice.one_in(11.0) {
        base = base.mix(hex(0xa58a6c), 0.6);
    }
    if dice.one_in(24.0) {
        base = hex(0xc9c4ba);
    }
    let dust = Dice::new(noise.0, 1000 + facet).between(0.0, 0.22) + 0.2 * noise.fbm(q * 0.12, 3);
    let specks =
        0.14 * noise.fbm(q * 1.4, 2) + 0.10 * noise.fbm(q * 0.3, 3) + 0.12 * (noise.white(q * 1.7) - 0.5);
    base.mix(hex(0xb2aca2), dust.clamp(0.0, 1.0)) * mix(1.0, 1.0 + 2.0 * specks, 0.8)
}
