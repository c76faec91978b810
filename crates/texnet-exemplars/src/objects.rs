//! Where objects lie: piles in which everything rests on what was there before, and even scatters.
//!
//! Layouts cover the whole picture whatever window is painted, so that windows of one picture agree.

use crate::geometry::{V2, v2};
use crate::noise::Dice;
use crate::surface::Sample;

/// Objects are laid out on `[-BORDER, SIZE + BORDER]` squared.
pub(crate) const BORDER: f32 = 64.0;
/// Side of a finished picture, in pixels.
pub(crate) const SIZE: f32 = 384.0;

/// An object: an ellipsoid on whose shape and look the material enlarges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object {
    /// Tells the object from its siblings.
    pub(crate) id: u32,
    /// The middle.
    pub(crate) at: V2,
    /// The longer half-axis, in pixels.
    pub(crate) radius: f32,
    /// The shorter half-axis divided by the longer one.
    pub(crate) aspect: f32,
    /// Of the longer axis, in radians.
    pub(crate) angle: f32,
    /// The half-axis across the picture, in pixels.
    pub(crate) thickness: f32,
    /// Height of the middle, in pixels.
    pub(crate) z: f32,
}

impl Object {
    /// `p` in the object's own axes, in pixels from its middle.
    pub(crate) fn local(&self, p: V2) -> V2 {
        (p - self.at).turned(-self.angle)
    }

    /// Whether what lies there already is higher than an object that rises `rise` pixels above its middle.
    pub(crate) fn is_under(&self, below: &Sample, rise: f32) -> bool {
        self.z + rise <= below.height
    }

    /// The distance from the middle to the outline towards `direction`.
    fn extent(&self, direction: V2) -> f32 {
        let d = direction.turned(-self.angle);
        let d = d * (1.0 / d.length().max(1e-6));
        self.radius / v2(d.x, d.y / self.aspect).length()
    }

    /// The lowest `z` at which `self` does not dip into `other`, if they overlap in the plane.
    fn rest_on(&self, other: &Self) -> Option<f32> {
        let apart = self.at - other.at;
        let reach = self.radius + other.radius;
        if apart.x.abs() >= reach || apart.y.abs() >= reach {
            return None;
        }
        let t = apart.length() / (self.extent(apart) + other.extent(apart));
        (t < 1.0).then(|| other.z + (self.thickness + other.thickness) * (1.0 - t * t).sqrt())
    }
}

/// How a pile is heaped up; ranges are `[from, to]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pile {
    pub(crate) seed: u32,
    /// How many times the objects cover the ground.
    pub(crate) layers: f32,
    /// Longer half-axis, in pixels.
    pub(crate) radius: [f32; 2],
    /// Above 1, small objects are more frequent than large ones.
    pub(crate) skew: f32,
    /// Shorter half-axis divided by the longer one.
    pub(crate) aspect: [f32; 2],
    /// Half-axis across the picture divided by the longer one.
    pub(crate) thickness: [f32; 2],
    /// Places that an object tries before it comes to rest in the lowest.
    pub(crate) tries: u32,
}

impl Pile {
    /// The objects, from the highest to the lowest: most of what lies deep is then known to be hidden at once.
    pub(crate) fn heap(&self) -> Vec<Object> {
        let side = SIZE + 2.0 * BORDER;
        let (mut objects, mut covered) = (Vec::<Object>::new(), 0.0);
        while covered < self.layers * side * side {
            let id = objects.len() as u32;
            let object = self.drop(&mut Dice::new(self.seed, id), id, &objects);
            covered += std::f32::consts::PI * object.radius * object.radius * object.aspect;
            objects.push(object);
        }
        objects.sort_by(|a, b| b.z.total_cmp(&a.z));
        objects
    }

    /// One more object, at the lowest of a few random places.
    fn drop(&self, dice: &mut Dice, id: u32, lying: &[Object]) -> Object {
        let shape = self.shape(dice, id);
        let mut best = Object { z: f32::MAX, ..shape };
        for _ in 0..self.tries {
            let at = place(dice);
            let candidate = Object { at, ..shape };
            let z = lying.iter().filter_map(|o| candidate.rest_on(o)).fold(shape.thickness, f32::max);
            if z < best.z {
                best = Object { z, ..candidate };
            }
        }
        best
    }

    fn shape(&self, dice: &mut Dice, id: u32) -> Object {
        let size = dice.unit().powf(self.skew);
        let radius = self.radius[0] + size * (self.radius[1] - self.radius[0]);
        let aspect = dice.between(self.aspect[0], self.aspect[1]);
        let thickness = radius * dice.between(self.thickness[0], self.thickness[1]);
        let angle = dice.between(0.0, std::f32::consts::TAU);
        Object { id, at: v2(0.0, 0.0), radius, aspect, angle, thickness, z: 0.0 }
    }
}

/// A random place of the layout.
fn place(dice: &mut Dice) -> V2 {
    let mut along = || dice.between(-BORDER, SIZE + BORDER);
    v2(along(), along())
}

/// `layers` objects in every square of `spacing`, at random places in it, in random order.
pub(crate) fn strew(seed: u32, spacing: f32, layers: u32) -> Vec<Object> {
    let side = ((SIZE + 2.0 * BORDER) / spacing).ceil() as u32;
    let mut objects: Vec<Object> = (0..side * side * layers)
        .map(|id| {
            let mut dice = Dice::new(seed, id);
            let cell = v2((id % side) as f32, (id / side % side) as f32);
            let at = (cell + v2(dice.unit(), dice.unit())) * spacing - v2(BORDER, BORDER);
            let angle = dice.between(0.0, std::f32::consts::TAU);
            Object { id, at, radius: spacing, aspect: 1.0, angle, thickness: 1.0, z: dice.unit() }
        })
        .collect();
    objects.sort_by(|a, b| a.z.total_cmp(&b.z));
    objects
}
