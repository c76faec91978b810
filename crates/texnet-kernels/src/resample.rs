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

/// Twice as large by bilinear interpolation, without the border: a field of `[height, width]` becomes one of
/// `[2 * height - 4, 2 * width - 4]`.
#[must_use]
pub fn upsample_smooth(input: &Map) -> Map {
    let [height, width] = [input.height(), input.width()].map(|side| 2 * side.saturating_sub(2));
    let mut out = Map::new(input.channels(), height, width);
    let mut between = Vec::with_capacity(input.width());
    for y in 0..height {
        for c in 0..input.channels() {
            let [near, far] = neighbours(y as i64).map(|row| input.row(c, (row + 1) as usize));
            between.clear();
            between.extend(near.iter().zip(far).map(|(&near, &far)| interpolated(near, far)));
            for (pair, row) in out.row_mut(c, y).chunks_exact_mut(2).zip(between.windows(3)) {
                pair.copy_from_slice(&[interpolated(row[1], row[0]), interpolated(row[1], row[2])]);
            }
        }
    }
    out
}

/// The two rows of a field between whose centres the centre of row `y` of one twice as large lies, the nearer first.
#[must_use]
pub fn neighbours(y: i64) -> [i64; 2] {
    let near = y.div_euclid(2);
    [near, near + 2 * y.rem_euclid(2) - 1]
}

/// The value a quarter of the way from `near` to `far`.
#[must_use]
#[inline(always)]
pub fn interpolated(near: f32, far: f32) -> f32 {
    0.75 * near + 0.25 * far
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
