//! Cells, courses and lattices.

use super::palette::Palette;
use super::{Place, log_between, one_of, turn};
use crate::colour::Rgb;
use crate::geometry::{V2, v2};
use crate::noise::{Cells, Dice, Noise, hash, unit};

/// What cells look like.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// Flat, with mortar.
    Mosaic,
    /// Rising to the middle, dark in the joints.
    Dome,
    /// A ramp over the distance from the site.
    Ramp,
}

/// A Voronoi diagram.
#[derive(Debug, Clone)]
pub(super) struct Mosaic {
    cells: Cells,
    look: Look,
    /// Side of the grid of sites, in pixels.
    size: f32,
    stretch: f32,
    angle: f32,
    joint: f32,
    variety: f32,
    palette: Palette,
    mortar: Rgb,
    grain: f32,
}

impl Mosaic {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let stagger = if dice.one_in(2.0) { 0.5 } else { 0.0 };
        let cells = Cells { seed: (dice.unit() * 1e9) as u32, jitter: dice.between(0.1, 1.0), stagger };
        Self {
            cells,
            look: one_of(dice, [Look::Mosaic, Look::Dome, Look::Ramp, Look::Dome]),
            size: log_between(dice, 6.0, 32.0),
            stretch: if dice.one_in(3.0) { dice.between(1.3, 2.2) } else { 1.0 },
            angle: turn(dice),
            joint: dice.between(0.03, 0.16),
            variety: dice.between(0.0, 0.3),
            palette: Palette::some(dice, 7),
            mortar: Palette::new(dice, 1).first(),
            grain: if dice.one_in(2.0) { 0.15 } else { 0.0 },
        }
    }

    pub(super) fn at(&self, p: V2) -> Place {
        let q = p.turned(self.angle).stretched(self.stretch / self.size, 1.0 / (self.stretch * self.size));
        let cell = self.cells.at(q);
        let own = 1.0 + self.variety * (2.0 * unit(hash(cell.id, 3, 3)) - 1.0) * 1.5;
        let grain = if self.grain > 0.0 { 1.0 + self.grain * Noise(5).fbm(p * 0.3, 3) } else { 1.0 };
        let colour = self.palette.pick(unit(hash(cell.id, 2, 2))) * (own * grain);
        // Rounding can put a place on its border a hair beyond it.
        let rise = (cell.border / (2.0 * self.joint)).clamp(0.0, 1.0);
        let dome = (1.0 - (1.0 - rise) * (1.0 - rise)).sqrt();
        match self.look {
            Look::Mosaic => {
                let inside = ((cell.border - self.joint) * self.size + 0.5).clamp(0.0, 1.0);
                Place { colour: self.mortar.mix(colour, inside), height: 2.0 * inside }
            }
            Look::Dome => Place { colour: colour * (0.3 + 0.7 * dome), height: 0.15 * self.size * dome },
            Look::Ramp => {
                let t = cell.from_site.length();
                Place { colour: self.palette.at(t, false), height: self.size * 0.2 * (1.0 - t) }
            }
        }
    }
}

/// Courses of bricks.
#[derive(Debug, Clone)]
pub(super) struct Wall {
    seed: u32,
    /// Height of a course and length of a brick, in pixels.
    size: [f32; 2],
    angle: f32,
    /// Share of a brick by which each course is shifted.
    offset: f32,
    /// How far courses slip at random.
    slip: f32,
    /// Half the width of a joint, in pixels.
    joint: f32,
    rough: f32,
    variety: f32,
    grain: f32,
    palette: Palette,
    mortar: Rgb,
}

