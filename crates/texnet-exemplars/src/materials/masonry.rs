//! Laid stones: a wall of bricks, a street of cobbles.

use crate::colour::{Rgb, hex, pick, ramp};
use crate::geometry::{V2, mix, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Cells, Dice, Noise, hash};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// A wall in running bond.
pub(crate) fn bricks(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| wall(canvas, p));
    Scene { surface, light: Light { slope: 0.8, sun: 1.05, sky: 0.62, reach: 10.0, ..Light::default() } }
}

/// Length and height of a brick with its joints, in pixels.
const BRICK: V2 = v2(63.0, 24.0);
/// Width of a joint.
const JOINT: f32 = 3.6;

/// The brick around a place: its number and the place relative to its middle.
fn brick_at(canvas: &Canvas, p: V2) -> (u32, V2) {
    let level = canvas.noise(0).at(v2(p.x * 0.006, (p.y / BRICK.y).floor() * 9.1));
    let y = (p.y + 1.6 * level) / BRICK.y;
    let row = y.floor();
    let mut dice = Dice::new(canvas.key(1), row as i32 as u32);
    let x = p.x / BRICK.x + 0.5 * (row as i32).rem_euclid(2) as f32 + 0.07 * dice.bell();
    let id = hash(canvas.key(2), x.floor() as i32, row as i32);
    (id, v2((x - x.floor() - 0.5) * BRICK.x, (y - row - 0.5) * BRICK.y))
}

fn wall(canvas: &Canvas, p: V2) -> Sample {
    let (id, q) = brick_at(canvas, canvas.noise(3).warped(p, 9.0, 0.9));
    let mut dice = Dice::new(canvas.key(4), id);
    let noise = Noise(canvas.key(5).wrapping_add(id));
    let half = (BRICK - v2(JOINT, JOINT)) * 0.5 - v2(dice.between(-0.4, 1.2), dice.between(-0.4, 0.8));
    let q = (q - v2(dice.bell(), dice.bell() * 0.6)).turned(0.014 * dice.bell());
    let chips = 1.5 * smooth(0.15, 0.75, noise.fbm(p * 0.14, 4)) + 0.5 * noise.fbm(p * 0.35, 3);
    let inside = -rounded_box(q, half, 1.8) - chips;
    let set = dice.between(-0.5, 0.6);
    let clay = face(noise, &mut dice, p, q, inside, set);
    let joint = mortar(canvas, p);
    if clay.height > joint.height && inside > 0.0 { clay } else { joint }
}

/// Signed distance to a rectangle with round corners, negative inside.
fn rounded_box(q: V2, half: V2, radius: f32) -> f32 {
    let d = v2(q.x.abs() - half.x + radius, q.y.abs() - half.y + radius);
    v2(d.x.max(0.0), d.y.max(0.0)).length() + d.x.max(d.y).min(0.0) - radius
}

fn face(noise: Noise, dice: &mut Dice, p: V2, q: V2, inside: f32, set: f32) -> Sample {
    let pits = smooth(0.30, 0.75, noise.fbm(p * 0.28, 3));
    let furrows = noise.fbm(v2(p.x * 0.12, p.y * 0.4), 3);
    let relief = 0.45 * furrows - 1.3 * pits + 0.4 * noise.fbm(p * 0.6, 3);
    let edge = smooth(0.0, 2.6, inside).sqrt();
    let height = 3.2 * edge + set + relief * edge + 0.012 * dice.bell() * q.x;
    let colour = clay(noise, dice, p) * (1.0 - 0.45 * pits);
    let worn = smooth(3.5, 0.0, inside) * (0.5 + 0.5 * noise.fbm(p * 0.2, 2));
    Sample::matte(height, colour.mix(hex(0xb08a74), 0.4 * worn.max(0.0))).glossy(0.04, 4.0)
}

/// The colour of a brick: the clay of its batch, the fire it had, soot, salt, sand.
fn clay(noise: Noise, dice: &mut Dice, p: V2) -> Rgb {
    const CLAYS: [u32; 7] = [0x8f4a38, 0x9a5844, 0x7d4034, 0xa5674c, 0x6b3c36, 0xa87456, 0x5c4640];
    let base = pick(&CLAYS.map(hex), dice.unit()).mix(pick(&CLAYS.map(hex), dice.unit()), 0.35);
    let fired = hex(0x463a3a);
    let burnt = (0.45 * dice.bell() + 0.55 * noise.fbm(p * 0.05, 3)).clamp(0.0, 0.8);
    let salt = 0.35 * smooth(0.25, 0.8, noise.fbm(p * 0.07 + v2(40.0, 9.0), 4));
    let grain = 1.0 + 0.22 * noise.fbm(p * 0.5, 3) + 0.30 * (noise.white(p * 1.6) - 0.5);
    (base.saturated(0.88) * dice.between(0.85, 1.15)).mix(fired, burnt).mix(hex(0xb9aaa0), salt) * grain
}

