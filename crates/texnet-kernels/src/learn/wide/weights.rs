//! The gradient to the weights of a 3x3 convolution: the adjoint of F(4x4, 3x3) in its kernel.
//!
//! The outputs of a tile are A' [(G w G') . (B' d B)] A, so that the gradient to the weights is the sum of
//! G' [(A g A') . (B' d B)] G over all tiles: 36 products instead of 144, and G once at the end. Tiles lie along the
//! vectors.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use std::ops::Range;

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f32x16};
use rayon::prelude::*;

use super::tiles::{Gradients, Inputs, Lift, Tiles};
use super::{GAP, Input, PRODUCTS, WideShape, transform};
use crate::learn::scratch;
use crate::learn::squares::{SIDE, SQUARE, channels, products};
use crate::pad::Border;
use crate::winograd::POINTS;

/// Values of the transformed tiles of a slab, about: with fewer, sums are fetched and stored too often.
const SLAB: usize = 300_000;
/// Tiles whose sums are kept apart, at least.
const PART: usize = 128;
/// Parts, at most.
const PARTS: usize = 8;
/// Elements of a kernel.
const AREA: usize = 9;

/// Sizes of a gradient.
#[derive(Clone, Copy)]
struct Weights {
    shape: WideShape,
    outputs: usize,
    inputs: usize,
}

/// The gradient to the weights, `[outputs, inputs, 3, 3]`, of the convolution of `x` from that to its result.
pub(in crate::learn) fn backward(
    level: Level,
    shape: WideShape,
    [outputs, inputs]: [usize; 2],
    x: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let weights = Weights { shape, outputs, inputs };
    let slabs = weights.slabs();
    let parts = (shape.count() / PART).clamp(1, PARTS);
    let parts: Vec<_> = slabs.chunks(slabs.len().div_ceil(parts)).collect();
    let sums: Vec<_> = parts.into_par_iter().map(|slabs| weights.part(level, slabs, x, gradient)).collect();
    let add = |mut sum: Vec<f32>, part: Vec<f32>| {
        sum.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        sum
    };
    sums.into_iter().reduce(add).expect("a tile")
}

/// Tiles that are worked on together: rows of tiles of some samples.
struct Slab {
    samples: Range<usize>,
    rows: Range<usize>,
}

impl Weights {
    /// All tiles, as many at a time as the cache holds.
    fn slabs(&self) -> Vec<Slab> {
        let [samples, band] = self.shape.slab(SLAB / (PRODUCTS * (self.inputs + self.outputs)));
        let [rows, _] = self.shape.tiles();
        let firsts = (0..self.shape.batch).step_by(samples);
        let of = |first: usize| (first, (first + samples).min(self.shape.batch));
        let bands = |(first, end)| {
            (0..rows)
                .step_by(band)
                .map(move |row| Slab { samples: first..end, rows: row..rows.min(row + band) })
        };
        firsts.map(of).flat_map(bands).collect()
    }

