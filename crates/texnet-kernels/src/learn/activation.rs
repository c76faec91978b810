//! The activation where no live normalisation does it along the way: values below zero times a slope (Maas et al. 2013).

use fearless_simd::Level;
use rayon::prelude::*;

use crate::vectorized;

/// Values that one thread works on at a time.
const PART: usize = 1 << 14;

/// `x`, times `slope` in `[0, 1]` where it is negative.
#[must_use]
pub fn forward(level: Level, slope: f32, x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(PART).zip(x.par_chunks(PART)).for_each(|(out, x)| {
        vectorized(
            level,
            #[inline(always)]
            || out.iter_mut().zip(x).for_each(|(out, &x)| *out = x.max(slope * x)),
        );
    });
    out
}

/// The gradient to `x` from that to the result.
#[must_use]
pub fn backward(level: Level, slope: f32, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut to_x = vec![0.0; x.len()];
    let parts = x.par_chunks(PART).zip(gradient.par_chunks(PART));
    to_x.par_chunks_mut(PART).zip(parts).for_each(|(to_x, (x, g))| {
        vectorized(
            level,
            #[inline(always)]
            || {
                let values = to_x.iter_mut().zip(x.iter().zip(g));
                values.for_each(|(to_x, (&x, &g))| *to_x = if x > 0.0 { g } else { slope * g });
            },
        );
    });
    to_x
}
