//! Tiles of a slab: their inputs, transformed; their products, transformed back.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use std::ops::Range;

use fearless_simd::{Level, Select, Simd, SimdBase, dispatch, f32x16};

use super::{Input, WideShape};
use crate::learn::scratch;
use crate::winograd::{POINTS, TILE, load_outputs, transform_gradient, transform_input};

/// Tiles of a vector.
pub(super) const LANES: usize = 16;

/// Tiles of some rows of some samples, numbered sample by sample, row by row.
pub(super) struct Tiles {
    shape: WideShape,
    samples: Range<usize>,
    /// First row of tiles, and their number.
    first: usize,
    rows: usize,
    /// Tiles of a row.
    columns: usize,
}

/// What happens to a sum.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    /// Nothing is added when it is empty.
    pub(super) bias: &'a [f32],
    pub(super) relu: bool,
}

/// One row or column of `N` values of a tile as six points.
pub(super) trait Lift<const N: usize> {
    fn lift<S: Simd>(simd: S, values: [f32x16<S>; N]) -> [f32x16<S>; POINTS];
}

/// Tiles of 6x6 inputs, which overlap.
pub(super) struct Inputs;
/// Tiles of 4x4 gradients.
pub(super) struct Gradients;

impl Lift<POINTS> for Inputs {
    #[inline(always)]
    fn lift<S: Simd>(simd: S, values: [f32x16<S>; POINTS]) -> [f32x16<S>; POINTS] {
        transform_input(simd, values)
    }
}

impl Lift<TILE> for Gradients {
    #[inline(always)]
    fn lift<S: Simd>(simd: S, values: [f32x16<S>; TILE]) -> [f32x16<S>; POINTS] {
        transform_gradient(simd, values)
    }
}

impl Finish<'_> {
    /// For some outputs.
    pub(super) fn of(self, first: usize, outputs: usize) -> Self {
        Self { bias: self.bias.get(first..first + outputs).unwrap_or_default(), ..self }
    }
}

impl Tiles {
    pub(super) fn new(shape: WideShape, samples: Range<usize>, rows: Range<usize>) -> Self {
        let columns = shape.output()[1].div_ceil(TILE);
        Self { shape, samples, first: rows.start, rows: rows.len(), columns }
    }

    /// Tiles of a sample.
    fn count(&self) -> usize {
        self.rows * self.columns
    }

    /// Tiles of all samples.
    pub(super) fn len(&self) -> usize {
        self.samples.len() * self.count()
    }

    /// Room for all tiles in whole vectors, each sample beginning anywhere.
    pub(super) fn stride(&self) -> usize {
        let last = (self.samples.len() - 1) * self.count();
        (last + self.count().next_multiple_of(LANES)).next_multiple_of(LANES)
    }

    /// B' d B of all tiles of some channels, or A g A': `[channels, stride]` to each of 36 slices.
    pub(super) fn transform<L: Lift<N>, const N: usize>(
        &self,
        level: Level,
        input: Input<'_>,
        inputs: usize,
        channels: Range<usize>,
        points: &mut [&mut [f32]],
    ) {
        let mut staged = Staged::new(self);
        scratch::with(staged.len(), |memory| {
            for (i, c) in channels.enumerate() {
                for (s, sample) in self.samples.clone().enumerate() {
                    let at = i * self.stride() + s * self.count();
                    dispatch!(level, simd => {
                        staged.fill(simd, self, input, sample * inputs + c, memory);
                        staged.transform::<_, L, N>(simd, self.count(), memory, points, at);
                    });
                }
            }
        });
    }

    /// A' m A of the products `[36, outputs, stride]`, finished, to the planes of every sample in turn.
    pub(super) fn finish(
        &self,
        level: Level,
        products: &[f32],
        plane: usize,
        finish: Finish<'_>,
        out: &mut [&mut [f32]],
    ) {
        let outputs = out.len() / self.samples.len();
        for (i, out) in out.iter_mut().enumerate() {
            let (sample, o) = (i / outputs, i % outputs);
            let products = &products[o * self.stride() + sample * self.count()..];
            let bias = finish.bias.get(o).copied().unwrap_or(0.0);
            let least = if finish.relu { 0.0 } else { f32::NEG_INFINITY };
            dispatch!(level, simd => self.write(simd, products, plane, [bias, least], out));
        }
    }

