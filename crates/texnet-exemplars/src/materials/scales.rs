//! The scales of a reptile: rows of plates, each lying on the ones below it.

use crate::colour::{Rgb, hex, ramp};
use crate::geometry::{V2, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Dice, Noise, hash};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// The scales of a reptile.
pub(crate) fn scales(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| skin(canvas, p));
    Scene {
        surface,
        light: Light { slope: 0.85, sun: 1.15, sky: 0.75, reach: 12.0, exposure: 1.2, ..Light::default() },
    }
}

/// Distances between neighbours of a row and between rows, in pixels.
const LATTICE: V2 = v2(30.0, 17.0);

fn skin(canvas: &Canvas, p: V2) -> Sample {
    let p = canvas.noise(0).warped(p, 80.0, 7.0);
    let row = (p.y / LATTICE.y).floor();
    let ground = Sample::matte(-3.0, hex(0x14140c));
    let near = (0..4).flat_map(|r| (-1..=1).map(move |c| (row - r as f32 + 1.0, c)));
    let plates = near.filter_map(|(row, c)| {
        let shift = 0.5 * (row as i32).rem_euclid(2) as f32;
        let column = (p.x / LATTICE.x + shift).floor() + c as f32;
        plate(
            canvas,
            p,
            v2((column - shift + 0.5) * LATTICE.x, row * LATTICE.y),
            hash(canvas.key(1), column as i32, row as i32),
        )
    });
    plates.fold(ground, |a, b| if b.height > a.height { b } else { a })
}

/// One plate, rooted at `root` and pointing down.
fn plate(canvas: &Canvas, p: V2, root: V2, id: u32) -> Option<Sample> {
    let mut dice = Dice::new(id, 1);
    let size = 1.0 + 0.10 * dice.bell();
    let q = (p - root - v2(dice.bell(), dice.bell()) * 1.6).turned(0.14 * dice.bell());
    let e = v2(q.x / (0.56 * LATTICE.x * size), q.y / (2.1 * LATTICE.y * size));
    let noise = Noise(id);
    let edge = outline(e) + 0.05 * noise.fbm(e * 2.5, 2);
    if e.y < -0.1 || edge >= 1.0 {
        return None;
    }
    let keel = smooth(0.16, 0.0, e.x.abs()) * smooth(1.0, 0.6, e.y);
    let dome = 1.8 * (1.0 - edge.powf(5.0)).powf(0.6) + 2.6 * (1.0 - e.x * e.x);
    let grown = rings(noise, e, edge);
    let height =
        9.0 * e.y + dome + 1.5 * keel + 0.06 * grown + 0.2 * noise.fbm(q * 0.35, 3) + 0.5 * dice.bell();
    let colour = pigment(canvas, noise, &mut dice, p, e, edge) * (1.0 + 0.05 * grown);
    Some(Sample::matte(height, colour).glossy(0.5, 8.0))
}

/// 1 on the outline of a plate, less inside: straight sides, then a rounded point.
fn outline(e: V2) -> f32 {
    let y = ((e.y - 0.35) / 0.65).max(0.0);
    (e.x.abs().powf(1.9) + y.powf(1.9)).powf(1.0 / 1.9)
}

/// Fine ridges around the root.
fn rings(noise: Noise, e: V2, edge: f32) -> f32 {
    ((edge * 9.0 + e.y * 7.0 + 0.8 * noise.fbm(e * 3.0, 2)) * std::f32::consts::TAU * 0.5).sin()
}

fn pigment(canvas: &Canvas, noise: Noise, dice: &mut Dice, p: V2, e: V2, edge: f32) -> Rgb {
    let colours = [0x18231f, 0x22382f, 0x31503f, 0x4d6648, 0x77764a, 0x5e4b2b, 0x2c231a].map(hex);
    let pattern = 0.5 + 0.85 * canvas.noise(3).fbm(p * 0.022, 3) + 0.16 * dice.bell();
    let base = ramp(&colours, pattern) * dice.between(0.85, 1.2);
    let rim = smooth(0.72, 1.0, edge);
    let root = smooth(0.75, 0.3, e.y);
    let mottled = 1.0 + 0.16 * noise.fbm(e * 3.0, 4) + 0.22 * noise.fbm(p * 0.9, 2);
    base.mix(hex(0xb5ac80), 0.38 * rim).mix(hex(0x12140f), 0.7 * root) * mottled
}