fn mortar(canvas: &Canvas, p: V2) -> Sample {
    let noise = canvas.noise(6);
    let height = 0.9 + 0.7 * noise.fbm(p * 0.12, 2) + 0.4 * noise.fbm(p * 0.7, 3);
    let grain = 1.0 + 0.25 * noise.fbm(p * 0.9, 2) + 0.35 * (noise.white(p * 1.5) - 0.5);
    let dirt = smooth(-0.1, 0.7, noise.fbm(p * 0.04, 4));
    Sample::matte(height, hex(0xa9a193).mix(hex(0x6e675c), dirt) * grain)
}

/// Granite setts in sand.
pub(crate) fn cobbles(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| street(canvas, p));
    Scene { surface, light: Light { slope: 0.75, sun: 1.0, sky: 0.7, reach: 14.0, ..Light::default() } }
}

/// Spacing of the setts, in pixels.
const SETT: V2 = v2(40.0, 33.0);

fn street(canvas: &Canvas, p: V2) -> Sample {
    let bent = canvas.noise(0).warped(p, 70.0, 9.0);
    let q = v2(bent.x / SETT.x, bent.y / SETT.y);
    let cell = running_cell(canvas, q);
    let noise = Noise(canvas.key(2).wrapping_add(cell.id));
    let inside = cell.border - 2.2 - 1.3 * noise.fbm(p * 0.12, 3) - 0.3 * noise.fbm(p * 0.5, 2);
    let sand = joint_sand(canvas, p);
    let stone = sett(noise, p, cell.from_site, inside);
    if inside > 0.0 && stone.height > sand.height { stone } else { sand }
}

/// The sett at a place; `border` and `from_site` in pixels.
fn running_cell(canvas: &Canvas, q: V2) -> crate::noise::Cell {
    // Even jitter in unevenly stretched space: lengths come back by the mean of the two scales.
    let cell = Cells { seed: canvas.key(1), jitter: 0.34, stagger: 0.5 }.at(q);
    let scale = 0.5 * (SETT.x + SETT.y);
    crate::noise::Cell { from_site: cell.from_site * scale, border: cell.border * scale, id: cell.id }
}

fn sett(noise: Noise, p: V2, q: V2, inside: f32) -> Sample {
    let mut dice = Dice::new(noise.0, 1);
    let shoulder = 1.0 - (1.0 - (inside / 6.5).clamp(0.0, 1.0)).powf(2.4);
    let round = 0.62 * shoulder + 0.38 * (1.0 - (q.length() / 24.0).powi(2)).max(0.0) * shoulder;
    let tilt = v2(dice.bell(), dice.bell()) * 0.09;
    let split = 1.5 * noise.fbm(p * 0.07, 3) + 0.6 * noise.fbm(p * 0.25, 3) + 0.16 * noise.fbm(p * 0.9, 2);
    let height = 7.5 * round + tilt.dot(q) + dice.between(-0.6, 0.9) + split * round.sqrt();
    let polish = smooth(0.5, 0.95, round);
    Sample::matte(height, granite(noise, &mut dice, p, round)).glossy(0.08 + 0.1 * polish, 5.0)
}

fn granite(noise: Noise, dice: &mut Dice, p: V2, round: f32) -> Rgb {
    const GRANITES: [u32; 8] =
        [0x7c7d80, 0x8d8a86, 0x6c6e74, 0x9a948c, 0x8b7a70, 0x5f6167, 0x937d6e, 0xa29d97];
    let base = pick(&GRANITES.map(hex), dice.unit()) * dice.between(0.85, 1.15);
    let crystal = Cells::random(noise.0).at(p * 0.85).id;
    let tone = Dice::new(noise.0, crystal).bell();
    let cloud = 0.25 * noise.fbm(p * 0.06, 3) + 0.18 * noise.fbm(p * 0.3, 3);
    let dirt = smooth(0.6, 0.1, round) * 0.6;
    (base * (1.0 + 0.3 * tone + cloud)).mix(hex(0x5a5145), dirt)
}

fn joint_sand(canvas: &Canvas, p: V2) -> Sample {
    let noise = canvas.noise(4);
    let moss = smooth(0.05, 0.45, noise.fbm(p * 0.03, 3)) * smooth(-0.4, 0.3, noise.fbm(p * 0.35, 2));
    let grit = Cells::random(noise.0).at(p * 0.7);
    let tone = Dice::new(noise.0, grit.id).unit();
    let grain = smooth(0.0, 0.5, grit.border);
    let colours = [0x6e604c, 0x8f8068, 0x574b3d, 0xa3957c].map(hex);
    let height = 0.6 * noise.fbm(p * 0.1, 3) + 0.5 * grain + 1.1 * moss;
    let green = hex(0x4d5a2a).mix(hex(0x6d7a38), noise.fbm(p * 0.5, 2) + 0.5);
    Sample::matte(height, ramp(&colours, tone).mix(green, 0.85 * moss) * mix(0.75, 1.05, grain))
}
