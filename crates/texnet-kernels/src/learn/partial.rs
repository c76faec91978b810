//! Vectors at the end of a row.

use fearless_simd::{Simd, SimdBase, f32x16};

/// Lanes of a vector.
const LANES: usize = 16;

/// The first values, as many as a vector holds; zeros where there are fewer.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, values: &[f32]) -> f32x16<S> {
    if let Some(values) = values.get(..LANES) {
        return f32x16::from_slice(simd, values);
    }
    let mut lanes = [0.0; LANES];
    lanes[..values.len()].copy_from_slice(values);
    f32x16::from_slice(simd, &lanes)
}
