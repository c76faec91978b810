//! Pooling of 2x2 positions and its gradient: the largest, or the mean. An odd last row or column is forgotten.

use fearless_simd::{Level, Select, Simd, SimdBase, dispatch, f32x16};
use rayon::prelude::*;

use super::partial::load;

/// Pooled values of a vector.
const LANES: usize = 16;

/// What four positions become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// The largest; where several are, the gradient goes to the first of them, row by row.
    Max,
    /// Their mean.
    Average,
}

/// Planes `[height, width]`, each pooled by itself: `[height / 2, width / 2]`.
#[must_use]
pub fn forward(level: Level, pool: Pool, [height, width]: [usize; 2], x: &[f32]) -> Vec<f32> {
    let [rows, columns] = [height / 2, width / 2];
    let mut out = vec![0.0; x.len() / (height * width) * rows * columns];
    if rows * columns == 0 {
        return out;
    }
    let planes = out.par_chunks_exact_mut(rows * columns).zip(x.par_chunks_exact(height * width));
    planes.for_each(|(out, x)| {
        let pairs = x.chunks_exact(2 * width).zip(out.chunks_exact_mut(columns));
        dispatch!(level, simd => pairs.for_each(|(pair, out)| pool_rows(simd, pool, pair.split_at(width), out)));
    });
    out
}

#[inline(always)]
fn pool_rows<S: Simd>(simd: S, pool: Pool, (above, below): (&[f32], &[f32]), out: &mut [f32]) {
    for x in (0..out.len()).step_by(LANES) {
        let [a, b, c, d] = quads(simd, above, below, x);
        let pooled = match pool {
            Pool::Max => a.max(b).max(c.max(d)),
            Pool::Average => ((a + b) + (c + d)) * f32x16::splat(simd, 0.25),
        };
        let valid = LANES.min(out.len() - x);
        out[x..x + valid].copy_from_slice(&pooled.as_slice()[..valid]);
    }
}

/// The four positions, row by row, of each pooled one from column `x` on; zeros behind the end.
#[inline(always)]
fn quads<S: Simd>(simd: S, above: &[f32], below: &[f32], x: usize) -> [f32x16<S>; 4] {
    let (a, b) = even_and_odd(simd, &above[2 * x..]);
    let (c, d) = even_and_odd(simd, &below[2 * x..]);
    [a, b, c, d]
}

#[inline(always)]
fn even_and_odd<S: Simd>(simd: S, row: &[f32]) -> (f32x16<S>, f32x16<S>) {
    let second = row.get(LANES..).unwrap_or_default();
    simd.deinterleave_f32x16(load(simd, row), load(simd, second))
}

/// The gradient to `x` from that to `out`, the result of [`forward`].
#[must_use]
pub fn backward(
    level: Level,
    pool: Pool,
    [height, width]: [usize; 2],
    x: &[f32],
    out: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let [rows, columns] = [height / 2, width / 2];
    let mut result = vec![0.0; x.len()];
    if rows * columns == 0 {
        return result;
    }
    let pooled = out.par_chunks_exact(rows * columns).zip(gradient.par_chunks_exact(rows * columns));
    let planes = result.par_chunks_exact_mut(height * width).zip(x.par_chunks_exact(height * width));
    planes.zip(pooled).for_each(|((result, x), (out, gradient))| {
        let pairs = result.chunks_exact_mut(2 * width).zip(x.chunks_exact(2 * width));
        let pooled = out.chunks_exact(columns).zip(gradient.chunks_exact(columns));
        dispatch!(level, simd => pairs.zip(pooled).for_each(|((result, x), pooled)| {
            unpool_rows(simd, pool, x.split_at(width), pooled, result.split_at_mut(width));
        }));
    });
    result
}

#[inline(always)]
fn unpool_rows<S: Simd>(
    simd: S,
    pool: Pool,
    (above, below): (&[f32], &[f32]),
    (out, gradient): (&[f32], &[f32]),
    (to_above, to_below): (&mut [f32], &mut [f32]),
) {
    for x in (0..out.len()).step_by(LANES) {
        let [a, b, c, d] = match pool {
            Pool::Max => to_first(
                simd,
                quads(simd, above, below, x),
                load(simd, &out[x..]),
                load(simd, &gradient[x..]),
            ),
            Pool::Average => [load(simd, &gradient[x..]) * f32x16::splat(simd, 0.25); 4],
        };
        let valid = LANES.min(out.len() - x);
        store_pairs(simd, a, b, &mut to_above[2 * x..2 * (x + valid)]);
        store_pairs(simd, c, d, &mut to_below[2 * x..2 * (x + valid)]);
    }
}

/// The gradient where a value is the largest, and zero where it is not or one before it is.
#[inline(always)]
fn to_first<S: Simd>(
    simd: S,
    values: [f32x16<S>; 4],
    largest: f32x16<S>,
    mut gradient: f32x16<S>,
) -> [f32x16<S>; 4] {
    let none = f32x16::splat(simd, 0.0);
    let mut shares = [none; 4];
    for i in 0..4 {
        let is = values[i].simd_eq(largest);
        shares[i] = is.select(gradient, none);
        gradient = is.select(none, gradient);
    }
    shares
}

#[inline(always)]
fn store_pairs<S: Simd>(simd: S, even: f32x16<S>, odd: f32x16<S>, out: &mut [f32]) {
    let (first, second) = simd.interleave_f32x16(even, odd);
    let [left, right] = [first.as_slice(), second.as_slice()];
    let middle = LANES.min(out.len());
    out[..middle].copy_from_slice(&left[..middle]);
    let rest = out.len() - middle;
    out[middle..].copy_from_slice(&right[..rest]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_takes_the_gradient_and_odd_ends_are_forgotten() {
        let x = [1.0, 5.0, 2.0, 2.0, 9.0, 5.0, 0.0, 2.0, 2.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0];
        let out = forward(Level::new(), Pool::Max, [3, 5], &x);
        assert_eq!(out, [5.0, 2.0]);
        let mut expected = [0.0; 15];
        (expected[1], expected[2]) = (7.0, 8.0);
        assert_eq!(backward(Level::new(), Pool::Max, [3, 5], &x, &out, &[7.0, 8.0]), expected);
        assert!(forward(Level::new(), Pool::Max, [1, 15], &x).is_empty());
        assert_eq!(backward(Level::new(), Pool::Max, [1, 15], &x, &[], &[]), [0.0; 15]);
    }
}
