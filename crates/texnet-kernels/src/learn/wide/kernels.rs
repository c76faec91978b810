//! The weights of a convolution, and their transform G g G'.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f32x8};

use super::PRODUCTS;
use crate::learn::taps::BLOCK;
use crate::winograd::POINTS;

/// Outputs whose weights lie together, as the product wants them.
pub(super) const LANES: usize = BLOCK;

/// Weights `[outputs / 8, inputs, 9, 8]`, the last outputs filled up with zeros.
#[derive(Debug, Clone)]
pub(super) struct Kernels {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    packed: Vec<f32>,
}

impl Kernels {
    pub(super) fn new(inputs: usize, outputs: usize, weight: impl Fn(usize, usize, usize) -> f32) -> Self {
        let mut packed = Vec::with_capacity(outputs.next_multiple_of(LANES) * inputs * 9);
        for first in (0..outputs).step_by(LANES) {
            for (c, i) in (0..inputs * 9).map(|t| (t / 9, t % 9)) {
                let weight = |o: usize| if o < outputs { weight(o, c, i) } else { 0.0 };
                packed.extend((first..first + LANES).map(weight));
            }
        }
        Self { inputs, outputs, packed }
    }

    /// The transformed weights of some outputs: `[36, outputs / 8, inputs, 8]`.
    pub(super) fn transform(&self, level: Level, first: usize, outputs: usize, out: &mut [f32]) {
        let blocks = outputs.div_ceil(LANES);
        let size = self.inputs * 9 * LANES;
        let packed = &self.packed[first / LANES * size..][..blocks * size];
        dispatch!(level, simd => transform(simd, packed, out));
    }
}

#[inline(always)]
fn transform<S: Simd>(simd: S, packed: &[f32], out: &mut [f32]) {
    let plane = out.len() / PRODUCTS;
    for (i, kernel) in packed.chunks_exact(9 * LANES).enumerate() {
        let mut rows = [[f32x8::splat(simd, 0.0); POINTS]; 3];
        for y in 0..3 {
            let g = [load(simd, kernel, 3 * y), load(simd, kernel, 3 * y + 1), load(simd, kernel, 3 * y + 2)];
            rows[y] = transform_row(simd, g);
        }
        for x in 0..POINTS {
            let column = transform_row(simd, [rows[0][x], rows[1][x], rows[2][x]]);
            for y in 0..POINTS {
                let at = (y * POINTS + x) * plane + i * LANES;
                column[y].store_slice(&mut out[at..at + LANES]);
            }
        }
    }
}

#[inline(always)]
fn load<S: Simd>(simd: S, kernel: &[f32], i: usize) -> f32x8<S> {
    f32x8::from_slice(simd, &kernel[i * LANES..(i + 1) * LANES])
}

#[inline(always)]
fn times<S: Simd>(simd: S, value: f32x8<S>, factor: f32) -> f32x8<S> {
    value * f32x8::splat(simd, factor)
}

/// G g: one row or column of a kernel.
#[inline(always)]
fn transform_row<S: Simd>(simd: S, [a, b, c]: [f32x8<S>; 3]) -> [f32x8<S>; POINTS] {
    let ends = a + c;
    let far = a.mul_add_precise(f32x8::splat(simd, 0.25), c);
    [
        times(simd, a, 0.25),
        times(simd, ends + b, -1.0 / 6.0),
        times(simd, b - ends, 1.0 / 6.0),
        times(simd, b.mul_add_precise(f32x8::splat(simd, 0.5), far), 1.0 / 6.0),
        times(simd, b.mul_add_precise(f32x8::splat(simd, -0.5), far), 1.0 / 6.0),
        c,
    ]
}
