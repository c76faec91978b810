//! Pooling of 2x2 positions and its gradient: the largest, or the mean. An odd last row or column is forgotten.

use fearless_simd::Level;
use rayon::prelude::*;

use crate::vectorized;

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
        vectorized(
            level,
            #[inline(always)]
            || {
                let pairs = x.chunks_exact(2 * width).zip(out.chunks_exact_mut(columns));
                pairs.for_each(|(pair, out)| pool_row(pool, pair.split_at(width), out));
            },
        );
    });
    out
}

#[inline(always)]
fn pool_row(pool: Pool, (above, below): (&[f32], &[f32]), out: &mut [f32]) {
    let quads = above.chunks_exact(2).zip(below.chunks_exact(2));
    match pool {
        Pool::Max => quads.zip(out).for_each(|((a, b), out)| *out = a[0].max(a[1]).max(b[0].max(b[1]))),
        Pool::Average => {
            quads.zip(out).for_each(|((a, b), out)| *out = 0.25 * ((a[0] + a[1]) + (b[0] + b[1])));
        }
    }
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
        vectorized(
            level,
            #[inline(always)]
            || {
                let pairs = result.chunks_exact_mut(2 * width).zip(x.chunks_exact(2 * width));
                let pooled = out.chunks_exact(columns).zip(gradient.chunks_exact(columns));
                for ((result, x), (out, gradient)) in pairs.zip(pooled) {
                    match pool {
                        Pool::Max => to_largest(x.split_at(width), out, gradient, result.split_at_mut(width)),
                        Pool::Average => to_all(gradient, result.split_at_mut(width)),
                    }
                }
            },
        );
    });
    result
}

#[inline(always)]
fn to_largest(
    (above, below): (&[f32], &[f32]),
    out: &[f32],
    gradient: &[f32],
    (to_above, to_below): (&mut [f32], &mut [f32]),
) {
    let quads = above.chunks_exact(2).zip(below.chunks_exact(2));
    let results = to_above.chunks_exact_mut(2).zip(to_below.chunks_exact_mut(2));
    for (((a, b), (to_a, to_b)), (largest, g)) in quads.zip(results).zip(out.iter().zip(gradient)) {
        let is = [a[0] == *largest, a[1] == *largest, b[0] == *largest, b[1] == *largest];
        let first = [is[0], !is[0] & is[1], !(is[0] | is[1]) & is[2], !(is[0] | is[1] | is[2]) & is[3]];
        [to_a[0], to_a[1], to_b[0], to_b[1]] = first.map(|first| if first { *g } else { 0.0 });
    }
}

#[inline(always)]
fn to_all(gradient: &[f32], (to_above, to_below): (&mut [f32], &mut [f32])) {
    for row in [to_above, to_below] {
        row.chunks_exact_mut(2).zip(gradient).for_each(|(to, g)| to.fill(0.25 * g));
    }
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
