//! Counter-based noise: a pure function of seed, scale, channel, row and column.
//!
//! A row has two 32-bit keys, mixed from everything but the column; a value is a hash of the column under these
//! keys. No state is kept, so any window may be drawn alone, and a period only wraps the coordinates.

use texnet_kernels::{Level, vectorized};

/// Uniform noise in `[low, high)`, scaled.
#[derive(Debug, Clone, Copy)]
pub struct Uniform {
    /// Smallest value.
    pub low: f32,
    /// Largest value, excluded.
    pub high: f32,
    /// Factor on every value.
    pub factor: f32,
}

/// The keys of one row of one channel.
#[derive(Debug, Clone, Copy)]
pub struct RowKey {
    first: u32,
    second: u32,
}

/// The columns of a row in the form in which they enter the hash.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    low: u32,
    high: u32,
}

impl RowKey {
    /// The key of row `y` of `channel` at `scale` (0 is the coarsest).
    #[must_use]
    pub fn new(seed: u64, scale: usize, channel: usize, y: i64) -> Self {
        let place = ((scale as u64) << 32) | channel as u64;
        let key = mix(mix(mix(seed) ^ place) ^ y as u64);
        Self { first: key as u32, second: (key >> 32) as u32 }
    }

    /// The noise at a column.
    #[must_use]
    #[inline(always)]
    pub fn value(self, column: Column, range: Uniform) -> f32 {
        let hash = scramble(scramble(column.low ^ self.first).wrapping_add(column.high ^ self.second));
        let unit = (hash >> 8) as f32 * (1.0 / 16_777_216.0);
        (range.low + unit * (range.high - range.low)) * range.factor
    }
}

/// The noise of one row at these columns.
pub fn fill(level: Level, key: RowKey, range: Uniform, columns: &[Column], out: &mut [f32]) {
    vectorized(level, || out.iter_mut().zip(columns).for_each(|(v, &column)| *v = key.value(column, range)));
}

impl Column {
    /// Column `x` of the plane.
    #[must_use]
    pub fn new(x: i64) -> Self {
        Self { low: x as u32, high: (((x as u64) >> 32) as u32).wrapping_mul(0x9E37_79B9) }
    }
}

/// `value`, or its place in the period if there is one.
#[must_use]
pub fn wrap(value: i64, period: Option<i64>) -> i64 {
    period.map_or(value, |p| value.rem_euclid(p))
}

/// A bijection of 64 bits after the finaliser of SplitMix64 (Steele et al. 2014).
fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A bijection of 32 bits with low bias: two rounds of xor-shift and multiply (Wellons, "Hash function prospector").
#[inline(always)]
fn scramble(value: u32) -> u32 {
    let x = (value ^ (value >> 16)).wrapping_mul(0x7FEB_352D);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Uniform = Uniform { low: 0.0, high: 1.0, factor: 1.0 };

    fn draw(seed: u64, scale: usize, channel: usize, y: i64, x: i64) -> f64 {
        f64::from(RowKey::new(seed, scale, channel, y).value(Column::new(x), UNIT))
    }

    fn correlation(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
        let pairs: Vec<_> = pairs.map(|(a, b)| (a - 0.5, b - 0.5)).collect();
        12.0 * pairs.iter().map(|(a, b)| a * b).sum::<f64>() / pairs.len() as f64
    }

    #[test]
    fn values_are_uniform() {
        let values: Vec<f64> = (0..256).flat_map(|y| (-128..128).map(move |x| draw(1, 2, 0, y, x))).collect();
        let mut counts = [0_u32; 16];
        values.iter().for_each(|v| counts[(v * 16.0) as usize] += 1);
        let expected = values.len() as f64 / 16.0;
        let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        assert!(chi2 < 37.7, "chi-squared of 15 degrees of freedom is {chi2}, beyond the 0.1 % point");
    }

    #[test]
    fn neighbours_in_every_coordinate_are_independent() {
        let grid = || (0..200).flat_map(|y| (0..200).map(move |x| (y, x)));
        let at = |d: [i64; 5]| {
            correlation(grid().map(|(y, x)| {
                let moved = draw(7 + d[0] as u64, d[1] as usize, d[2] as usize, y + d[3], x + d[4]);
                (draw(7, 0, 0, y, x), moved)
            }))
        };
        for step in [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]] {
            assert!(at(step).abs() < 0.02, "a step of {step:?} correlates by {}", at(step));
        }
        assert!(at([0, 0, 0, 0, 1 << 32]).abs() < 0.02, "columns 2^32 apart are not the same");
    }
}
