//! Twice as large, half as large.

use crate::map::Map;

/// Every value twice in both directions.
#[must_use]
pub fn upsample(input: &Map) -> Map {
    let mut out = Map::new(input.channels(), 2 * input.height(), 2 * input.width());
    for y in 0..2 * input.height() {
        for c in 0..input.channels() {
            double(input.row(c, y / 2), out.row_mut(c, y));
        }
    }
    out
}

fn double(row: &[f32], out: &mut [f32]) {
    for (pair, &value) in out.chunks_exact_mut(2).zip(row) {
        pair.fill(value);
    }
}

/// Means of blocks of 2x2; height and width are even.
#[must_use]
pub fn halve(input: &Map) -> Map {
    let mut out = Map::new(input.channels(), input.height() / 2, input.width() / 2);
    for y in 0..input.height() / 2 {
        for c in 0..input.channels() {
            let [above, below] = [0, 1].map(|r| input.row(c, 2 * y + r).chunks_exact(2));
            for ((value, a), b) in out.row_mut(c, y).iter_mut().zip(above).zip(below) {
                *value = 0.25 * ((a[0] + a[1]) + (b[0] + b[1]));
            }
        }
    }
    out
}
