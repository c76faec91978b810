//! The surface before it is lit: a grid of samples, three to a pixel's side, with a margin for light from outside.

use std::ops::Range;

use rayon::prelude::*;
use texnet_infer::Window;

use crate::colour::Rgb;
use crate::geometry::{V2, v2};
use crate::noise::Noise;
use crate::objects::Object;

/// Samples along one side of a pixel.
pub(crate) const SAMPLES: usize = 3;
/// Pixels around the window in which the surface is known: no light and no shadow comes from further away.
pub(crate) const MARGIN: usize = 28;

/// What is at one place of the surface.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Height above an arbitrary ground, in pixels.
    pub(crate) height: f32,
    /// Reflectance in linear light.
    pub(crate) albedo: Rgb,
    /// Strength of the reflection of the sun: 0 for dust, 1 for varnish.
    pub(crate) gloss: f32,
    /// Exponent of that reflection: 5 for a broad sheen, 80 for a small highlight.
    pub(crate) polish: f32,
}

impl Sample {
    /// A sample without any gloss.
    pub(crate) fn matte(height: f32, albedo: Rgb) -> Self {
        Self { height, albedo, gloss: 0.0, polish: 10.0 }
    }

    /// The same with a reflection of the sun.
    pub(crate) fn glossy(self, gloss: f32, polish: f32) -> Self {
        Self { gloss, polish, ..self }
    }
}

/// The part of the plane to be painted, and the seed of all its randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canvas {
    pub(crate) window: Window,
    pub(crate) seed: u32,
}

impl Canvas {
    /// The `index`-th noise of this picture.
    pub(crate) fn noise(&self, index: u32) -> Noise {
        Noise(self.key(index))
    }

    /// The `index`-th seed of this picture.
    pub(crate) fn key(&self, index: u32) -> u32 {
        crate::noise::hash(self.seed, index as i32, 0x7E57)
    }

    /// Samples in a row.
    pub(crate) fn columns(&self) -> usize {
        (self.window.width + 2 * MARGIN) * SAMPLES
    }

    /// Rows of samples.
    pub(crate) fn rows(&self) -> usize {
        (self.window.height + 2 * MARGIN) * SAMPLES
    }

    /// The middle of a sample, in pixels of the plane.
    pub(crate) fn place(&self, row: usize, column: usize) -> V2 {
        // Counted from the origin of the plane, so that every window rounds alike.
        let along = |i: usize, origin: i64| {
            let sample = (origin - MARGIN as i64) * SAMPLES as i64 + i as i64;
            (sample as f32 + 0.5) / SAMPLES as f32
        };
        v2(along(column, self.window.x), along(row, self.window.y))
    }

    /// The samples of a row that lie in a rectangle.
    fn columns_of(&self, outline: &Rectangle, row: usize) -> Range<usize> {
        let down = self.place(row, 0).y - outline.middle.y;
        if down.abs() > outline.half.x + outline.half.y {
            return 0..0;
        }
        let axis = V2::unit(outline.angle);
        let along = interval(down * axis.y, axis.x, outline.half.x);
        let across = interval(down * axis.x, -axis.y, outline.half.y);
        let index = |offset: f32| {
            let from_left = outline.middle.x + offset - self.window.x as f32 + MARGIN as f32;
            (from_left * SAMPLES as f32 - 0.5).ceil().clamp(0.0, self.columns() as f32) as usize
        };
        index(along.0.max(across.0))..index(along.1.min(across.1))
    }
}

/// All samples of a canvas, row after row.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    pub(crate) canvas: Canvas,
    pub(crate) samples: Vec<Sample>,
}

impl Surface {
    /// A surface that is a function of the place.
    pub(crate) fn from_fn(canvas: &Canvas, sample: impl Fn(V2) -> Sample + Sync) -> Self {
        let columns = canvas.columns();
        let row = |y: usize| (0..columns).map(move |x| (y, x));
        let samples = (0..canvas.rows()).into_par_iter().flat_map_iter(row);
        let samples = samples.map(|(y, x)| sample(canvas.place(y, x))).collect();
        Self { canvas: *canvas, samples }
    }

    /// Lays objects that hide what is below them, given from the topmost on, so that hidden parts are never computed.
    pub(crate) fn cover<O: Outline + Sync>(
        &mut self,
        objects: &[O],
        sample: impl Fn(&O, V2) -> Option<Sample> + Sync,
    ) {
        let (canvas, columns) = (self.canvas, self.canvas.columns());
        self.samples.par_chunks_mut(columns).enumerate().for_each(|(y, row)| {
            let mut open = vec![true; columns];
            for object in objects {
                for x in canvas.columns_of(&object.outline(), y) {
                    let top = if open[x] { sample(object, canvas.place(y, x)) } else { None };
                    if let Some(top) = top {
                        (row[x], open[x]) = (top, false);
                    }
                }
            }
        });
    }

    /// Lays objects one after the other: `sample` says what an object shows at a place, given what lies there
    /// already, or nothing where it is not or is hidden.
    pub(crate) fn lay<O: Outline + Sync>(
        &mut self,
        objects: &[O],
        sample: impl Fn(&O, V2, &Sample) -> Option<Sample> + Sync,
    ) {
        let (canvas, columns) = (self.canvas, self.canvas.columns());
        self.samples.par_chunks_mut(columns).enumerate().for_each(|(y, row)| {
            for object in objects {
                for x in canvas.columns_of(&object.outline(), y) {
                    if let Some(top) = sample(object, canvas.place(y, x), &row[x]) {
                        row[x] = top;
                    }
                }
            }
        });
    }
}

/// A rectangle that holds everything an object shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rectangle {
    pub(crate) middle: V2,
    /// Of the first side, in radians.
    pub(crate) angle: f32,
    /// Half the sides, in pixels.
    pub(crate) half: V2,
}

/// What is laid on a surface.
pub(crate) trait Outline {
    /// A rectangle around it.
    fn outline(&self) -> Rectangle;
}

impl Outline for Object {
    fn outline(&self) -> Rectangle {
        let half = v2(self.radius, self.radius * self.aspect) * 1.25 + v2(1.0, 1.0);
        Rectangle { middle: self.at, angle: self.angle, half }
    }
}

/// Where `|a + b x| <= limit`, as the two ends of `x`.
fn interval(a: f32, b: f32, limit: f32) -> (f32, f32) {
    if b.abs() < 1e-4 {
        return if a.abs() <= limit { (f32::MIN, f32::MAX) } else { (0.0, 0.0) };
    }
    let (from, to) = ((-limit - a) / b, (limit - a) / b);
    (from.min(to), from.max(to))
}