    #[inline(always)]
    fn write<S: Simd>(
        &self,
        simd: S,
        products: &[f32],
        plane: usize,
        [bias, least]: [f32; 2],
        out: &mut [f32],
    ) {
        let width = self.shape.output()[1];
        let (bias, least) = (f32x16::splat(simd, bias), f32x16::splat(simd, least));
        for first in (0..self.count()).step_by(LANES) {
            let tile = load_outputs::<S, f32x16<S>>(simd, &products[first..], plane);
            let lanes = LANES.min(self.count() - first);
            let (row, column) = (first / self.columns, first % self.columns);
            let inside = column + LANES <= self.columns && TILE * (column + LANES) <= width;
            for y in 0..TILE {
                let mut values = tile[y];
                for x in 0..TILE {
                    values[x] = (values[x] + bias).max(least);
                }
                if inside {
                    let at = (TILE * row + y) * width + TILE * column;
                    if at < out.len() {
                        interleave(simd, values, &mut out[at..at + TILE * LANES]);
                    }
                } else {
                    let mut quads = [0.0; TILE * LANES];
                    interleave(simd, values, &mut quads);
                    self.scatter(&quads[..TILE * lanes], first, y, width, out);
                }
            }
        }
    }

    /// Row `y` of the tiles from `first` on, four values each, as far as they lie in the plane.
    #[inline(always)]
    fn scatter(&self, quads: &[f32], first: usize, y: usize, width: usize, out: &mut [f32]) {
        for (i, quad) in quads.chunks_exact(TILE).enumerate() {
            let (row, column) = ((first + i) / self.columns, (first + i) % self.columns);
            let at = (TILE * row + y) * width + TILE * column;
            let valid = TILE.min(width - TILE * column);
            if at < out.len() {
                out[at..at + valid].copy_from_slice(&quad[..valid]);
            }
        }
    }
}

/// Four columns of sixteen tiles as sixty-four values of a row.
#[inline(always)]
fn interleave<S: Simd>(simd: S, [a, b, c, d]: [f32x16<S>; 4], out: &mut [f32]) {
    let ((ac, ac2), (bd, bd2)) = (simd.interleave_f32x16(a, c), simd.interleave_f32x16(b, d));
    let ((p, q), (r, s)) = (simd.interleave_f32x16(ac, bd), simd.interleave_f32x16(ac2, bd2));
    p.store_slice(&mut out[..LANES]);
    q.store_slice(&mut out[LANES..2 * LANES]);
    r.store_slice(&mut out[2 * LANES..3 * LANES]);
    s.store_slice(&mut out[3 * LANES..4 * LANES]);
}

/// The opposite of [`interleave`].
#[inline(always)]
fn deinterleave<S: Simd>(simd: S, values: &[f32]) -> [f32x16<S>; TILE] {
    let a = f32x16::from_slice(simd, &values[..LANES]);
    let b = f32x16::from_slice(simd, &values[LANES..2 * LANES]);
    let c = f32x16::from_slice(simd, &values[2 * LANES..3 * LANES]);
    let d = f32x16::from_slice(simd, &values[3 * LANES..4 * LANES]);
    let ((ac, bd), (ac2, bd2)) = (simd.deinterleave_f32x16(a, b), simd.deinterleave_f32x16(c, d));
    let ((p, r), (q, s)) = (simd.deinterleave_f32x16(ac, ac2), simd.deinterleave_f32x16(bd, bd2));
    [p, q, r, s]
}

/// A row of the input that begins `at`, with its margins, or zeros.
#[inline(always)]
fn fill_line<S: Simd>(simd: S, input: Input<'_>, at: Option<usize>, line: &mut [f32]) {
    let WideShape { size: [_, width], margin, border, .. } = input.shape;
    let Some(at) = at else { return line.fill(0.0) };
    let (inner, values) = (&mut line[margin..margin + width], &input.values[at..at + width]);
    match input.mask {
        None => inner.copy_from_slice(values),
        Some(mask) => keep(simd, values, &mask[at..at + width], inner),
    }
    for x in (0..margin).chain(margin + width..width + 2 * margin) {
        let source = border.index(x as isize - margin as isize, width);
        line[x] = source.map_or(0.0, |x| line[margin + x]);
    }
}

