//! Stained glass: panes of many colours between strips of lead.

use crate::colour::{Rgb, hex, pick, ramp};
use crate::geometry::{V2, arch, smooth};
use crate::materials::Scene;
use crate::noise::{Cell, Cells, Dice};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// Stained glass.
pub(crate) fn glass(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| window(canvas, p));
    Scene {
        surface,
        light: Light { slope: 0.6, sun: 0.75, sky: 0.9, reach: 4.0, exposure: 1.25, ..Light::default() },
    }
}

/// Distance between panes, in pixels.
const PANE: f32 = 30.0;
/// Half the width of a strip of lead, in pixels.
const LEAD: f32 = 2.2;

fn window(canvas: &Canvas, p: V2) -> Sample {
    let bent = canvas.noise(0).warped(p, 60.0, 9.0);
    let cell = Cells::random(canvas.key(1)).at(bent * (1.0 / PANE));
    let border = cell.border * PANE;
    if border < LEAD { lead(canvas, p, border) } else { pane(canvas, p, &cell, border) }
}

/// A round strip, darker where it meets the glass.
fn lead(canvas: &Canvas, p: V2, border: f32) -> Sample {
    let round = arch(border / LEAD);
    let worn = 1.0 + 0.35 * canvas.noise(2).fbm(p * 0.3, 3);
    Sample::matte(2.5 * round, hex(0x24262b) * (0.45 + 0.75 * round) * worn).glossy(0.35, 6.0)
}

/// Glass with the light behind it: streaks from the blowing, a few bubbles, dirt along the lead.
fn pane(canvas: &Canvas, p: V2, cell: &Cell, border: f32) -> Sample {
    let mut dice = Dice::new(cell.id, 1);
    let site = p - cell.from_site * PANE;
    let colour = tint(canvas, &mut dice, site);
    let along = p.turned(dice.between(0.0, 3.1));
    let streaks = canvas.noise(5).fbm(along.stretched(0.03, 0.22), 3);
    let cloud = canvas.noise(6).fbm(p * 0.06, 2);
    let dirt = smooth(LEAD, LEAD + 5.0, border);
    let bubble = smooth(0.62, 0.8, canvas.noise(7).at(p * 0.35));
    let brightness = (1.0 + 0.28 * streaks + 0.2 * cloud + 0.25 * bubble) * (0.55 + 0.45 * dirt);
    let clear = colour.mix(Rgb::grey(0.9), 0.16 * smooth(0.1, 0.7, streaks));
    Sample::matte(0.25 * streaks + 0.5 * bubble, clear * brightness).glossy(0.25, 12.0)
}

/// Neighbours are alike, with some that are not.
fn tint(canvas: &Canvas, dice: &mut Dice, site: V2) -> Rgb {
    if dice.one_in(6.0) {
        return pick(&ACCENTS.map(hex), dice.unit());
    }
    let place = 0.5 + 1.1 * canvas.noise(3).fbm(site * 0.012, 2) + 0.22 * dice.bell();
    ramp(&COLOURS.map(hex), place) * dice.between(0.75, 1.2)
}

const COLOURS: [u32; 7] = [0x123a8c, 0x1f6fc0, 0x2a9d8f, 0x4c9a3f, 0xe2b02c, 0xd9601f, 0xa8182b];
const ACCENTS: [u32; 4] = [0xe9e2c4, 0x6a2c86, 0xb9122f, 0x0f2a66];
