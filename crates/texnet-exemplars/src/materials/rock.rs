//! Sheets without objects: marble, cracked mud, paint on rusty iron.

use crate::colour::{Rgb, hex, ramp};
use crate::geometry::{V2, mix, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Cells, Dice, Noise};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// Green marble, broken and healed with white veins.
pub(crate) fn marble(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| slab(canvas, p));
    Scene { surface, light: Light { exposure: 1.1, ..Light::default() } }
}

fn slab(canvas: &Canvas, p: V2) -> Sample {
    let noise = canvas.noise(0);
    let bent = noise.warped(noise.warped(p, 90.0, 22.0), 14.0, 2.6);
    // Squeezed along a direction, as rock is.
    let bent = bent.turned(0.6).stretched(1.0, 0.62);
    let (large, id) = healed(canvas.noise(1), bent, 62.0, 1.5);
    let (small, inner) = healed(Noise(canvas.key(2) ^ id), bent, 25.0, 0.75);
    let (hair, _) = healed(canvas.noise(3), noise.warped(bent, 20.0, 9.0), 15.0, 0.3);
    let white = large.max(0.85 * small).max(0.5 * hair);
    let body = fragment(canvas, id ^ inner, bent, p);
    let milk = hex(0xcfd0c2).mix(hex(0x7f9a88), (1.1 * noise.fbm(p * 0.09, 5) + 0.42).clamp(0.0, 1.0));
    let milk = milk * (1.0 + 0.10 * noise.fbm(p * 0.7, 2));
    Sample::matte(0.02 * noise.fbm(p * 0.5, 3), body.mix(milk, white)).glossy(0.05, 12.0)
}

/// Veins between the fragments of a broken rock, `width` pixels at their mean, closed over long stretches; and the
/// number of the fragment.
fn healed(noise: Noise, p: V2, size: f32, width: f32) -> (f32, u32) {
    let cell = Cells::random(noise.0).at(p * (1.0 / size));
    let swell = noise.fbm(p * (1.6 / size), 3);
    let width = width * (0.35 + 3.2 * swell).max(0.0);
    let soft = 0.6 + 0.8 * width;
    (smooth(width + soft, width - 0.3, cell.border * size) * smooth(0.0, 0.4, width), cell.id)
}

/// The dark body of one fragment: streaks of serpentine, grains.
fn fragment(canvas: &Canvas, id: u32, bent: V2, p: V2) -> Rgb {
    let colours = [0x0e1713, 0x1a2b23, 0x27443a, 0x3d6350, 0x6a8a74].map(hex);
    let mut dice = Dice::new(canvas.key(5), id);
    let noise = Noise(canvas.key(6) ^ id);
    let along = bent.turned(dice.between(0.0, 3.1)).stretched(0.1, 0.025);
    let streaks = noise.fbm(noise.warped(along, 1.0, 0.5), 5);
    let tone = 0.36 + 0.2 * dice.bell() + 0.55 * streaks + 0.14 * canvas.noise(7).fbm(p * 0.22, 4);
    let flecks = smooth(0.42, 0.7, canvas.noise(8).fbm(p * 0.3, 3));
    ramp(&colours, tone).mix(hex(0x8fa594), 0.4 * flecks) * (1.0 + 0.18 * canvas.noise(9).fbm(p * 0.9, 2))
}

/// Dried and cracked mud.
pub(crate) fn mud(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| crust(canvas, p));
    Scene {
        surface,
        light: Light { slope: 0.7, sun: 1.05, sky: 0.65, reach: 12.0, exposure: 1.1, ..Light::default() },
    }
}

/// Mean width of a plate of mud, in pixels.
const PLATE: f32 = 46.0;

fn crust(canvas: &Canvas, p: V2) -> Sample {
    let noise = canvas.noise(0);
    let bent = noise.warped(noise.warped(p, 40.0, 7.0), 9.0, 1.6);
    let plate = Cells::jittered(canvas.key(1), 0.9).at(bent * (1.0 / PLATE));
    let own = Noise(canvas.key(2).wrapping_add(plate.id));
    let shard = Cells::jittered(own.0, 0.95).at(bent * (1.9 / PLATE));
    let inside = plate.border * PLATE - 1.2 - 1.5 * noise.fbm(p * 0.025, 2) - 0.4 * noise.fbm(p * 0.4, 2);
    let fine = (shard.border * PLATE / 1.9 - 0.15 - 0.5 * (own.fbm(p * 0.07, 2) + 0.1)).max(0.0);
    let crack =
        smooth(0.9, 0.0, fine) * smooth(-0.1, 0.25, own.fbm(v2(1.7, plate.id as f32 * 0.37), 1) + 0.2);
    let curl = 3.0 * smooth(16.0, 1.5, inside) * (0.5 + 1.0 * own.fbm(p * 0.03, 2));
    let grain = 0.5 * own.fbm(p * 0.12, 3) + 0.35 * noise.fbm(p * 0.6, 3);
    let top = smooth(0.0, 1.8, inside).powf(0.6);
    let tilt = v2(Dice::new(own.0, 1).bell(), Dice::new(own.0, 2).bell()) * (0.05 * PLATE);
    let height = top * (8.0 + curl + tilt.dot(plate.from_site)) + grain - 2.2 * crack;
    let deep = (1.0 - top).max(0.8 * crack);
    Sample::matte(height, clay(canvas, own, p, inside).mix(hex(0x3a2d22), 0.75 * deep))
}

