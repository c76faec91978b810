//! Growing things, and what is left of them: leaves in layers, blades of grass, straw.

use crate::colour::{Rgb, hex, pick};
use crate::geometry::{V2, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Dice, Noise};
use crate::objects::{Object, strew};
use crate::shade::Light;
use crate::surface::{Canvas, Outline, Rectangle, Sample, Surface};

/// Humus under plants.
pub(crate) fn soil(canvas: &Canvas, p: V2) -> Sample {
    let noise = canvas.noise(90);
    let grain = noise.fbm(p * 0.3, 4);
    Sample::matte(1.5 * grain, hex(0x2e2419).mix(hex(0x1d1a10), grain + 0.5))
}

/// Leaves in layers.
pub(crate) fn foliage(canvas: &Canvas) -> Scene {
    let mut surface = Surface::from_fn(canvas, |p| soil(canvas, p));
    let leaves: Vec<Object> =
        strew(canvas.key(0), 31.0, 6).into_iter().rev().map(|o| grown(canvas, o)).collect();
    surface.cover(&leaves, |leaf, p| leaf_sample(canvas, leaf, p));
    Scene {
        surface,
        light: Light { sun: 1.15, sky: 0.6, softness: 0.4, reach: 24.0, exposure: 1.25, ..Light::default() },
    }
}

fn grown(canvas: &Canvas, leaf: Object) -> Object {
    let mut dice = Dice::new(canvas.key(1), leaf.id);
    let radius = dice.between(19.0, 35.0);
    Object { radius, aspect: dice.between(0.52, 0.68), z: 3.0 + 38.0 * leaf.z, ..leaf }
}

/// Half the width of a leaf at `s` from its stalk (-1) to its tip (1), as a part of the widest.
fn blade_width(s: f32) -> f32 {
    let body = (1.0 - s * s).max(0.0).powf(0.62) * (1.0 - 0.38 * s);
    body * smooth(1.02, 0.45, s).powf(0.4)
}

fn leaf_sample(canvas: &Canvas, leaf: &Object, p: V2) -> Option<Sample> {
    let noise = Noise(canvas.key(2).wrapping_add(leaf.id));
    let mut dice = Dice::new(noise.0, 1);
    let q = leaf.local(p);
    let s = q.x / leaf.radius;
    let axis = dice.between(-0.16, 0.16) * (1.0 - s * s) * leaf.radius;
    let y = q.y - axis;
    let teeth = 1.0 + 0.05 * noise.fbm(v2(s * 9.0, q.y.signum()), 3);
    let width = leaf.radius * leaf.aspect * blade_width(s) * teeth;
    if y.abs() >= width {
        return None;
    }
    let veins = veins(noise, s, y / leaf.radius);
    let height = leaf.z + bend(noise, &mut dice, leaf, q, y) - 0.5 * veins.0 + 0.22 * veins.1;
    let colour = chlorophyll(noise, &mut dice, q, y.abs() / width).mix(hex(0x93a866), 0.35 * veins.0);
    // In the order of their heights, whole: bent leaves would cut through each other where heights cross.
    Some(Sample::matte(height, colour).glossy(0.30, 5.0))
}

/// How a leaf leaves its plane: tilted, folded along the middle, rolled at the sides, wavy.
fn bend(noise: Noise, dice: &mut Dice, leaf: &Object, q: V2, y: f32) -> f32 {
    let tilt = v2(dice.bell(), dice.bell()) * 0.26;
    let fold = dice.between(0.12, 0.5) * y.abs();
    let roll = dice.between(0.0, 0.035) * y * y;
    let droop = dice.between(0.0, 0.011) * q.x * q.x;
    tilt.dot(q) + fold - roll - droop
        + 1.1 * noise.fbm(q * (2.4 / leaf.radius), 2)
        + 0.08 * noise.fbm(q * 0.8, 2)
}

