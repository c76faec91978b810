//! The product under every convolution: four outputs at a time, a run of columns, one fused order of terms.
//!
//! `out[o][x] = activation(bias[o] + sum over t of weights[o][t] * source[offsets[t] + x])`. A direct convolution
//! has a term for each channel and kernel element, a 1x1 convolution and a Winograd product one for each channel.
//! Terms are summed in chunks, and the chunks one after the other: with nine to a chunk the rounding error of a
//! 3x3 convolution of 48 channels is about a seventh of that of one long sum.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use fearless_simd::{Simd, SimdBase, SimdFloat, f32x8, f32x16};

/// Outputs computed together.
pub(crate) const ROWS: usize = 4;

/// The left factor.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a> {
    /// `[outputs / 4, terms, 4]`, the last group filled with zeros: see [`pack`].
    pub(crate) weights: &'a [f32],
    /// A multiple of four values.
    pub(crate) bias: &'a [f32],
    pub(crate) outputs: usize,
    /// Terms of a partial sum.
    pub(crate) chunk: usize,
    pub(crate) slope: Option<f32>,
}

/// The right factor: row `t` begins at `offsets[t]` of `data`.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) offsets: &'a [usize],
}

/// Weights in the order of [`Panel::weights`].
pub(crate) fn pack(outputs: usize, terms: usize, weight: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let blocks = (0..outputs.div_ceil(ROWS)).flat_map(|b| (0..terms).map(move |t| (b, t)));
    let rows = blocks.flat_map(|(b, t)| (0..ROWS).map(move |r| (ROWS * b + r, t)));
    rows.map(|(o, t)| if o < outputs { weight(o, t) } else { 0.0 }).collect()
}

/// Writes `columns` (a multiple of 8) values of every output; those of output `o` begin at `o * stride` of `out`.
#[inline(always)]
pub(crate) fn multiply<S: Simd>(
    simd: S,
    panel: Panel<'_>,
    source: Source<'_>,
    out: &mut [f32],
    stride: usize,
    columns: usize,
) {
    let wide = <S::f32s as SimdBase<S>>::LEN >= 16;
    let blocks = panel.weights.chunks_exact(ROWS * source.offsets.len());
    for (block, (weights, bias)) in blocks.zip(panel.bias.chunks_exact(ROWS)).enumerate() {
        let rows = ROWS.min(panel.outputs - ROWS * block);
        let out = &mut out[ROWS * block * stride..];
        let tile = Tile { weights, bias, chunk: panel.chunk, slope: panel.slope, rows, source, stride };
        let mut x = 0;
        while wide && x + 32 <= columns {
            tile.compute::<S, f32x16<S>, 2>(simd, out, x);
            x += 32;
        }
        while x + 16 <= columns {
            tile.compute::<S, f32x16<S>, 1>(simd, out, x);
            x += 16;
        }
        while x + 8 <= columns {
            tile.compute::<S, f32x8<S>, 1>(simd, out, x);
            x += 8;
        }
    }
}

struct Tile<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    chunk: usize,
    slope: Option<f32>,
    rows: usize,
    source: Source<'a>,
    stride: usize,
}

impl Tile<'_> {
    /// Four outputs by `N` vectors, held in registers over all terms.
    #[inline(always)]
    fn compute<S: Simd, V: SimdFloat<S, Element = f32>, const N: usize>(
        &self,
        simd: S,
        out: &mut [f32],
        x: usize,
    ) {
        let mut sums = [[V::splat(simd, 0.0); N]; ROWS];
        for r in 0..ROWS {
            sums[r] = [V::splat(simd, self.bias[r]); N];
        }
        let offsets = self.source.offsets;
        let mut start = 0;
        while start < offsets.len() {
            let end = offsets.len().min(start + self.chunk);
            let weights = &self.weights[ROWS * start..ROWS * end];
            let partial = self.partial::<S, V, N>(simd, weights, &offsets[start..end], x);
            for r in 0..ROWS {
                for n in 0..N {
                    sums[r][n] += partial[r][n];
                }
            }
            start = end;
        }
        for r in 0..ROWS {
            if r >= self.rows {
                break;
            }
            for n in 0..N {
                let at = r * self.stride + x + n * V::LEN;
                activate(simd, sums[r][n], self.slope).store_slice(&mut out[at..at + V::LEN]);
            }
        }
    }
}

impl Tile<'_> {
    #[inline(always)]
    fn partial<S: Simd, V: SimdFloat<S, Element = f32>, const N: usize>(
        &self,
        simd: S,
        weights: &[f32],
        offsets: &[usize],
        x: usize,
    ) -> [[V; N]; ROWS] {
        let mut sums = [[V::splat(simd, 0.0); N]; ROWS];
        for t in 0..offsets.len() {
            let (weights, offset) = (&weights[ROWS * t..ROWS * t + ROWS], offsets[t]);
            let values = &self.source.data[offset + x..offset + x + N * V::LEN];
            for n in 0..N {
                let value = V::from_slice(simd, &values[n * V::LEN..(n + 1) * V::LEN]);
                for r in 0..ROWS {
                    sums[r][n] = value.mul_add_precise(V::splat(simd, weights[r]), sums[r][n]);
                }
            }
        }
        sums
    }
}

/// The vectors that cover a multiple of 8 columns: where each begins, and whether it has 16 lanes or 8.
#[inline(always)]
pub(crate) fn vectors<S: Simd>(columns: usize) -> impl Iterator<Item = (usize, bool)> {
    let wide = if <S::f32s as SimdBase<S>>::LEN >= 16 { columns / 16 } else { 0 };
    (0..wide).map(|i| (16 * i, true)).chain((16 * wide..columns).step_by(8).map(|x| (x, false)))
}

/// [`crate::reference::activation`] on a vector.
#[inline(always)]
pub(crate) fn activate<S: Simd, V: SimdFloat<S, Element = f32>>(simd: S, value: V, slope: Option<f32>) -> V {
    match slope {
        Some(slope) => value.max(value * V::splat(simd, slope)),
        None => value,
    }
}
