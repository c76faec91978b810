//! Inner products of channels, four by four at a time.
//!
//! Positions lie along the vectors, and sixteen products have a sum for each lane in the registers; the lanes are added
//! in the end, those of all sixteen together.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use fearless_simd::{Simd, SimdBase, SimdFloat, f32x16};

/// Channels that are multiplied with as many others together.
pub(super) const SIDE: usize = 4;
/// Their products.
pub(super) const SQUARE: usize = SIDE * SIDE;
/// Values of a vector.
pub(super) const LANES: usize = 16;

/// The values of a channel.
type Vectors<'a> = &'a [[f32; LANES]];
/// Some channels.
pub(super) type Channels<'a> = [Vectors<'a>; SIDE];

/// The channels from `first` on, which lie `stride` values apart, whole vectors; the last one stands in for those that
/// there are not.
#[inline(always)]
pub(super) fn channels(values: &[f32], [first, count]: [usize; 2], stride: usize) -> Channels<'_> {
    let mut rows: Channels<'_> = [&[]; SIDE];
    for i in 0..SIDE {
        let start = (first + i).min(count - 1) * stride;
        rows[i] = values[start..start + stride].as_chunks().0;
    }
    rows
}

/// The inner products of four channels with four others, all of one length: row by row.
#[inline(always)]
pub(super) fn products<S: Simd>(simd: S, rows: Channels<'_>, columns: Channels<'_>) -> f32x16<S> {
    let mut sums = [f32x16::splat(simd, 0.0); SQUARE];
    if <S::f32s as SimdBase<S>>::LEN >= LANES {
        sums_of::<S, SIDE>(simd, [0, 0], rows, columns, &mut sums);
    } else {
        for r in (0..SIDE).step_by(2) {
            for t in (0..SIDE).step_by(2) {
                sums_of::<S, 2>(simd, [r, t], rows, columns, &mut sums);
            }
        }
    }
    fold(simd, sums)
}

/// Of as many rows and columns, from the given ones on, as registers hold; a sum for each lane.
#[inline(always)]
fn sums_of<S: Simd, const N: usize>(
    simd: S,
    [row, column]: [usize; 2],
    rows: Channels<'_>,
    columns: Channels<'_>,
    sums: &mut [f32x16<S>; SQUARE],
) {
    let mut acc = [[f32x16::splat(simd, 0.0); N]; N];
    let count = rows[0].len();
    let (rows, columns) = (cut::<N>(&rows[row..], count), cut::<N>(&columns[column..], count));
    for x in 0..count {
        let mut values = [f32x16::splat(simd, 0.0); N];
        for t in 0..N {
            values[t] = f32x16::from_slice(simd, &columns[t][x]);
        }
        for r in 0..N {
            let g = f32x16::from_slice(simd, &rows[r][x]);
            for t in 0..N {
                acc[r][t] = g.mul_add_precise(values[t], acc[r][t]);
            }
        }
    }
    for r in 0..N {
        for t in 0..N {
            sums[(row + r) * SIDE + column + t] = acc[r][t];
        }
    }
}

/// The sum of every vector's lanes: halves are added, sixteen vectors at a time.
#[inline(always)]
fn fold<S: Simd>(simd: S, mut sums: [f32x16<S>; SQUARE]) -> f32x16<S> {
    let mut half = SQUARE / 2;
    while half > 0 {
        for i in 0..half {
            let (low, high) = simd.interleave_f32x16(sums[i], sums[i + half]);
            sums[i] = low + high;
        }
        half /= 2;
    }
    sums[0]
}

/// The first `N`, all of the same length.
#[inline(always)]
fn cut<'a, const N: usize>(rows: &[Vectors<'a>], count: usize) -> [Vectors<'a>; N] {
    let mut out: [Vectors<'a>; N] = [&[]; N];
    for i in 0..N {
        out[i] = &rows[i][..count];
    }
    out
}