/// The values where the mask is positive, zeros elsewhere.
#[inline(always)]
fn keep<S: Simd>(simd: S, values: &[f32], mask: &[f32], out: &mut [f32]) {
    let none = f32x16::splat(simd, 0.0);
    let (whole, rest) = out.as_chunks_mut::<LANES>();
    let start = whole.len() * LANES;
    for (i, out) in whole.iter_mut().enumerate() {
        let at = i * LANES..(i + 1) * LANES;
        let positive = f32x16::from_slice(simd, &mask[at.clone()]).simd_gt(none);
        positive.select(f32x16::from_slice(simd, &values[at]), none).store_slice(out);
    }
    for i in 0..rest.len() {
        rest[i] = if mask[start + i] > 0.0 { values[start + i] } else { 0.0 };
    }
}

/// One channel of a slab, in planes that hold every fourth row and every fourth column, so that neighbouring tiles
/// read neighbouring values. The first two columns of the next tile have planes of their own: tiles of different rows
/// may follow each other.
struct Staged {
    /// Values of a plane: `[rows + 1, columns]` and a vector more.
    plane: usize,
    columns: usize,
    /// Rows of the padded input, each with what vectors read behind it.
    lines: Vec<f32>,
    /// Values from one row to the next.
    pitch: usize,
}

impl Staged {
    fn new(tiles: &Tiles) -> Self {
        let plane = (tiles.rows + 1) * tiles.columns + LANES;
        let pitch = TILE * (tiles.columns.next_multiple_of(LANES) + 1);
        Self { plane, columns: tiles.columns, lines: vec![0.0; (TILE * tiles.rows + 2) * pitch], pitch }
    }

    fn len(&self) -> usize {
        TILE * POINTS * self.plane
    }

    /// From plane number `channel` of the input. All rows are fetched before any is spread: memory answers sooner to
    /// requests in a row.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, tiles: &Tiles, input: Input<'_>, channel: usize, out: &mut [f32]) {
        let WideShape { size: [height, width], margin, border, .. } = input.shape;
        for (y, line) in self.lines.chunks_exact_mut(self.pitch).enumerate() {
            let row = TILE * tiles.first + y;
            let source = border.index(row as isize - margin as isize, height);
            let at = source.filter(|_| row < height + 2 * margin).map(|y| (channel * height + y) * width);
            fill_line(simd, input, at, line);
        }
        for (y, line) in self.lines.chunks_exact(self.pitch).enumerate() {
            self.spread(simd, line, &mut out[y % TILE * POINTS * self.plane + y / TILE * self.columns..]);
        }
    }

    /// Every fourth value of a line to each of six planes. Whole vectors are written: what stands behind a row is
    /// the beginning of the next, which comes later.
    #[inline(always)]
    fn spread<S: Simd>(&self, simd: S, line: &[f32], out: &mut [f32]) {
        for first in (0..self.columns).step_by(LANES) {
            let values = deinterleave(simd, &line[TILE * first..][..TILE * LANES]);
            let next = deinterleave(simd, &line[TILE * (first + 1)..][..TILE * LANES]);
            let columns = [values[0], values[1], values[2], values[3], next[0], next[1]];
            for x in 0..POINTS {
                let start = x * self.plane + first;
                columns[x].store_slice(&mut out[start..start + LANES]);
            }
        }
    }

    /// The first `count` tiles, to position `at` of 36 slices; whole vectors are written.
    #[inline(always)]
    fn transform<S: Simd, L: Lift<N>, const N: usize>(
        &self,
        simd: S,
        count: usize,
        staged: &[f32],
        points: &mut [&mut [f32]],
        at: usize,
    ) {
        for first in (0..count).step_by(LANES) {
            let mut lines = [[f32x16::splat(simd, 0.0); POINTS]; N];
            for y in 0..N {
                let start = y % TILE * POINTS * self.plane + y / TILE * self.columns + first;
                let mut columns = [f32x16::splat(simd, 0.0); N];
                for x in 0..N {
                    let start = start + x * self.plane;
                    columns[x] = f32x16::from_slice(simd, &staged[start..start + LANES]);
                }
                lines[y] = L::lift(simd, columns);
            }
            for x in 0..POINTS {
                let mut column = [f32x16::splat(simd, 0.0); N];
                for y in 0..N {
                    column[y] = lines[y][x];
                }
                let column = L::lift(simd, column);
                for y in 0..POINTS {
                    let at = at + first;
                    column[y].store_slice(&mut points[y * POINTS + x][at..at + LANES]);
                }
            }
        }
    }
}
