//! Heaps of things, as functions of the place: layers of a grid, one thing to a cell, the topmost that covers a place is
//! seen there (dead leaves, Matheron 1968). Pebbles, beans, leaves, coins, shards; grass, hair, straw, strokes.

use std::f32::consts::PI;

use super::palette::Palette;
use super::{Place, log_between, one_of, turn};
use crate::colour::Rgb;
use crate::geometry::{V2, v2};
use crate::noise::{Dice, Noise, hash, unit};

/// Outlines.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Ellipse,
    Box,
    Diamond,
    Lobed(f32),
    Capsule,
}

/// Layers of things that are alike.
#[derive(Debug, Clone)]
pub(super) struct Heap {
    seed: u32,
    shape: Shape,
    layers: i32,
    /// Half the width of the things of the topmost layer and of the lowest, in pixels.
    radius: [f32; 2],
    /// Length divided by width.
    aspect: f32,
    /// The common direction, and how far single ones are turned from it, in radians.
    angle: [f32; 2],
    /// How far a slow field turns them.
    flow: f32,
    palette: Palette,
    ground: Rgb,
    /// How much single ones differ in brightness.
    variety: f32,
    /// Brightness: towards the light, and lost at the rim.
    ball: f32,
    rim: f32,
    light: f32,
    /// Speckle.
    speckle: f32,
    /// Share of the radius that is empty, from the middle.
    hole: f32,
    /// Bend of capsules.
    bend: f32,
}

impl Heap {
    /// Pebbles and their like.
    pub(super) fn of_things(dice: &mut Dice) -> Self {
        let shape = match (dice.unit() * 6.0) as u32 {
            0..=2 => Shape::Ellipse,
            3 => Shape::Box,
            4 => Shape::Diamond,
            _ => Shape::Lobed(2.0 + (dice.unit() * 4.0).floor()),
        };
        let small = log_between(dice, 2.0, 9.0);
        let large = small * log_between(dice, 1.0, 3.0);
        Self {
            shape,
            layers: 9,
            radius: [small, large],
            aspect: if dice.one_in(2.0) { 1.0 } else { dice.between(1.2, 2.5) },
            angle: [turn(dice), one_of(dice, [0.0, 0.4, PI])],
            hole: if dice.one_in(7.0) { dice.between(0.4, 0.7) } else { 0.0 },
            ..Self::plain(dice)
        }
    }

    /// Strokes and their like.
    pub(super) fn of_strokes(dice: &mut Dice) -> Self {
        let width = log_between(dice, 0.8, 3.5);
        let length = log_between(dice, 8.0, 50.0).max(3.0 * width);
        Self {
            shape: Shape::Capsule,
            layers: 16,
            radius: [width, width * dice.between(1.0, 1.5)],
            aspect: length / (2.0 * width),
            angle: [turn(dice), one_of(dice, [0.15, 0.5, PI])],
            flow: if dice.one_in(2.0) { dice.between(0.5, 2.5) } else { 0.0 },
            bend: one_of(dice, [0.0, 0.01, 0.03]),
            ..Self::plain(dice)
        }
    }

    fn plain(dice: &mut Dice) -> Self {
        let chance = |dice: &mut Dice, from: f32, to: f32| {
            if dice.one_in(2.0) { dice.between(from, to) } else { 0.0 }
        };
        Self {
            seed: (dice.unit() * 1e9) as u32,
            shape: Shape::Ellipse,
            layers: 1,
            radius: [1.0; 2],
            aspect: 1.0,
            angle: [0.0; 2],
            flow: 0.0,
            palette: Palette::some(dice, 8),
            ground: Palette::new(dice, 1).first(),
            variety: dice.between(0.0, 0.3),
            ball: chance(dice, 0.3, 1.0),
            rim: chance(dice, 0.2, 0.9),
            light: turn(dice),
            speckle: chance(dice, 0.03, 0.15),
            hole: 0.0,
            bend: 0.0,
        }
    }

    pub(super) fn at(&self, p: V2) -> Place {
        let seen = (0..self.layers).find_map(|layer| self.seen(layer, p));
        seen.unwrap_or(Place { colour: self.ground, height: 0.0 })
    }

    /// What a layer shows.
    fn seen(&self, layer: i32, p: V2) -> Option<Place> {
        let t = layer as f32 / self.layers.max(2) as f32;
        let radius = self.radius[0] + t * (self.radius[1] - self.radius[0]);
        let reach = radius * self.aspect.max(1.0) * 1.3;
        // Layers do not line up.
        let q = v2(p.x + 37.7 * layer as f32, p.y + 91.3 * layer as f32) * (1.0 / reach);
        let (column, row) = (q.x.floor() as i32, q.y.floor() as i32);
        for i in 0..9 {
            let (x, y) = (column + i % 3 - 1, row + i / 3 - 1);
            let id = hash(self.seed.wrapping_add(layer as u32), x, y);
            let mut dice = Dice::new(id, 0);
            let site = v2(x as f32 + dice.unit(), y as f32 + dice.unit());
            let place = self.thing(&mut dice, (q - site) * reach, radius * (0.7 + 0.3 * dice_unit(id)), p);
            if place.is_some() {
                return place;
            }
        }
        None
    }

    /// What one thing of this radius shows at `d` pixels from its middle.
    fn thing(&self, dice: &mut Dice, d: V2, radius: f32, p: V2) -> Option<Place> {
        let mut angle = self.angle[0] + self.angle[1] * (dice.unit() - 0.5) * 2.0;
        if self.flow > 0.0 {
            angle += self.flow * Noise(self.seed ^ 0xF10).at((p - d) * (1.0 / 60.0)) * 2.0;
        }
        let local = d.turned(-angle);
        let local = v2(local.x, local.y + self.bend * local.x * local.x);
        let r = self.distance(local, radius);
        if r >= 1.0 || r < self.hole {
            return None;
        }
        let towards = v2(self.light.cos(), self.light.sin()).dot(d) / (radius * self.aspect);
        let ball = 1.0 - self.ball * (0.6 * towards + 0.3 * r * r);
        let rim = 1.0 - self.rim * ((r - 0.75) * 4.0).clamp(0.0, 1.0);
        let own = 1.0 + self.variety * dice.bell() * 2.0;
        let speckle = if self.speckle > 0.0 {
            1.0 + self.speckle * Noise(self.seed ^ 7).fbm(p * 0.4, 2) * 2.0
        } else {
            1.0
        };
        let colour = self.palette.pick(dice.unit()) * (own * ball * rim * speckle);
        Some(Place { colour, height: radius * (1.0 - r * r).max(0.0).sqrt() })
    }

    /// Distance from the middle, 1 at the outline.
    fn distance(&self, d: V2, radius: f32) -> f32 {
        let (u, v) = (d.x / (radius * self.aspect), d.y / radius);
        match self.shape {
            Shape::Ellipse => v2(u, v).length(),
            Shape::Box => u.abs().max(v.abs()),
            Shape::Diamond => (u.abs() + 0.5 * v.abs()).max(v.abs()),
            Shape::Lobed(lobes) => v2(u, v).length() * (1.0 + 0.3 * (lobes * v.atan2(u)).cos()) * 0.85,
            Shape::Capsule => {
                let beyond = (d.x.abs() - radius * (self.aspect - 1.0)).max(0.0);
                v2(beyond, d.y).length() / radius
            }
        }
    }
}

fn dice_unit(id: u32) -> f32 {
    unit(hash(id, 1, 1))
}
