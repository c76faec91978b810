//! The product under every kernel of learning: sums of shifted copies.
//!
//! `out[o][x] = bias[o] + sum over t of weights[o][t] * data[start + offsets[t] + x]`. A convolution of any kernel and
//! stride, and its gradient to the data, are such sums over a padded picture; only the offsets differ. Terms are
//! added one after the other with fused multiply-adds, so that neither the vector's length nor the place of a value
//! in it changes a bit.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch};

/// Outputs whose weights lie together.
pub(super) const BLOCK: usize = 8;
/// Values that may be read behind the last column: one vector.
pub const SLACK: usize = 16;

/// The left factor: weights of every output for every term, in the order in which the product reads them.
#[derive(Debug, Clone)]
pub struct Taps {
    outputs: usize,
    terms: usize,
    /// Blocks of up to eight outputs, `[terms, outputs of the block]` each.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Taps {
    /// The weights `weight(output, term)` and as many biases as there are outputs; no bias for an empty slice.
    #[must_use]
    pub fn new(outputs: usize, terms: usize, bias: &[f32], weight: impl Fn(usize, usize) -> f32) -> Self {
        let mut weights = Vec::with_capacity(outputs * terms);
        for first in (0..outputs).step_by(BLOCK) {
            let block = first..outputs.min(first + BLOCK);
            (0..terms).for_each(|t| weights.extend(block.clone().map(|o| weight(o, t))));
        }
        let bias = if bias.is_empty() { vec![0.0; outputs] } else { bias.to_vec() };
        Self { outputs, terms, weights, bias }
    }

    /// Writes the first `columns` values of every output: output `o` to `out[o][at..at + columns]`.
    ///
    /// Row `t` of the right factor begins at `offsets[t]` of `data`, which has [`SLACK`] more values than are needed.
    pub fn multiply(
        &self,
        level: Level,
        data: &[f32],
        offsets: &[usize],
        out: &mut [&mut [f32]],
        at: usize,
        columns: usize,
    ) {
        assert_eq!(offsets.len(), self.terms, "an offset for every term");
        let taps = TapsRef { outputs: self.outputs, weights: &self.weights, bias: &self.bias };
        dispatch!(level, simd => taps.run(simd, Source { data, offsets }, out, at, columns));
    }
}

/// [`Taps`], borrowed.
#[derive(Clone, Copy)]
pub(super) struct TapsRef<'a> {
    pub(super) outputs: usize,
    /// As in [`Taps`].
    pub(super) weights: &'a [f32],
    pub(super) bias: &'a [f32],
}

impl TapsRef<'_> {
    /// As [`Taps::multiply`].
    #[inline(always)]
    pub(super) fn run<S: Simd>(
        self,
        simd: S,
        source: Source<'_>,
        out: &mut [&mut [f32]],
        at: usize,
        columns: usize,
    ) {
        let wide = <S::f32s as SimdBase<S>>::LEN >= 16;
        let terms = source.offsets.len();
        for first in (0..self.outputs).step_by(BLOCK) {
            let size = BLOCK.min(self.outputs - first);
            let weights = &self.weights[first * terms..(first + size) * terms];
            let mut row = 0;
            while row < size {
                let tile = Tile { weights, size, row, bias: &self.bias[first + row..], source };
                let out = &mut out[first + row..];
                row += match size - row {
                    8 if wide => tile.columns::<S, 8, 2>(simd, out, at, columns),
                    4.. if wide => tile.columns::<S, 4, 4>(simd, out, at, columns),
                    4.. => tile.columns::<S, 4, 2>(simd, out, at, columns),
                    3 => tile.columns::<S, 3, 4>(simd, out, at, columns),
                    2 => tile.columns::<S, 2, 4>(simd, out, at, columns),
                    _ => tile.columns::<S, 1, 4>(simd, out, at, columns),
                };
            }
        }
    }
}

/// The right factor: row `t` begins at `offsets[t]`.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) data: &'a [f32],
    pub(super) offsets: &'a [usize],
}

/// Some rows of a block.
#[derive(Clone, Copy)]
struct Tile<'a> {
    weights: &'a [f32],
    /// Outputs of the block.
    size: usize,
    /// The first row of the tile in the block.
    row: usize,
    bias: &'a [f32],
    source: Source<'a>,
}

impl Tile<'_> {
    /// All columns of `R` outputs, `N` vectors at a time; returns `R`.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const N: usize>(
        self,
        simd: S,
        out: &mut [&mut [f32]],
        at: usize,
        columns: usize,
    ) -> usize {
        let lanes = <S::f32s as SimdBase<S>>::LEN;
        let mut x = 0;
        while x + N * lanes <= columns {
            let sums = self.sums::<S, R, N>(simd, x);
            for r in 0..R {
                for n in 0..N {
                    let start = at + x + n * lanes;
                    sums[r][n].store_slice(&mut out[r][start..start + lanes]);
                }
            }
            x += N * lanes;
        }
        while x < columns {
            let valid = lanes.min(columns - x);
            let sums = self.sums::<S, R, 1>(simd, x);
            for r in 0..R {
                let values = sums[r][0].as_slice();
                out[r][at + x..at + x + valid].copy_from_slice(&values[..valid]);
            }
            x += lanes;
        }
        R
    }

    #[inline(always)]
    fn sums<S: Simd, const R: usize, const N: usize>(self, simd: S, x: usize) -> [[S::f32s; N]; R] {
        let lanes = <S::f32s as SimdBase<S>>::LEN;
        let mut sums = [[S::f32s::splat(simd, 0.0); N]; R];
        for r in 0..R {
            sums[r] = [S::f32s::splat(simd, self.bias[r]); N];
        }
        for t in 0..self.source.offsets.len() {
            let start = t * self.size + self.row;
            let weights = &self.weights[start..start + R];
            let start = self.source.offsets[t] + x;
            let values = &self.source.data[start..start + N * lanes];
            for n in 0..N {
                let value = S::f32s::from_slice(simd, &values[n * lanes..(n + 1) * lanes]);
                for r in 0..R {
                    sums[r][n] = value.mul_add_precise(S::f32s::splat(simd, weights[r]), sums[r][n]);
                }
            }
        }
        sums
    }
}

/// The slices that hold rows `band * rows ..` of every plane, for every band of a stack of planes.
///
/// Bands can be written by different threads at once.
#[must_use]
pub fn bands(planes: &mut [f32], plane: usize, band: usize) -> Vec<Vec<&mut [f32]>> {
    let mut bands: Vec<Vec<&mut [f32]>> = (0..plane.div_ceil(band)).map(|_| Vec::new()).collect();
    for plane in planes.chunks_mut(plane) {
        plane.chunks_mut(band).zip(&mut bands).for_each(|(rows, band)| band.push(rows));
    }
    bands
}
