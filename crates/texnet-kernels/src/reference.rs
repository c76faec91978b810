//! Every operation as plain loops: the definition, and the oracle of every test.

use crate::conv::{CHUNK, Conv};
use crate::map::Map;
use crate::pad::Border;

/// Convolution (cross-correlation, stride 1) without a border: a map of height `h` gives `h - kernel + 1` rows.
///
/// One output is `bias`, then the products in the order channel, kernel row, kernel column, in partial sums of nine
/// fused multiply-adds that are added one after the other, then the activation.
#[must_use]
pub fn conv(input: &Map, conv: &Conv) -> Map {
    let k = conv.kernel;
    let terms = conv.inputs * k * k;
    Map::from_fn(conv.outputs, input.height() + 1 - k, input.width() + 1 - k, |o, y, x| {
        let value = |t: usize| input.row(t / (k * k), y + t / k % k)[x + t % k];
        let add = |sum: f32, t: usize| conv.weight[o * terms + t].mul_add(value(t), sum);
        let chunks = (0..terms).step_by(CHUNK).map(|t| (t..terms.min(t + CHUNK)).fold(0.0, add));
        let sum = chunks.fold(conv.bias[o], |sum, partial| sum + partial);
        conv.slope.map_or(sum, |slope| activation(sum, slope))
    })
}

/// `value` above zero, `slope * value` below: ReLU for a slope of 0. The slope lies in `[0, 1]`.
#[must_use]
#[inline(always)]
pub fn activation(value: f32, slope: f32) -> f32 {
    value.max(slope * value)
}

/// One more row and column on every side.
#[must_use]
pub fn pad(input: &Map, border: Border) -> Map {
    Map::from_fn(input.channels(), input.height() + 2, input.width() + 2, |c, y, x| {
        match (border.source(y, input.height()), border.source(x, input.width())) {
            (Some(y), Some(x)) => input.row(c, y)[x],
            _ => 0.0,
        }
    })
}

/// Every value twice in both directions.
#[must_use]
pub fn upsample(input: &Map) -> Map {
    Map::from_fn(input.channels(), 2 * input.height(), 2 * input.width(), |c, y, x| {
        input.row(c, y / 2)[x / 2]
    })
}

/// Twice as large by bilinear interpolation, without the border: the result's pixel 0 lies in the input's pixel 1.
#[must_use]
pub fn upsample_smooth(input: &Map) -> Map {
    let [height, width] = [input.height(), input.width()].map(|side| 2 * (side - 2));
    Map::from_fn(input.channels(), height, width, |c, y, x| {
        let [rows, columns] = [y, x].map(|at| [at / 2 + 1, at / 2 + 2 * (at % 2)]);
        let at = |column: usize| 0.75 * input.row(c, rows[0])[column] + 0.25 * input.row(c, rows[1])[column];
        0.75 * at(columns[0]) + 0.25 * at(columns[1])
    })
}

/// Means of blocks of 2x2; height and width are even.
#[must_use]
pub fn halve(input: &Map) -> Map {
    Map::from_fn(input.channels(), input.height() / 2, input.width() / 2, |c, y, x| {
        let [above, below] = [0, 1].map(|r| input.row(c, 2 * y + r));
        0.25 * ((above[2 * x] + above[2 * x + 1]) + (below[2 * x] + below[2 * x + 1]))
    })
}

/// Mean and variance (divided by the number of values) of channel `c`.
#[must_use]
pub fn moments(input: &Map, c: usize) -> [f64; 2] {
    let values: Vec<f64> = (0..input.height()).flat_map(|y| input.row(c, y)).map(|&v| f64::from(v)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
    [mean, variance]
}
