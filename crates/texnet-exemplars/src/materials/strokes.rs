//! Oil paint: strokes of a bristle brush, wet over dry.

use crate::colour::{Rgb, hex, pick, ramp};
use crate::geometry::{V2, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Dice, Noise};
use crate::objects::{Object, strew};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// Oil paint.
pub(crate) fn strokes(canvas: &Canvas) -> Scene {
    let mut surface = Surface::from_fn(canvas, |p| primer(canvas, p));
    let strokes: Vec<Object> = strew(canvas.key(0), 15.0, 5).into_iter().map(|o| drawn(canvas, o)).collect();
    surface.lay(&strokes, |stroke, p, below| stroke_sample(canvas, stroke, p, below));
    Scene {
        surface,
        light: Light { slope: 1.0, sun: 0.95, sky: 0.72, reach: 6.0, exposure: 1.1, ..Light::default() },
    }
}

/// Primed canvas.
fn primer(canvas: &Canvas, p: V2) -> Sample {
    let weave = (p.x * 2.1).sin() * (p.y * 2.1).sin();
    Sample::matte(0.3 * weave, hex(0x8a7a5c) * (1.0 + 0.2 * canvas.noise(90).fbm(p * 0.2, 3)))
}

/// A stroke follows a slowly turning direction.
fn drawn(canvas: &Canvas, stroke: Object) -> Object {
    let mut dice = Dice::new(canvas.key(1), stroke.id);
    let angle = 2.4 * canvas.noise(2).at(stroke.at * 0.011) + 0.22 * dice.bell();
    Object { angle, radius: dice.between(17.0, 36.0), aspect: dice.between(0.18, 0.32), ..stroke }
}

fn stroke_sample(canvas: &Canvas, stroke: &Object, p: V2, below: &Sample) -> Option<Sample> {
    let noise = Noise(canvas.key(3).wrapping_add(stroke.id));
    let mut dice = Dice::new(noise.0, 1);
    let q = stroke.local(p);
    let y = q.y - 0.012 * dice.bell() * q.x * q.x;
    let s = q.x / stroke.radius;
    if s.abs() > 1.15 {
        return None;
    }
    let side = y / (stroke.radius * stroke.aspect);
    let bristle = noise.fbm(v2(y * 0.5, q.x * 0.016), 2);
    let end = s.abs() + 0.22 * noise.fbm(v2(y * 0.5, s.signum() * 5.0), 2) + 0.12 * side * side;
    let dry = smooth(0.5, 1.0, s) * smooth(0.1, 0.5, -bristle);
    if end >= 0.95 || side.abs() + 0.10 * noise.at(v2(q.x * 0.1, side.signum() * 4.0)) >= 0.95 || dry > 0.55 {
        return None;
    }
    let ridge = smooth(0.6, 0.9, side.abs()) * 0.9 + smooth(0.75, 0.95, end) * smooth(0.0, 1.0, s) * 1.2;
    let load = 0.9 * smooth(0.95, 0.8, end.max(side.abs()));
    let height = 0.4 * below.height + load + 0.6 * bristle + ridge + 0.07 * noise.fbm(p * 0.9, 2);
    Some(Sample::matte(height, paint(canvas, noise, stroke, v2(q.x, y), bristle)).glossy(0.3, 9.0))
}

/// The paint on the brush: two colours not quite mixed.
fn paint(canvas: &Canvas, noise: Noise, stroke: &Object, q: V2, bristle: f32) -> Rgb {
    let place = 0.48 + 1.0 * canvas.noise(5).fbm(stroke.at * 0.016, 2);
    let mut dice = Dice::new(noise.0, 2);
    let first = ramp(&PALETTE.map(hex), place + 0.14 * dice.bell());
    let second = if dice.one_in(12.0) { pick(&ACCENTS.map(hex), dice.unit()) } else { first };
    let first = first.mix(second, 0.7) * dice.between(0.8, 1.25);
    let other = ramp(&PALETTE.map(hex), place + 0.25 * dice.bell());
    let blend = smooth(-0.25, 0.55, noise.fbm(v2(q.y * 0.55 + 20.0, q.x * 0.012), 3));
    first.mix(other, 0.65 * blend) * (1.0 + 0.18 * bristle)
}

const PALETTE: [u32; 8] = [0x18233f, 0x2a4470, 0x4a7896, 0x7c9c9a, 0xbfb692, 0xc09a4a, 0x7d6a34, 0x3c4c30];
const ACCENTS: [u32; 4] = [0xdcd6c6, 0xa5583a, 0x5a4a6a, 0xd0a050];