/// How much of a vein is at a place, and how far the leaf bulges between veins; both in `[0, 1]`.
fn veins(noise: Noise, s: f32, y: f32) -> (f32, f32) {
    let middle = smooth(0.045 - 0.02 * s, 0.012, y.abs());
    let side = (s - 1.1 * y.abs() + 0.35 * y * y + 0.03 * noise.at(v2(s * 5.0, y * 5.0))) * 5.5;
    let side = side + if y > 0.0 { 0.45 } else { 0.0 };
    let off = (side - side.floor() - 0.5).abs();
    let line = smooth(0.41, 0.5, off) * smooth(0.75, 0.3, y.abs()) * 0.7;
    (middle.max(line), (1.0 - 4.0 * (off * off)).max(0.0))
}

fn chlorophyll(noise: Noise, dice: &mut Dice, q: V2, side: f32) -> Rgb {
    const GREENS: [u32; 6] = [0x46612c, 0x527034, 0x354f28, 0x628038, 0x3c5a34, 0x728646];
    let mut base = pick(&GREENS.map(hex), dice.unit()) * dice.between(0.8, 1.2);
    if dice.one_in(16.0) {
        base = base.mix(hex(0xa09a3c), 0.55);
    }
    let age = smooth(0.55, 0.9, noise.fbm(q * 0.06, 3) + 0.35 * side);
    let spots = smooth(0.62, 0.75, noise.fbm(q * 0.25, 2));
    let blotch = 1.0 + 0.25 * noise.fbm(q * 0.1, 3) + 0.14 * noise.fbm(q * 0.7, 2);
    base.mix(hex(0x8a7a34), 0.5 * age).mix(hex(0x5a4020), 0.6 * spots) * blotch
}

/// One blade of grass, a curved ribbon.
struct Blade {
    object: Object,
    bend: f32,
    lift: f32,
}

impl Outline for Blade {
    fn outline(&self) -> Rectangle {
        let Object { at, angle, radius, thickness, .. } = self.object;
        Rectangle { middle: at, angle, half: v2(radius, thickness + self.bend.abs() * radius * radius + 1.0) }
    }
}

/// A meadow from above.
pub(crate) fn grass(canvas: &Canvas) -> Scene {
    let mut surface = Surface::from_fn(canvas, |p| soil(canvas, p));
    let blades: Vec<Blade> =
        strew(canvas.key(0), 9.0, 6).into_iter().rev().map(|object| sprout(canvas, object)).collect();
    surface.lay(&blades, |blade, p, below| blade_sample(canvas, blade, p, below));
    Scene {
        surface,
        light: Light { sun: 1.25, sky: 0.65, softness: 0.5, exposure: 1.45, ..Light::default() },
    }
}

fn sprout(canvas: &Canvas, object: Object) -> Blade {
    let mut dice = Dice::new(canvas.key(1), object.id);
    let radius = dice.between(12.0, 36.0);
    let bend = 0.5 * dice.bell() / radius;
    let lift = dice.between(-0.1, 0.45);
    Blade {
        object: Object {
            radius,
            thickness: 0.8 + 1.9 * dice.unit().powi(2),
            z: 2.0 + 30.0 * object.z,
            ..object
        },
        bend,
        lift,
    }
}

fn blade_sample(canvas: &Canvas, blade: &Blade, p: V2, below: &Sample) -> Option<Sample> {
    let object = &blade.object;
    let q = object.local(p);
    let s = q.x / object.radius;
    let y = q.y - blade.bend * (q.x * q.x - 0.5 * object.radius * object.radius);
    let width = object.thickness * (1.0 - s.max(0.0).powi(2)) * smooth(-1.0, -0.8, s);
    if y.abs() >= width {
        return None;
    }
    let fold = 0.55 * y.abs() + 0.15 * (y * 5.0).sin() * width.min(1.0);
    let height = object.z + blade.lift * q.x - 0.006 * q.x * q.x + fold;
    (height > below.height).then(|| {
        let noise = Noise(canvas.key(2).wrapping_add(object.id));
        Sample::matte(height, blade_colour(noise, s, v2(q.x, y))).glossy(0.22, 5.0)
    })
}

