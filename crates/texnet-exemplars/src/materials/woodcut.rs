//! A woodcut: black ink on laid paper, fields of gouged lines.

use crate::colour::{Rgb, hex};
use crate::geometry::{V2, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Cells, Dice, Noise};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// A woodcut.
pub(crate) fn woodcut(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| print(canvas, p));
    Scene {
        surface,
        light: Light { slope: 0.5, sun: 0.6, sky: 1.0, reach: 2.0, exposure: 1.2, ..Light::default() },
    }
}

/// Size of a field of parallel lines, and distance between lines, in pixels.
const FIELD: f32 = 46.0;
const LINES: f32 = 7.0;

fn print(canvas: &Canvas, p: V2) -> Sample {
    let inked = smooth(-0.35, 0.35, ink(canvas, p) + 0.25 * canvas.noise(9).fbm(p * 0.55, 2));
    // Thin ink lets the grain of the block through.
    let grain = canvas.noise(8).fbm(v2(p.x * 0.04, p.y * 0.7), 3);
    let black = hex(0x17140f) * (1.0 + 0.5 * smooth(0.15, 0.6, grain));
    Sample::matte(-0.6 * inked, paper(canvas, p).mix(black, inked))
}

/// Laid paper, a little stained.
fn paper(canvas: &Canvas, p: V2) -> Rgb {
    let laid = (p.y * 1.9).sin() * 0.02;
    hex(0xe6d8b4)
        * (1.0 + laid + 0.06 * canvas.noise(7).fbm(p * 0.05, 3) + 0.05 * canvas.noise(6).fbm(p * 0.8, 2))
}

/// How many pixels a place lies within the ink; negative on the paper.
fn ink(canvas: &Canvas, p: V2) -> f32 {
    let bent = canvas.noise(0).warped(p, 90.0, 16.0);
    let field = Cells::random(canvas.key(1)).at(bent * (1.0 / FIELD));
    let mut dice = Dice::new(field.id, 1);
    // Lines turn with the field, swell, and taper where the gouge was lifted.
    let turned = canvas.noise(2).warped(p, 70.0, 10.0).turned(dice.between(0.0, std::f32::consts::PI));
    let spacing = LINES * dice.between(0.8, 1.25);
    let (line, across) = ((turned.y / spacing).floor(), (turned.y / spacing).rem_euclid(1.0) - 0.5);
    let tone = dice.between(0.26, 0.7);
    let swell = Noise(canvas.key(3)).at(v2(turned.x * 0.035, line * 3.7));
    let width = (tone + 0.42 * swell + 0.2 * canvas.noise(4).fbm(p * 0.03, 2)).clamp(-0.1, 1.1);
    let lines = (0.5 * width - across.abs()) * spacing;
    let outline = 1.6 - field.border * FIELD;
    lines.max(outline)
}