fn clay(canvas: &Canvas, own: Noise, p: V2, inside: f32) -> Rgb {
    let mut dice = Dice::new(own.0, 3);
    let noise = canvas.noise(5);
    let base = hex(0x9a8468).mix(hex(0xb39d80), dice.unit()).mix(hex(0x87705a), 0.5 * dice.unit());
    let damp = smooth(-0.2, 0.6, noise.fbm(p * 0.03, 4) + 0.2 * dice.bell());
    let rim = smooth(7.0, 0.0, inside);
    let sand =
        0.36 * (noise.white(p * 1.4) - 0.5) + 0.22 * noise.fbm(p * 0.5, 3) + 0.15 * own.fbm(p * 0.1, 3);
    base.mix(hex(0x6f5a47), 0.65 * damp).mix(hex(0xc4b195), 0.3 * rim) * (1.0 + sand)
}

/// Paint flaking from rusty iron.
pub(crate) fn rust(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| plate(canvas, p));
    Scene {
        surface,
        light: Light { slope: 0.7, sun: 1.05, sky: 0.68, reach: 8.0, exposure: 1.1, ..Light::default() },
    }
}

fn plate(canvas: &Canvas, p: V2) -> Sample {
    let noise = canvas.noise(0);
    let iron = oxide(canvas, p);
    let bent = noise.warped(p, 18.0, 5.0);
    // Paint holds where the noise is high; its edge is where it has lifted.
    let hold = noise.fbm(bent * 0.021, 4) + 0.05 * noise.fbm(p * 0.2, 2) + 0.06;
    let chips = smooth(0.30, 0.42, canvas.noise(1).fbm(p * 0.11, 3));
    let hold = hold - 0.5 * chips;
    if hold <= 0.0 {
        return stained(iron, canvas, p, hold);
    }
    let lift = 2.2 * smooth(0.16, 0.0, hold) * (0.4 + smooth(-0.3, 0.5, canvas.noise(2).fbm(p * 0.06, 2)));
    let blister = 1.3 * smooth(0.1, 0.6, canvas.noise(3).fbm(p * 0.05, 3));
    let height = 2.6 + lift + blister + 0.10 * noise.fbm(p * 0.5, 3) + 0.35 * noise.fbm(p * 0.08, 2);
    Sample::matte(height, coat(canvas, p, hold)).glossy(0.12, 5.0)
}

/// Bare iron: rust of several ages.
fn oxide(canvas: &Canvas, p: V2) -> Sample {
    let colours = [0x241712, 0x43251a, 0x6a3820, 0x8f5230, 0xb08052].map(hex);
    let noise = canvas.noise(4);
    let scab = noise.fbm(noise.warped(p, 10.0, 3.0) * 0.11, 5);
    let scale = 3.0 * canvas.noise(9).fbm(noise.warped(p, 9.0, 4.0) * 0.045, 3);
    let flakes = scale.floor() + smooth(0.0, 0.25, scale - scale.floor());
    let pit = smooth(0.25, 0.6, canvas.noise(5).fbm(p * 0.3, 3));
    let tone =
        0.40 + 0.45 * scab + 0.34 * noise.fbm(p * 0.5, 3) + 0.5 * noise.fbm(p * 0.035, 3) + 0.12 * flakes;
    let height = 1.1 * scab + 1.2 * flakes + 0.6 * noise.fbm(p * 0.5, 3) - 0.9 * pit;
    Sample::matte(height, ramp(&colours, tone) * (1.0 - 0.4 * pit)).glossy(0.03, 3.0)
}

/// Around the paint, primer and brighter dust.
fn stained(iron: Sample, canvas: &Canvas, p: V2, hold: f32) -> Sample {
    let primer = smooth(-0.09, -0.03, hold) * smooth(-0.1, 0.2, canvas.noise(8).fbm(p * 0.1, 3));
    let albedo = iron.albedo.mix(hex(0x8a7a6c), 0.6 * primer);
    Sample { albedo, height: iron.height + 0.5 * primer, ..iron }
}

/// The coat of paint: chalky, scratched, with rust running through near its edges.
fn coat(canvas: &Canvas, p: V2, hold: f32) -> Rgb {
    let noise = canvas.noise(6);
    let chalk = noise.fbm(p * 0.035, 4);
    let base = hex(0x4a7478).mix(hex(0x8aa09a), (0.5 + 0.8 * chalk).clamp(0.0, 1.0));
    let run = noise.fbm(v2(p.x * 0.12, p.y * 0.03), 4);
    let stain = smooth(0.22, 0.0, hold) * 0.6 + 0.55 * smooth(0.05, 0.55, run);
    let speck = smooth(0.5, 0.62, canvas.noise(7).fbm(p * 0.35, 2));
    let grain = 1.0 + 0.12 * noise.fbm(p * 0.7, 3) + 0.10 * (noise.white(p * 1.5) - 0.5);
    base.mix(hex(0x8a4f2a), mix(0.0, 0.8, stain.min(1.0))).mix(hex(0x5a2f1c), 0.7 * speck) * grain
}