    /// The sum over some slabs.
    fn part(self, level: Level, slabs: &[Slab], x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.outputs.div_ceil(SIDE) * PRODUCTS * self.plane()];
        for slab in slabs {
            let tiles = Tiles::new(self.shape, slab.samples.clone(), slab.rows.clone());
            let [inputs, outputs] =
                [self.inputs, self.outputs].map(|c| PRODUCTS * (c * tiles.stride() + GAP));
            scratch::with(inputs + outputs, |memory| {
                let (data, gradients) = memory.split_at_mut(inputs);
                self.transform(level, &tiles, [x, gradient], [data, gradients]);
                let factors = Factors { data, gradients, stride: tiles.stride() };
                let blocks = sums.par_chunks_exact_mut(PRODUCTS * self.plane()).enumerate();
                blocks.for_each(|(i, sums)| {
                    dispatch!(level, simd => self.add(simd, factors, i * SIDE, sums));
                });
            });
        }
        self.finish(level, &sums)
    }

    /// Sums of a product, of a block of outputs: squares of outputs and inputs.
    fn plane(self) -> usize {
        self.inputs.div_ceil(SIDE) * SQUARE
    }

    /// B' d B of the inputs and A g A' of the gradients.
    fn transform(
        self,
        level: Level,
        tiles: &Tiles,
        [x, gradient]: [&[f32]; 2],
        [data, gradients]: [&mut [f32]; 2],
    ) {
        let inner = WideShape { size: self.shape.output(), margin: 0, border: Border::Zero, ..self.shape };
        let x = Input { values: x, mask: None, shape: self.shape };
        let gradient = Input { values: gradient, mask: None, shape: inner };
        rayon::join(
            || transform_whole::<Inputs, _>(level, tiles, x, self.inputs, data),
            || transform_whole::<Gradients, _>(level, tiles, gradient, self.outputs, gradients),
        );
    }

    /// Adds a slab's products to the sums of the block of outputs from `first` on.
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, factors: Factors<'_>, first: usize, sums: &mut [f32]) {
        for (product, sums) in sums.chunks_exact_mut(self.plane()).enumerate() {
            let factors = factors.of(product);
            let rows = channels(factors.gradients, [first, self.outputs], factors.stride);
            for (i, sums) in sums.as_chunks_mut::<SQUARE>().0.iter_mut().enumerate() {
                let columns = channels(factors.data, [i * SIDE, self.inputs], factors.stride);
                (f32x16::from_slice(simd, sums) + products(simd, rows, columns)).store_slice(sums);
            }
        }
    }

    /// The gradient from the sums.
    fn finish(self, level: Level, sums: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.outputs * self.inputs * AREA];
        let blocks = out.par_chunks_mut(SIDE * self.inputs * AREA);
        blocks.zip(sums.par_chunks_exact(PRODUCTS * self.plane())).for_each(|(out, sums)| {
            for first in (0..self.inputs).step_by(SIDE) {
                let mut weights = [[0.0; SQUARE]; AREA];
                dispatch!(level, simd => lower(simd, &sums[first * SIDE..], self.plane(), &mut weights));
                for (r, row) in out.chunks_exact_mut(self.inputs * AREA).enumerate() {
                    let kernels = row[first * AREA..].chunks_exact_mut(AREA).take(SIDE);
                    for (t, kernel) in kernels.enumerate() {
                        (0..AREA).for_each(|i| kernel[i] = weights[i][r * SIDE + t]);
                    }
                }
            }
        });
        out
    }
}

/// The tiles of all channels; zeros fill up their last vectors.
fn transform_whole<L: Lift<N>, const N: usize>(
    level: Level,
    tiles: &Tiles,
    input: Input<'_>,
    channels: usize,
    out: &mut [f32],
) {
    transform::<L, N>(level, tiles, input, channels, 1, out);
    for plane in out.chunks_exact_mut(out.len() / PRODUCTS) {
        plane.chunks_exact_mut(tiles.stride()).take(channels).for_each(|row| row[tiles.len()..].fill(0.0));
    }
}

/// Transformed tiles of all channels, of 36 products or of one.
#[derive(Clone, Copy)]
struct Factors<'a> {
    data: &'a [f32],
    gradients: &'a [f32],
    /// From one channel to the next.
    stride: usize,
}

impl Factors<'_> {
    fn of(self, product: usize) -> Self {
        let plane = |values: &'_ [f32]| values.len() / PRODUCTS;
        let [data, gradients] =
            [plane(self.data), plane(self.gradients)].map(|p| product * p..(product + 1) * p);
        Self { data: &self.data[data], gradients: &self.gradients[gradients], ..self }
    }
}

/// G' m G of a square of weights, whose products lie `plane` apart.
#[inline(always)]
fn lower<S: Simd>(simd: S, sums: &[f32], plane: usize, out: &mut [[f32; SQUARE]; AREA]) {
    let mut rows = [[f32x16::splat(simd, 0.0); 3]; POINTS];
    for y in 0..POINTS {
        let mut row = [f32x16::splat(simd, 0.0); POINTS];
        for x in 0..POINTS {
            let at = (y * POINTS + x) * plane;
            row[x] = f32x16::from_slice(simd, &sums[at..at + SQUARE]);
        }
        rows[y] = lower_row(simd, row);
    }
    for x in 0..3 {
        let column = [rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x], rows[5][x]];
        let column = lower_row(simd, column);
        for y in 0..3 {
            column[y].store_slice(&mut out[3 * y + x]);
        }
    }
}

/// G' m: one row or column.
#[inline(always)]
fn lower_row<S: Simd>(simd: S, m: [f32x16<S>; POINTS]) -> [f32x16<S>; 3] {
    let times = |value: f32x16<S>, factor: f32| value * f32x16::splat(simd, factor);
    let [near, far] = [m[1] + m[2], m[3] + m[4]];
    let [near_slope, far_slope] = [m[2] - m[1], m[3] - m[4]];
    [
        m[0].mul_add_precise(f32x16::splat(simd, 0.25), times(far, 1.0 / 24.0)) - times(near, 1.0 / 6.0),
        far_slope.mul_add_precise(f32x16::splat(simd, 1.0 / 12.0), times(near_slope, 1.0 / 6.0)),
        times(far - near, 1.0 / 6.0) + m[5],
    ]
}
