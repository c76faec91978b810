//! Projections of all patches of a picture: correlation with filters of any odd size, at every `stride`-th place.

use fearless_simd::Level;
use rayon::prelude::*;

use super::padded::Padded;
use super::taps::{SLACK, Taps, bands};
use crate::pad::Border;

/// Filters of one size: `[count, channels, side, side]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Filters {
    /// Channels that they read.
    pub channels: usize,
    /// Rows and columns, odd.
    pub side: usize,
    /// The weights.
    pub weights: Vec<f32>,
}

impl Filters {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.weights.len() / self.terms()
    }

    /// Weights of one filter.
    #[must_use]
    pub fn terms(&self) -> usize {
        self.channels * self.side * self.side
    }

    /// Some of them, in this order.
    #[must_use]
    pub fn select(&self, which: &[usize]) -> Self {
        let filter = |&i: &usize| &self.weights[i * self.terms()..(i + 1) * self.terms()];
        Self { weights: which.iter().flat_map(filter).copied().collect(), ..*self }
    }
}

/// Which patches are projected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Rows and columns of the picture.
    pub size: [usize; 2],
    /// Distance from one projected patch to the next.
    pub stride: usize,
    /// Row and column of the first patch's centre, below the stride.
    pub origin: [usize; 2],
}

impl Grid {
    /// Rows and columns of projections of a picture that is a torus: its sides are multiples of the stride.
    #[must_use]
    pub fn count(&self) -> [usize; 2] {
        self.size.map(|side| side / self.stride)
    }
}

/// The projections of a torus, `[filters, rows, columns]`: patches reach over the border to the opposite one.
#[must_use]
pub fn project(level: Level, picture: &[f32], grid: Grid, filters: &Filters) -> Vec<f32> {
    let padded = Padded::new(picture, grid.size, filters.side / 2, Border::Circular);
    correlate(level, &padded, grid, grid.count(), filters)
}

/// The projections of all patches that lie inside a picture, every `stride`-th in both directions.
///
/// `None` when the picture is smaller than a filter.
#[must_use]
pub fn project_inside(
    level: Level,
    picture: &[f32],
    size: [usize; 2],
    stride: usize,
    filters: &Filters,
) -> Option<Vec<f32>> {
    let inside = |side: usize| Some(side.checked_sub(filters.side)? / stride + 1);
    let count = [inside(size[0])?, inside(size[1])?];
    let padded = Padded::new(picture, size, 0, Border::Zero);
    Some(correlate(level, &padded, Grid { size, stride, origin: [0, 0] }, count, filters))
}

/// Terms and outputs of a row of work that one thread does at a time.
const WORK: usize = 1 << 18;

fn correlate(level: Level, padded: &Padded, grid: Grid, count: [usize; 2], filters: &Filters) -> Vec<f32> {
    let phased = Phased::new(padded, grid.stride);
    let (side, terms) = (filters.side, filters.terms());
    let offset = |t: usize| {
        let (c, ky, kx) = (t / (side * side), t / side % side, t % side);
        phased.offset(c, ky + grid.origin[0], kx + grid.origin[1])
    };
    let offsets: Vec<usize> = (0..terms).map(offset).collect();
    let taps = Taps::new(filters.count(), terms, &[], |o, t| filters.weights[o * terms + t]);
    let [rows, columns] = count;
    let mut out = vec![0.0; filters.count() * rows * columns];
    let band = (WORK / (filters.weights.len() * columns)).clamp(1, rows);
    let work = bands(&mut out, rows * columns, band * columns);
    work.into_par_iter().enumerate().for_each(|(i, mut out)| {
        for y in 0..out[0].len() / columns {
            let start = (i * band + y) * grid.stride * phased.row;
            taps.multiply(level, &phased.data[start..], &offsets, &mut out, y * columns, columns);
        }
    });
    out
}

/// Padded planes whose rows hold every `stride`-th column together, so that neighbouring projections read
/// neighbouring values.
struct Phased {
    data: Vec<f32>,
    stride: usize,
    /// Columns of one phase.
    phase: usize,
    /// Values of a row.
    row: usize,
    height: usize,
}

impl Phased {
    fn new(padded: &Padded, stride: usize) -> Self {
        let [height, width] = padded.size;
        let phase = width.div_ceil(stride);
        let row = phase * stride;
        let rows = padded.data[..padded.data.len() - SLACK].chunks_exact(width);
        let mut data = Vec::with_capacity(rows.len() * row + SLACK);
        for values in rows {
            for p in 0..stride {
                let start = data.len();
                data.extend(values.iter().skip(p).step_by(stride));
                data.resize(start + phase, 0.0);
            }
        }
        data.resize(data.len() + SLACK * stride.max(2), 0.0);
        Self { data, stride, phase, row, height }
    }

