//! Gram matrices of features and their gradient (Gatys et al. 2015): inner products of channels over positions.
//!
//! A matrix is summed over blocks of positions that stay in the cache. It is symmetric, so only about half of it is
//! computed.

use std::ops::Range;

use fearless_simd::{Level, Simd, SimdBase, dispatch, f32x16};
use rayon::prelude::*;

use super::scratch;
use super::squares::{LANES, SIDE, SQUARE, channels, products};
use super::taps::{SLACK, Taps, bands};

/// What is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GramShape {
    /// Pictures, each with a matrix of its own.
    pub batch: usize,
    /// Channels, and sides of a matrix.
    pub channels: usize,
    /// Positions of a picture.
    pub positions: usize,
}

/// Values of a block of positions, all channels together: half of a second-level cache.
const BLOCK: usize = 1 << 16;
/// Parts of a picture that are summed by themselves, at most.
const SPANS: usize = 8;
/// Positions of a part, at least.
const SPAN: usize = 256;

impl GramShape {
    /// Positions of a block.
    fn block(&self) -> usize {
        (BLOCK / self.channels).next_multiple_of(2 * LANES)
    }

    /// From a channel to the next, in a block. An odd number of cache lines: powers of two would share a few sets of
    /// the cache.
    fn stride(&self) -> usize {
        self.block() + LANES
    }

    /// Squares of a row of a matrix.
    fn squares(&self) -> usize {
        self.channels.div_ceil(SIDE)
    }

    /// The parts of a picture.
    fn spans(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (all, size) = (self.positions, self.positions.div_ceil(SPANS).max(SPAN));
        (0..all).step_by(size).map(move |start| start..all.min(start + size))
    }

    fn scale(&self) -> f32 {
        1.0 / self.positions as f32
    }
}

/// The matrices `[batch, channels, channels]` of `x` `[batch, channels, positions]`, divided by the positions.
#[must_use]
pub fn forward(level: Level, shape: GramShape, x: &[f32]) -> Vec<f32> {
    let GramShape { batch, channels, positions } = shape;
    let mut out = vec![0.0; batch * channels * channels];
    let samples = x.par_chunks_exact(channels * positions).zip(out.par_chunks_exact_mut(channels * channels));
    samples.for_each(|(x, out)| {
        let spans: Vec<_> = shape.spans().collect();
        let parts: Vec<_> = spans.into_par_iter().map(|span| part(level, shape, x, span)).collect();
        finish(shape, parts, out);
    });
    out
}

/// The upper half of the sum over some positions: squares, of a row of the matrix after each other.
fn part(level: Level, shape: GramShape, x: &[f32], span: Range<usize>) -> Vec<f32> {
    let mut sums = vec![0.0; shape.squares().pow(2) * SQUARE];
    scratch::with(shape.channels * shape.stride(), |block| {
        for start in span.clone().step_by(shape.block()) {
            let positions = start..span.end.min(start + shape.block());
            copy(shape, x, positions.clone(), block);
            dispatch!(level, simd => accumulate(simd, shape, positions.len(), block, &mut sums));
        }
    });
    sums
}

/// Some positions of all channels, `[channels, stride]`; zeros fill up their last vector.
fn copy(shape: GramShape, x: &[f32], positions: Range<usize>, block: &mut [f32]) {
    let count = positions.len();
    let planes = x.chunks_exact(shape.positions);
    for (row, plane) in block.chunks_exact_mut(shape.stride()).zip(planes) {
        row[..count].copy_from_slice(&plane[positions.clone()]);
        row[count..count.next_multiple_of(LANES)].fill(0.0);
    }
}

/// Adds what `count` positions add to the upper half.
#[inline(always)]
fn accumulate<S: Simd>(simd: S, shape: GramShape, count: usize, block: &[f32], sums: &mut [f32]) {
    let of = |i: usize| {
        let mut rows = channels(block, [i * SIDE, shape.channels], shape.stride());
        rows.iter_mut().for_each(|row| *row = &row[..count.div_ceil(LANES)]);
        rows
    };
    let (sums, _) = sums.as_chunks_mut::<SQUARE>();
    for (i, sums) in sums.chunks_exact_mut(shape.squares()).enumerate() {
        for (t, sums) in sums.iter_mut().enumerate().skip(i) {
            (f32x16::from_slice(simd, sums) + products(simd, of(i), of(t))).store_slice(sums);
        }
    }
}

/// The whole matrix from the upper halves of its parts.
fn finish(shape: GramShape, parts: Vec<Vec<f32>>, out: &mut [f32]) {
    let mut parts = parts.into_iter();
    let mut sums = parts.next().unwrap_or_default();
    for part in parts {
        sums.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
    }
    let (sums, _) = sums.as_chunks::<SQUARE>();
    for (i, sums) in sums.chunks_exact(shape.squares()).enumerate() {
        for (t, sums) in sums.iter().enumerate().skip(i) {
            write(shape, [i, t], sums, out);
        }
    }
}

/// A square's sums, and their mirror images.
fn write(shape: GramShape, [i, t]: [usize; 2], sums: &[f32; SQUARE], out: &mut [f32]) {
    let (c, scale) = (shape.channels, shape.scale());
    let end = |square: usize| SIDE.min(c - square * SIDE);
    for (r, row) in sums.as_chunks::<SIDE>().0.iter().enumerate().take(end(i)) {
        for (k, sum) in row.iter().enumerate().take(end(t)) {
            let [a, b] = [i * SIDE + r, t * SIDE + k];
            out[a * c + b] = scale * sum;
            out[b * c + a] = scale * sum;
        }
    }
}

/// The gradient to `x` from that to the matrices, `gradient` `[batch, channels, channels]`.
#[must_use]
pub fn backward(level: Level, shape: GramShape, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let GramShape { channels, positions, .. } = shape;
    let mut out = vec![0.0; x.len()];
    let samples = x.chunks_exact(channels * positions).zip(gradient.chunks_exact(channels * channels));
    for ((x, g), out) in samples.zip(out.chunks_exact_mut(channels * positions)) {
        let symmetric = |o: usize, t: usize| shape.scale() * (g[o * channels + t] + g[t * channels + o]);
        let taps = Taps::new(channels, channels, &[], symmetric);
        let blocks = bands(out, positions, shape.block()).into_par_iter().enumerate();
        blocks.for_each(|(i, mut out)| product(level, shape, &taps, x, i * shape.block(), &mut out));
    }
    out
}

/// The product with the positions from `first` on, which are brought together first: rows of them lie powers of two
/// apart.
fn product(level: Level, shape: GramShape, taps: &Taps, x: &[f32], first: usize, out: &mut [&mut [f32]]) {
    let stride = shape.block() + SLACK;
    let count = out[0].len();
    let offsets: Vec<usize> = (0..shape.channels).map(|c| c * stride).collect();
    scratch::with(shape.channels * stride, |block| {
        let planes = x.chunks_exact(shape.positions);
        for (row, plane) in block.chunks_exact_mut(stride).zip(planes) {
            row[..count].copy_from_slice(&plane[first..first + count]);
        }
        taps.multiply(level, block, &offsets, out, 0, count);
    });
}
