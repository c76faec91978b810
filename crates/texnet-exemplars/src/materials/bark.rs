//! The bark of an oak: upright ridges that part and meet, with fissures between.

use crate::colour::{Rgb, hex};
use crate::geometry::{V2, mix, smooth, soft_min, v2};
use crate::materials::Scene;
use crate::noise::Noise;
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// The bark of an oak.
pub(crate) fn bark(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| rind(canvas, p));
    let light = Light { azimuth: -2.7, slope: 0.8, sun: 1.1, sky: 0.62, reach: 20.0, ..Light::default() };
    Scene { surface, light: Light { exposure: 1.25, ..light } }
}

/// Distance from the middle of a fissure, about in pixels: fissures are where a noise stretched along the trunk is
/// zero, and its slope turns its values into distances.
fn fissure(noise: Noise, p: V2, size: V2) -> f32 {
    let at = |dx: f32, dy: f32| noise.fbm(v2((p.x + dx) / size.x, (p.y + dy) / size.y), 3);
    let value = at(0.0, 0.0);
    let slope = v2(at(0.5, 0.0) - value, at(0.0, 0.5) - value).length() * 2.0;
    value.abs() / (slope + 0.25 / size.x)
}

fn rind(canvas: &Canvas, p: V2) -> Sample {
    let noise = canvas.noise(0);
    let bent = noise.warped(noise.warped(p, 60.0, 9.0), 12.0, 1.8);
    let long = fissure(canvas.noise(1), bent, v2(33.0, 190.0));
    let short = fissure(canvas.noise(2), bent, v2(30.0, 120.0)) + 0.8;
    let across = fissure(canvas.noise(3), v2(bent.y, bent.x), v2(46.0, 40.0)) + 1.9;
    let apart = soft_min(soft_min(long, short, 3.0), across, 2.0);
    let ragged = 1.5 * noise.fbm(v2(p.x * 0.3, p.y * 0.16), 4);
    let ridge = 1.0 - (-(apart + ragged - 0.8).max(0.0) / 2.3).exp();
    let (relief, crack) = weathered(canvas, p);
    let swell = 2.2 * canvas.noise(4).fbm(v2(p.x * 0.045, p.y * 0.02), 2);
    let height = 11.0 * ridge + (relief + swell) * mix(0.3, 1.0, ridge);
    Sample::matte(height, tint(canvas, p, ridge) * (1.0 - 0.45 * crack * ridge)).glossy(0.03, 4.0)
}

/// What weather did to the ridges: grooves along the trunk, cracks across, flakes, grain; and how deep in a crack.
fn weathered(canvas: &Canvas, p: V2) -> (f32, f32) {
    let noise = canvas.noise(5);
    let q = noise.warped(p, 10.0, 2.5);
    let grooves = noise.ridged(v2(q.x * 0.2, q.y * 0.04), 4);
    let across = canvas.noise(6).fbm(v2(q.x * 0.06, q.y * 0.11), 3);
    let crack = smooth(0.07, 0.0, across.abs()) * smooth(-0.1, 0.3, canvas.noise(7).fbm(p * 0.05, 2));
    // Flakes break off in steps.
    let layers = 4.0 * noise.fbm(v2(q.x * 0.10, q.y * 0.05), 3);
    let flakes = layers.floor() + smooth(0.0, 0.2, layers - layers.floor());
    (1.7 * grooves + 0.9 * flakes - 1.4 * crack + 0.4 * noise.fbm(p * 0.6, 3), crack)
}

fn tint(canvas: &Canvas, p: V2, ridge: f32) -> Rgb {
    let noise = canvas.noise(8);
    let tone = noise.fbm(v2(p.x * 0.06, p.y * 0.02), 4);
    let grey = hex(0x6f655b).mix(hex(0x9a8d7f), (0.5 + 0.8 * tone).clamp(0.0, 1.0));
    let brown = smooth(0.05, 0.5, canvas.noise(9).fbm(v2(p.x * 0.08, p.y * 0.03), 3));
    let fibres = noise.fbm(v2(p.x * 0.55, p.y * 0.13), 3);
    let grain = 1.0 + 0.34 * fibres + 0.2 * noise.fbm(p * 1.0, 2);
    let patch = canvas.noise(10).fbm(p * 0.03, 4) + 0.5 * canvas.noise(11).fbm(p * 0.3, 3);
    let lichen = smooth(0.15, 0.5, patch) * smooth(0.5, 0.95, ridge);
    let green = hex(0x7d8468).mix(hex(0xa3a890), canvas.noise(12).fbm(p * 0.4, 2) + 0.5);
    let deep = hex(0x3a2c22);
    deep.mix(grey.mix(hex(0x5f4a3a), 0.7 * brown), smooth(0.25, 0.85, ridge)).mix(green, 0.6 * lichen) * grain
}