    fn offset(&self, c: usize, y: usize, x: usize) -> usize {
        (c * self.height + y) * self.row + x % self.stride * self.phase + x / self.stride
    }
}

/// Filters and the gradient to their projections.
#[derive(Debug, Clone, Copy)]
pub struct Projected<'a> {
    /// The filters.
    pub filters: &'a Filters,
    /// `[filters, rows, columns]`.
    pub gradient: &'a [f32],
}

/// The adjoint of [`project`] for several sizes of filters at once: the gradient to the picture, `[channels, size]`.
#[must_use]
pub fn project_adjoint(level: Level, channels: usize, grid: Grid, projected: &[Projected<'_>]) -> Vec<f32> {
    let adjoint = Adjoint::new(grid, projected);
    let mut out = vec![0.0; channels * grid.size[0] * grid.size[1]];
    let s = grid.stride;
    let phases: Vec<Phase> =
        (0..s * s).map(|place| adjoint.phase(channels, projected, [place / s, place % s])).collect();
    let width = grid.size[1];
    let columns = width / s;
    let work = bands(&mut out, grid.size[0] * width, s * width);
    work.into_par_iter().enumerate().for_each(|(row, mut out)| {
        let mut values = vec![0.0; channels * columns];
        let data = &adjoint.data[row * adjoint.stride..];
        for (place, phase) in phases.iter().enumerate() {
            let mut slices: Vec<&mut [f32]> = values.chunks_exact_mut(columns).collect();
            phase.taps.multiply(level, data, &phase.offsets, &mut slices, 0, columns);
            for (values, out) in slices.into_iter().zip(&mut out) {
                let row = &mut out[place / s * width..(place / s + 1) * width];
                row.iter_mut().skip(place % s).step_by(s).zip(values).for_each(|(out, v)| *out = *v);
            }
        }
    });
    out
}

/// The gradients to all projections, padded so that every filter's reach is inside.
struct Adjoint {
    data: Vec<f32>,
    /// Values of a row.
    stride: usize,
    /// Values of a plane.
    plane: usize,
    margin: usize,
    grid: Grid,
}

/// The pixels of one phase: what they sum.
struct Phase {
    taps: Taps,
    offsets: Vec<usize>,
}

impl Adjoint {
    fn new(grid: Grid, projected: &[Projected<'_>]) -> Self {
        let side = projected.iter().map(|p| p.filters.side).max().unwrap_or(1);
        let margin = (side / 2 + grid.stride).div_ceil(grid.stride);
        let mut data = Vec::new();
        let mut size = [0, 0];
        for p in projected {
            let padded = Padded::new(p.gradient, grid.count(), margin, Border::Circular);
            size = padded.size;
            data.extend_from_slice(&padded.data[..padded.data.len() - SLACK]);
        }
        data.resize(data.len() + SLACK, 0.0);
        Self { data, stride: size[1], plane: size[0] * size[1], margin, grid }
    }

    /// Which filter elements reach the pixels `(i * stride + place)`, and from which projection.
    fn phase(&self, channels: usize, projected: &[Projected<'_>], place: [usize; 2]) -> Phase {
        let mut offsets = Vec::new();
        let mut elements = Vec::new();
        let mut first = 0;
        for (p, Projected { filters, .. }) in projected.iter().enumerate() {
            let [rows, columns] =
                [0, 1].map(|axis| self.reaching(filters.side, place[axis], self.grid.origin[axis]));
            for o in 0..filters.count() {
                for &(ky, y) in &rows {
                    for &(kx, x) in &columns {
                        offsets.push((first + o) * self.plane + y * self.stride + x);
                        elements.push((p, o * filters.terms() + ky * filters.side + kx));
                    }
                }
            }
            first += filters.count();
        }
        let weight = |c: usize, t: usize| {
            let (p, element) = elements[t];
            let filters = projected[p].filters;
            filters.weights[element + c * filters.side * filters.side]
        };
        Phase { taps: Taps::new(channels, offsets.len(), &[], weight), offsets }
    }

    /// The filter elements along one axis that see a pixel of this place, with the padded index of the projection.
    fn reaching(&self, side: usize, place: usize, origin: usize) -> Vec<(usize, usize)> {
        let stride = self.grid.stride as isize;
        let distance = |k: usize| place as isize + (side / 2) as isize - k as isize - origin as isize;
        let seen = (0..side).filter(|&k| distance(k).rem_euclid(stride) == 0);
        seen.map(|k| (k, (distance(k).div_euclid(stride) + self.margin as isize) as usize)).collect()
    }
}