fn blade_colour(noise: Noise, s: f32, q: V2) -> Rgb {
    const GREENS: [u32; 6] = [0x516f33, 0x66803f, 0x435f30, 0x7c8c4c, 0x5a7436, 0x86985c];
    let mut dice = Dice::new(noise.0, 1);
    let mut base = pick(&GREENS.map(hex), dice.unit()) * dice.between(0.8, 1.2);
    if dice.one_in(10.0) {
        base = hex(0xb0a068) * dice.between(0.7, 1.1);
    }
    let tip = smooth(0.55, 1.0, s + 0.3 * dice.bell());
    let streaks = 1.0 + 0.3 * noise.fbm(v2(q.x * 0.08, q.y * 1.3), 3);
    base.mix(hex(0xa9a05e), 0.45 * tip) * (streaks * (0.72 + 0.28 * smooth(-1.0, 0.2, s)))
}

/// Threshed straw.
pub(crate) fn straw(canvas: &Canvas) -> Scene {
    let mut surface = Surface::from_fn(canvas, |p| soil(canvas, p));
    let stalks: Vec<Blade> =
        strew(canvas.key(0), 16.0, 9).into_iter().rev().map(|object| stalk(canvas, object)).collect();
    surface.cover(&stalks, |stalk, p| stalk_sample(canvas, stalk, p));
    Scene {
        surface,
        light: Light { sun: 1.15, sky: 0.62, softness: 0.5, exposure: 1.15, ..Light::default() },
    }
}

/// Most stalks are short; all lie nearly flat.
fn stalk(canvas: &Canvas, object: Object) -> Blade {
    let mut dice = Dice::new(canvas.key(1), object.id);
    let radius = 13.0 + 45.0 * dice.unit().powi(2);
    let bend = 0.10 * dice.bell() / radius;
    let thickness = dice.between(1.3, 3.0);
    let lift = 0.12 * dice.bell();
    Blade { object: Object { radius, thickness, z: 2.0 + 36.0 * object.z, ..object }, bend, lift }
}

fn stalk_sample(canvas: &Canvas, stalk: &Blade, p: V2) -> Option<Sample> {
    let object = &stalk.object;
    let q = object.local(p);
    let y = q.y - stalk.bend * (q.x * q.x - 0.5 * object.radius * object.radius);
    let noise = Noise(canvas.key(2).wrapping_add(object.id));
    let mut dice = Dice::new(noise.0, 1);
    let flat = dice.between(0.35, 1.0);
    let node = dice.between(-0.7, 0.7) * object.radius;
    let joint = smooth(2.2, 0.4, (q.x - node).abs());
    let width = object.thickness * (1.0 + 0.18 * joint + 0.15 * noise.at(v2(q.x * 0.05, 3.0)));
    let cut = object.radius - 2.5 * noise.at(v2(y * 0.7, q.x.signum() * 5.0)).abs();
    if y.abs() >= width || q.x.abs() >= cut {
        return None;
    }
    let across = y / width;
    let ribs = noise.fbm(v2(across * 4.0, q.x * 0.02), 3);
    let height = object.z + stalk.lift * q.x + flat * width * (1.0 - across * across).sqrt() + 0.28 * ribs;
    let split = smooth(0.16, 0.05, (across - 0.3 * noise.at(v2(q.x * 0.06, 8.0))).abs())
        * if flat < 0.55 { 1.0 } else { 0.0 };
    let colour = gold(noise, &mut dice, q, ribs) * (1.0 - 0.35 * joint) * (1.0 - 0.45 * split);
    Some(Sample::matte(height - 0.5 * split, colour).glossy(0.28, 5.0))
}

fn gold(noise: Noise, dice: &mut Dice, q: V2, ribs: f32) -> Rgb {
    const GOLDS: [u32; 7] = [0xb8964f, 0xcdb06c, 0xa07f40, 0xd6c084, 0x8c6c38, 0xbba468, 0x9a8a58];
    let base = pick(&GOLDS.map(hex), dice.unit()).mix(pick(&GOLDS.map(hex), dice.unit()), 0.4);
    let along = noise.fbm(v2(q.x * 0.05, 4.0), 3);
    let stain = smooth(0.25, 0.6, noise.fbm(v2(q.x * 0.09, q.y * 0.3), 3));
    let grain = 1.0 + 0.3 * ribs + 0.2 * along + 0.10 * noise.fbm(q * 0.9, 2);
    base.mix(hex(0x5f4a2c), 0.55 * stain) * (grain * dice.between(0.75, 1.12))
}
