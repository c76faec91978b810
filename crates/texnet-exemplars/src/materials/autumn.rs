//! Fallen leaves of a maple, dry and curled.

use crate::colour::{Rgb, hex, pick};
use crate::geometry::{V2, smooth, v2};
use crate::materials::{Scene, plants};
use crate::noise::{Dice, Noise};
use crate::objects::{Object, strew};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// Fallen leaves of a maple.
pub(crate) fn autumn(canvas: &Canvas) -> Scene {
    let mut surface = Surface::from_fn(canvas, |p| plants::soil(canvas, p));
    let leaves: Vec<Object> =
        strew(canvas.key(0), 36.0, 7).into_iter().rev().map(|o| fallen(canvas, o)).collect();
    surface.cover(&leaves, |leaf, p| leaf_sample(canvas, leaf, p));
    Scene { surface, light: Light { sun: 1.15, sky: 0.62, reach: 22.0, exposure: 1.2, ..Light::default() } }
}

fn fallen(canvas: &Canvas, leaf: Object) -> Object {
    let radius = Dice::new(canvas.key(1), leaf.id).between(21.0, 33.0);
    Object { radius, aspect: 1.0, z: 2.0 + 34.0 * leaf.z, ..leaf }
}

/// Direction and length of the lobes, from the foot of the blade.
const LOBES: [(f32, f32); 5] = [(0.0, 1.42), (0.82, 1.15), (-0.82, 1.15), (1.75, 0.72), (-1.75, 0.72)];
/// The foot of the blade, left of the middle of the leaf.
const FOOT: f32 = -0.45;

/// A place in one lobe.
struct Lobe {
    /// How deep inside the outline, as a part of the leaf's radius; negative outside.
    inside: f32,
    /// How much of a vein is there, in `[0, 1]`.
    vein: f32,
}

/// The lobe around direction `turn` at `e`, a place relative to the foot in units of the leaf's radius.
fn lobe(noise: Noise, e: V2, turn: f32, length: f32) -> Lobe {
    let e = e.turned(-turn);
    let (t, off) = (e.x / length, e.y.abs());
    let teeth = (t * 4.3 + 0.4 * noise.at(v2(turn * 3.0, e.y.signum()))).fract().abs();
    let body = 0.36 * (4.0 * t * (1.0 - t)).max(0.0).powf(0.75) * (1.15 - 0.5 * t);
    let width = length * body * (0.72 + 0.45 * teeth) * smooth(1.0, 0.9, t);
    let middle = smooth(0.035, 0.01, off) * smooth(1.0, 0.8, t);
    let branch = (t - 0.8 * off / length) * 6.5;
    let branch = smooth(0.42, 0.5, (branch - branch.floor() - 0.5).abs()) * smooth(0.3, 0.05, off) * 0.6;
    Lobe { inside: if t > 0.0 { width - off } else { -1.0 }, vein: middle.max(branch) }
}

fn leaf_sample(canvas: &Canvas, leaf: &Object, p: V2) -> Option<Sample> {
    let noise = Noise(canvas.key(2).wrapping_add(leaf.id));
    let q = noise.warped(leaf.local(p), 20.0, 2.0);
    let e = q * (1.0 / leaf.radius) - v2(FOOT, 0.0);
    let lobes = LOBES.map(|(turn, length)| lobe(noise, e, turn, length));
    let inside = lobes.iter().map(|l| l.inside).fold(0.2 - e.length(), f32::max);
    let stalk = e.x < 0.05 && e.x > -0.75 && (e.y - 0.14 * e.x * (e.x + 0.4)).abs() < 0.028;
    if inside <= 0.0 && !stalk {
        return None;
    }
    let best = lobes.iter().max_by(|a, b| a.inside.total_cmp(&b.inside));
    let vein = if stalk { 1.0 } else { best.map_or(0.0, |l| l.vein) };
    let height = leaf.z + curled(noise, leaf, q, e) + 0.5 * vein;
    let colour = withered(noise, q, inside).mix(hex(0xb08a50), 0.4 * vein);
    Some(Sample::matte(height, colour).glossy(0.16, 5.0))
}

/// How a dry leaf leaves its plane.
fn curled(noise: Noise, leaf: &Object, q: V2, e: V2) -> f32 {
    let mut dice = Dice::new(noise.0, 1);
    let tilt = v2(dice.bell(), dice.bell()) * 0.25;
    let curl = dice.between(-0.004, 0.012) * q.dot(q);
    let fold = dice.between(0.0, 0.3) * q.y.abs();
    let pleats = 1.1 * (e.y.atan2(e.x.max(0.01)) * 7.0).cos() * e.length();
    tilt.dot(q)
        + curl
        + fold
        + pleats
        + 2.4 * noise.fbm(q * (2.0 / leaf.radius), 3)
        + 0.12 * noise.fbm(q * 0.7, 2)
}

fn withered(noise: Noise, q: V2, inside: f32) -> Rgb {
    const COLOURS: [u32; 9] =
        [0xa5401f, 0xb5622a, 0xc08a38, 0x8a2f22, 0x9a6a3a, 0x7a4a2a, 0xc2772f, 0x6a3324, 0xb59a4a];
    let mut dice = Dice::new(noise.0, 2);
    let base = pick(&COLOURS.map(hex), dice.unit()) * dice.between(0.8, 1.15);
    let second = pick(&COLOURS.map(hex), dice.unit());
    let turned = smooth(-0.1, 0.5, noise.fbm(q * 0.07, 4) + dice.between(-0.4, 0.4));
    let dry = smooth(0.12, 0.0, inside + 0.1 * noise.fbm(q * 0.15, 3));
    let spots = smooth(0.5, 0.65, noise.fbm(q * 0.22, 3));
    let blotch = 1.0 + 0.3 * noise.fbm(q * 0.13, 3) + 0.16 * noise.fbm(q * 0.7, 2);
    base.mix(second, 0.8 * turned).mix(hex(0x5a3a24), 0.6 * dry).mix(hex(0x38241a), 0.7 * spots) * blotch
}