impl Wall {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let height = log_between(dice, 6.0, 28.0);
        Self {
            seed: (dice.unit() * 1e9) as u32,
            size: [height, height * dice.between(1.0, 3.5)],
            angle: if dice.one_in(4.0) { turn(dice) } else { 0.0 },
            offset: one_of(dice, [0.0, 0.5, 0.33]),
            slip: if dice.one_in(2.0) { 0.25 } else { 0.0 },
            joint: dice.between(0.5, 2.5).min(0.2 * height),
            rough: one_of(dice, [0.0, 0.6, 1.5]),
            variety: dice.between(0.0, 0.3),
            grain: dice.between(0.0, 0.4),
            palette: Palette::some(dice, 5),
            mortar: Palette::new(dice, 1).first(),
        }
    }

    pub(super) fn at(&self, p: V2) -> Place {
        let p = if self.rough > 0.0 { Noise(self.seed).warped(p, 9.0, 2.0 * self.rough) } else { p };
        let q = p.turned(-self.angle);
        let [height, width] = self.size;
        let row = (q.y / height).floor();
        let slip = self.slip * unit(hash(self.seed, row as i32, 77));
        let along = q.x / width + self.offset * row + slip;
        let column = along.floor();
        let (u, v) = ((along - column) * width, q.y - row * height);
        let edge = v.min(height - v).min(u).min(width - u);
        let id = hash(self.seed, row as i32, column as i32);
        let own = 1.0 + self.variety * (3.0 * unit(hash(id, 1, 0)) - 1.5);
        let grain = 1.0 + self.grain * Noise(self.seed ^ 3).fbm(p * 0.25, 3);
        let inside = (edge - self.joint + 0.5).clamp(0.0, 1.0);
        let colour = self.palette.pick(unit(hash(id, 2, 0))) * (own * grain);
        Place { colour: self.mortar.mix(colour, inside), height: (edge - self.joint).clamp(0.0, 4.0) }
    }
}

/// Dots on a lattice.
#[derive(Debug, Clone)]
pub(super) struct Dots {
    seed: u32,
    size: f32,
    angle: f32,
    /// Of the outline `|u|^power + |v|^power = 1`.
    power: f32,
    radius: f32,
    /// Share of the places that are taken.
    taken: f32,
    jitter: f32,
    shaded: bool,
    palette: Palette,
    ground: Palette,
}

impl Dots {
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self {
            seed: (dice.unit() * 1e9) as u32,
            size: log_between(dice, 6.0, 28.0),
            angle: turn(dice),
            power: one_of(dice, [0.7, 1.0, 2.0, 8.0]),
            radius: dice.between(0.2, 0.48),
            taken: if dice.one_in(2.0) { 1.0 } else { 0.7 },
            jitter: if dice.one_in(2.0) { 0.0 } else { dice.between(0.05, 0.3) },
            shaded: dice.one_in(2.0),
            palette: Palette::some(dice, 4),
            ground: Palette::new(dice, 2),
        }
    }

    pub(super) fn at(&self, p: V2) -> Place {
        let q = p.turned(self.angle) * (1.0 / self.size);
        let id = hash(self.seed, q.x.floor() as i32, q.y.floor() as i32);
        let moved = |n: i32| 0.5 + self.jitter * (unit(hash(id, n, 9)) - 0.5);
        let d = v2(q.x - q.x.floor() - moved(1), q.y - q.y.floor() - moved(2));
        let r =
            (d.x.abs().powf(self.power) + d.y.abs().powf(self.power)).powf(1.0 / self.power) / self.radius;
        let there = if unit(hash(id, 3, 9)) < self.taken { 1.0 } else { 0.0 };
        let inside = there * ((1.0 - r) * self.radius * self.size).clamp(0.0, 1.0);
        let ground = self.ground.at(0.5 + 0.5 * Noise(self.seed).fbm(p * 0.03, 2), false);
        let shade = if self.shaded { 1.0 - 0.6 * r.min(1.0) } else { 1.0 };
        let colour = ground.mix(self.palette.pick(unit(hash(id, 4, 9))) * shade, inside);
        Place { colour, height: inside * self.size * 0.2 }
    }
}
