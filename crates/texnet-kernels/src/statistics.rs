//! Mean and variance per channel.

use crate::map::Map;

/// Mean and variance (divided by the number of values) of one channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The variance.
    pub variance: f64,
}

/// Independent partial sums; a fixed number, so that the result does not depend on the machine.
const PARTS: usize = 8;

/// The moments of every channel, in two passes and double precision.
#[must_use]
pub fn moments(map: &Map) -> Vec<Moments> {
    (0..map.channels()).map(|c| channel_moments(map, c)).collect()
}

fn channel_moments(map: &Map, c: usize) -> Moments {
    let count = (map.height() * map.width()) as f64;
    let mean = sum(map, c, |v| v) / count;
    Moments { mean, variance: sum(map, c, |v| (v - mean) * (v - mean)) / count }
}

fn sum(map: &Map, c: usize, term: impl Fn(f64) -> f64) -> f64 {
    let mut parts = [0.0; PARTS];
    for y in 0..map.height() {
        let chunks = map.row(c, y).chunks_exact(PARTS);
        let rest = chunks.remainder();
        for chunk in chunks {
            parts.iter_mut().zip(chunk).for_each(|(part, &v)| *part += term(f64::from(v)));
        }
        parts.iter_mut().zip(rest).for_each(|(part, &v)| *part += term(f64::from(v)));
    }
    parts.iter().sum()
}
