//! Gram matrices of features and their gradient (Gatys et al. 2015): inner products of channels over positions.
//!
//! The inner product of two channels runs along both, but products are quick when what is summed over changes from row
//! to row. Features are therefore transposed, a block of positions at a time, and a matrix is the sum of what each
//! position adds: column times row. It is symmetric, so only about half of it is computed.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use std::ops::Range;

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f32x16};
use rayon::prelude::*;

use super::partial;
use super::scratch;
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
/// Rows of a matrix are whole steps of this: two of the widest vectors.
const COLUMNS: usize = 32;
/// Outputs of a step, at most.
const ROWS: usize = 8;
/// Sides of the squares that are transposed.
const SQUARE: usize = 16;

impl GramShape {
    /// Positions of a block.
    fn block(&self) -> usize {
        (BLOCK / self.channels).next_multiple_of(SQUARE)
    }

    /// From a position's channels to those of the next, in a block. An odd number of cache lines: powers of two
    /// would share a few sets of the cache.
    fn stride(&self) -> usize {
        self.channels.next_multiple_of(COLUMNS) + SQUARE
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
    let of_sample = |x: &[f32]| {
        let spans: Vec<_> = shape.spans().collect();
        let parts: Vec<_> = spans.into_par_iter().map(|span| part(level, shape, x, span)).collect();
        finish(shape, parts)
    };
    let samples: Vec<&[f32]> = x.chunks_exact(shape.channels * shape.positions).collect();
    samples.into_par_iter().flat_map_iter(of_sample).collect()
}

/// The upper half of the sum over some positions, `[channels, stride]`.
fn part(level: Level, shape: GramShape, x: &[f32], span: Range<usize>) -> Vec<f32> {
    let stride = shape.stride();
    let mut sums = vec![0.0; shape.channels.next_multiple_of(ROWS) * stride];
    scratch::with(shape.block() * stride, |block| {
        for start in span.clone().step_by(shape.block()) {
            let positions = start..span.end.min(start + shape.block());
            dispatch!(level, simd => {
                transpose(simd, shape, x, positions.clone(), block);
                accumulate(simd, shape, &block[..positions.len() * stride], &mut sums);
            });
        }
    });
    sums
}

/// Some positions of all channels, `[positions, stride]`.
#[inline(always)]
fn transpose<S: Simd>(simd: S, shape: GramShape, x: &[f32], positions: Range<usize>, out: &mut [f32]) {
    let stride = shape.stride();
    for c in (0..shape.channels).step_by(SQUARE) {
        let planes = &x[c * shape.positions..];
        let rows = SQUARE.min(shape.channels - c);
        for p in positions.clone().step_by(SQUARE) {
            let columns = SQUARE.min(positions.end - p);
            let mut square = [f32x16::splat(simd, 0.0); SQUARE];
            for r in 0..rows {
                square[r] = partial::load(simd, &planes[r * shape.positions + p..][..columns]);
            }
            let square = transposed(simd, square);
            for i in 0..columns {
                let at = (p - positions.start + i) * stride + c;
                square[i].store_slice(&mut out[at..at + SQUARE]);
            }
        }
    }
}

/// A square whose columns are the rows of another: four perfect shuffles.
#[inline(always)]
fn transposed<S: Simd>(simd: S, mut rows: [f32x16<S>; SQUARE]) -> [f32x16<S>; SQUARE] {
    for _ in 0..4 {
        let mut next = rows;
        for i in 0..SQUARE / 2 {
            (next[2 * i], next[2 * i + 1]) = simd.interleave_f32x16(rows[i], rows[i + SQUARE / 2]);
        }
        rows = next;
    }
    rows
}

/// Adds what each position of a block adds to the upper half.
#[inline(always)]
fn accumulate<S: Simd>(simd: S, shape: GramShape, block: &[f32], sums: &mut [f32]) {
    if <S::f32s as SimdBase<S>>::LEN >= SQUARE {
        accumulate_tiles::<S, 8, 2>(simd, shape, block, sums);
    } else {
        accumulate_tiles::<S, 4, 2>(simd, shape, block, sums);
    }
}

#[inline(always)]
fn accumulate_tiles<S: Simd, const R: usize, const N: usize>(
    simd: S,
    shape: GramShape,
    block: &[f32],
    sums: &mut [f32],
) {
    let lanes = <S::f32s as SimdBase<S>>::LEN;
    let stride = shape.stride();
    for o in (0..shape.channels).step_by(R) {
        let left = o / COLUMNS * COLUMNS;
        for x in (left..shape.channels).step_by(N * lanes) {
            let tile = &mut sums[o * stride + x..];
            let mut acc = [[S::f32s::splat(simd, 0.0); N]; R];
            for r in 0..R {
                for n in 0..N {
                    let at = r * stride + n * lanes;
                    acc[r][n] = S::f32s::from_slice(simd, &tile[at..at + lanes]);
                }
            }
            for position in block.chunks_exact(stride) {
                let left = &position[o..o + R];
                let right = &position[x..x + N * lanes];
                for n in 0..N {
                    let value = S::f32s::from_slice(simd, &right[n * lanes..(n + 1) * lanes]);
                    for r in 0..R {
                        acc[r][n] = value.mul_add_precise(S::f32s::splat(simd, left[r]), acc[r][n]);
                    }
                }
            }
            for r in 0..R {
                for n in 0..N {
                    let at = r * stride + n * lanes;
                    acc[r][n].store_slice(&mut tile[at..at + lanes]);
                }
            }
        }
    }
}

/// The whole matrix from the upper halves of its parts.
fn finish(shape: GramShape, parts: Vec<Vec<f32>>) -> Vec<f32> {
    let (c, stride, scale) = (shape.channels, shape.stride(), shape.scale());
    let mut parts = parts.into_iter();
    let mut sum = parts.next().unwrap_or_default();
    for part in parts {
        sum.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
    }
    (0..c * c).map(|i| [i / c, i % c]).map(|[a, b]| scale * sum[a.min(b) * stride + a.max(b)]).collect()
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
