//! The operations of learning as plain loops: their definition, and the oracle of the tests.

use super::conv::ConvShape;
use super::gram::GramShape;
use super::norm::{Group, NormShape};
use super::pool::Pool;
use super::projection::{Filters, Grid};

/// See [`super::conv::forward`].
#[must_use]
pub fn conv(shape: ConvShape, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let ConvShape { batch, inputs, outputs, size: [height, width], kernel, border } = shape;
    let mut out = Vec::new();
    for (n, o, y, x0) in places([batch, outputs, height, width]) {
        let mut sum = bias.get(o).map_or(0.0, |&b| f64::from(b));
        for (c, ky, kx) in
            (0..inputs).flat_map(|c| (0..kernel * kernel).map(move |i| (c, i / kernel, i % kernel)))
        {
            let row = border.index((y + ky) as isize - (kernel / 2) as isize, height);
            let column = border.index((x0 + kx) as isize - (kernel / 2) as isize, width);
            let (Some(row), Some(column)) = (row, column) else { continue };
            let value = x[((n * inputs + c) * height + row) * width + column];
            sum += f64::from(weight[((o * inputs + c) * kernel + ky) * kernel + kx]) * f64::from(value);
        }
        out.push(sum as f32);
    }
    out
}

fn places([batch, outputs, height, width]: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    let places =
        (0..batch * outputs * height * width).map(move |i| (i / (height * width), i % (height * width)));
    places.map(move |(plane, at)| (plane / outputs, plane % outputs, at / width, at % width))
}

/// See [`super::norm::forward`].
#[must_use]
pub fn norm(shape: NormShape, x: &[f32], gamma: &[f32], beta: &[f32]) -> Vec<f32> {
    let plane = |i: usize| i / shape.plane;
    let same = |i: usize, j: usize| match shape.group {
        Group::Instance => plane(i) == plane(j),
        Group::Batch => plane(i) % shape.channels == plane(j) % shape.channels,
    };
    let value = |i: usize| {
        let group: Vec<f64> = (0..x.len()).filter(|&j| same(i, j)).map(|j| f64::from(x[j])).collect();
        let mean = group.iter().sum::<f64>() / group.len() as f64;
        let variance = group.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / group.len() as f64;
        let c = plane(i) % shape.channels;
        let normalised = (f64::from(x[i]) - mean) / (variance + shape.epsilon).sqrt();
        let out = normalised * f64::from(gamma[c]) + f64::from(beta[c]);
        out.max(out * f64::from(shape.slope.unwrap_or(1.0))) as f32
    };
    (0..x.len()).map(value).collect()
}

/// See [`super::projection::project`].
#[must_use]
pub fn project(picture: &[f32], grid: Grid, filters: &Filters) -> Vec<f32> {
    let ([height, width], side) = (grid.size, filters.side);
    let [rows, columns] = grid.count();
    let mut out = Vec::new();
    for (_, o, y, x) in places([1, filters.count(), rows, columns]) {
        let mut sum = 0.0_f64;
        for t in 0..filters.terms() {
            let (c, ky, kx) = (t / (side * side), t / side % side, t % side);
            let row = (y * grid.stride + grid.origin[0] + ky + height * side - side / 2) % height;
            let column = (x * grid.stride + grid.origin[1] + kx + width * side - side / 2) % width;
            let weight = filters.weights[o * filters.terms() + t];
            sum += f64::from(weight) * f64::from(picture[(c * height + row) * width + column]);
        }
        out.push(sum as f32);
    }
    out
}

/// See [`super::gram::forward`].
#[must_use]
pub fn gram(shape: GramShape, x: &[f32]) -> Vec<f32> {
    let GramShape { batch, channels, positions } = shape;
    let plane = |n: usize, c: usize| &x[(n * channels + c) * positions..][..positions];
    let product = |(n, a, b, _): (usize, usize, usize, usize)| {
        let products = plane(n, a).iter().zip(plane(n, b)).map(|(u, v)| f64::from(*u) * f64::from(*v));
        (products.sum::<f64>() / positions as f64) as f32
    };
    places([batch, channels, channels, 1]).map(product).collect()
}

/// See [`super::pool::forward`].
#[must_use]
pub fn pool(pool: Pool, [height, width]: [usize; 2], x: &[f32]) -> Vec<f32> {
    let quad = |(plane, _, y, x0): (usize, usize, usize, usize)| {
        let at = |dy: usize, dx: usize| x[(plane * height + 2 * y + dy) * width + 2 * x0 + dx];
        let values = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
        match pool {
            Pool::Max => values.into_iter().fold(f32::NEG_INFINITY, f32::max),
            Pool::Average => values.iter().sum::<f32>() / 4.0,
        }
    };
    places([x.len() / (height * width), 1, height / 2, width / 2]).map(quad).collect()
}
