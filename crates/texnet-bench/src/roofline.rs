//! What a core can do at most, measured: multiply-adds a second, and bytes a second through its caches.

use std::hint::black_box;
use std::time::Instant;

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f32x16};

/// Vectors that are summed side by side: enough to hide the latency of an addition.
const STRANDS: usize = 16;
/// Values of a vector.
const LANES: usize = 16;
/// Values that are copied: 2 MiB to 2 MiB, as large as the planes of a step.
const COPIED: usize = 1 << 19;

/// What one core can do.
#[derive(Debug, Clone, Copy)]
pub struct Roofline {
    /// Multiplications and additions a second.
    pub flops: f64,
    /// Bytes read and written a second.
    pub bytes: f64,
}

impl Roofline {
    /// The best of a few trials on this thread.
    #[must_use]
    pub fn measure() -> Self {
        let best = |trial: &dyn Fn() -> f64| (0..7).map(|_| trial()).fold(0.0, f64::max);
        Self { flops: best(&flops), bytes: best(&bytes) }
    }

    /// Seconds below which work cannot be done.
    #[must_use]
    pub fn least(&self, flops: f64, bytes: f64) -> f64 {
        (flops / self.flops).max(bytes / self.bytes)
    }
}

fn flops() -> f64 {
    const ROUNDS: usize = 2_000_000;
    let start = Instant::now();
    black_box(dispatch!(Level::new(), simd => multiply(simd, ROUNDS)));
    (2 * STRANDS * LANES * ROUNDS) as f64 / start.elapsed().as_secs_f64()
}

#[inline(always)]
fn multiply<S: Simd>(simd: S, rounds: usize) -> f32 {
    let mut sums = [f32x16::splat(simd, black_box(0.5)); STRANDS];
    let factor = f32x16::splat(simd, black_box(0.999));
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = sum.mul_add_precise(factor, factor);
        }
    }
    sums.iter().map(|sum| sum.as_slice()[0]).sum()
}

fn bytes() -> f64 {
    const ROUNDS: usize = 32;
    let (from, mut to) = (vec![1.0_f32; COPIED], vec![0.0_f32; COPIED]);
    let start = Instant::now();
    for _ in 0..ROUNDS {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    }
    (2 * 4 * COPIED * ROUNDS) as f64 / start.elapsed().as_secs_f64()
}
