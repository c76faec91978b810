//! The join of two scales: the coarser features twice as large, by nearest neighbour (texture networks, section 3.2) or
//! by bilinear interpolation, then the finer ones as further channels.

use rayon::prelude::*;

use crate::pad::Border;
use crate::resample::{interpolated, neighbours};

/// Sizes of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinShape {
    /// Pictures.
    pub batch: usize,
    /// Channels of the coarser features.
    pub coarse: usize,
    /// Channels of the finer features.
    pub fine: usize,
    /// Rows and columns of the finer features, even.
    pub size: [usize; 2],
    /// Interpolates, with this beyond the border; otherwise every value is there four times.
    pub smooth: Option<Border>,
}

impl JoinShape {
    fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Of the result.
    fn channels(&self) -> usize {
        self.coarse + self.fine
    }

    /// Values of one picture in the result.
    fn joined(&self) -> usize {
        self.channels() * self.plane()
    }
}

/// `[batch, coarse + fine, height, width]`.
#[must_use]
pub fn forward(shape: JoinShape, coarse: &[f32], fine: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; shape.batch * shape.joined()];
    let (plane, quarter) = (shape.plane(), shape.plane() / 4);
    out.par_chunks_exact_mut(plane).enumerate().for_each(|(i, out)| {
        let (n, c) = (i / shape.channels(), i % shape.channels());
        match c.checked_sub(shape.coarse) {
            Some(c) => out.copy_from_slice(&fine[(n * shape.fine + c) * plane..][..plane]),
            None => double(shape, &coarse[(n * shape.coarse + c) * quarter..][..quarter], out),
        }
    });
    out
}

/// One plane, twice as large.
fn double(shape: JoinShape, plane: &[f32], out: &mut [f32]) {
    if let Some(border) = shape.smooth {
        return smooth(shape, border, plane, out);
    }
    let [_, width] = shape.size;
    for (rows, row) in out.chunks_exact_mut(2 * width).zip(plane.chunks_exact(width / 2)) {
        let (above, below) = rows.split_at_mut(width);
        above.chunks_exact_mut(2).zip(row).for_each(|(pair, &v)| pair.fill(v));
        below.copy_from_slice(above);
    }
}

/// Interpolates one plane down the columns, then along the rows.
fn smooth(shape: JoinShape, border: Border, plane: &[f32], out: &mut [f32]) {
    let [height, width] = shape.size.map(|side| side / 2);
    let mut between = vec![0.0; width + 2];
    for (y, out) in out.chunks_exact_mut(2 * width).enumerate() {
        let [near, far] = sources(y, border, height).map(|row| row.map(|row| &plane[row * width..][..width]));
        let near = near.expect("the nearer row lies inside");
        match far {
            Some(far) => {
                let rows = near.iter().zip(far);
                between[1..].iter_mut().zip(rows).for_each(|(v, (&a, &b))| *v = interpolated(a, b));
            }
            None => between[1..].iter_mut().zip(near).for_each(|(v, &a)| *v = interpolated(a, 0.0)),
        }
        for (padded, column) in [(0, border.source(0, width)), (width + 1, border.source(width + 1, width))] {
            between[padded] = column.map_or(0.0, |column| between[column + 1]);
        }
        for (pair, v) in out.chunks_exact_mut(2).zip(between.windows(3)) {
            pair.copy_from_slice(&[interpolated(v[1], v[0]), interpolated(v[1], v[2])]);
        }
    }
}

/// The two of `size` rows that row `y` of the finer plane lies between, the nearer first; none for zeros.
fn sources(y: usize, border: Border, size: usize) -> [Option<usize>; 2] {
    neighbours(y as i64).map(|row| border.source((row + 1) as usize, size))
}

/// The gradient to the coarser features: sums over blocks of 2x2, or of 4x4, weighted.
#[must_use]
pub fn backward_coarse(shape: JoinShape, gradient: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; shape.batch * shape.coarse * shape.plane() / 4];
    out.par_chunks_exact_mut(shape.plane() / 4).enumerate().for_each(|(i, out)| {
        let first = (i / shape.coarse * shape.channels() + i % shape.coarse) * shape.plane();
        halve(shape, &gradient[first..][..shape.plane()], out);
    });
    out
}

/// The transpose of [`double`].
fn halve(shape: JoinShape, gradient: &[f32], out: &mut [f32]) {
    if let Some(border) = shape.smooth {
        return smooth_gradient(shape, border, gradient, out);
    }
    let [_, width] = shape.size;
    for (rows, out) in gradient.chunks_exact(2 * width).zip(out.chunks_exact_mut(width / 2)) {
        let (above, below) = rows.split_at(width);
        let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
        out.iter_mut().zip(pairs).for_each(|(out, (a, b))| *out = (a[0] + a[1]) + (b[0] + b[1]));
    }
}

/// Adds the gradient to one plane: the transpose of [`smooth`], step by step.
fn smooth_gradient(shape: JoinShape, border: Border, gradient: &[f32], out: &mut [f32]) {
    let [height, width] = shape.size.map(|side| side / 2);
    let mut between = vec![0.0; width + 2];
    for (y, row) in gradient.chunks_exact(2 * width).enumerate() {
        between.fill(0.0);
        for (x, pair) in row.chunks_exact(2).enumerate() {
            between[x] += 0.25 * pair[0];
            between[x + 1] += 0.75 * (pair[0] + pair[1]);
            between[x + 2] += 0.25 * pair[1];
        }
        for (padded, column) in [(0, border.source(0, width)), (width + 1, border.source(width + 1, width))] {
            let beyond = between[padded];
            column.into_iter().for_each(|column| between[column + 1] += beyond);
        }
        for (source, weight) in sources(y, border, height).into_iter().zip([0.75, 0.25]) {
            let Some(source) = source else { continue };
            let target = out[source * width..][..width].iter_mut();
            target.zip(&between[1..]).for_each(|(v, &g)| *v += weight * g);
        }
    }
}

/// The gradient to the finer features.
#[must_use]
pub fn backward_fine(shape: JoinShape, gradient: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; shape.batch * shape.fine * shape.plane()];
    out.par_chunks_exact_mut(shape.plane()).enumerate().for_each(|(i, out)| {
        let channel = i / shape.fine * shape.channels() + shape.coarse + i % shape.fine;
        out.copy_from_slice(&gradient[channel * shape.plane()..][..shape.plane()]);
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Map;
    use crate::{pad, resample};

    #[test]
    fn values_are_doubled_and_joined_and_gradients_are_the_transpose() {
        let shape = JoinShape { batch: 2, coarse: 1, fine: 1, size: [2, 4], smooth: None };
        let coarse = [1.0, 2.0, 3.0, 4.0];
        let fine: Vec<f32> = (10..26).map(|v| v as f32).collect();
        let out = forward(shape, &coarse, &fine);
        assert_eq!(out[..8], [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
        assert_eq!(out[8..16], fine[..8]);
        assert_eq!(out[16..20], [3.0, 3.0, 4.0, 4.0]);
        let gradient: Vec<f32> = (0..32).map(|v| v as f32).collect();
        assert_eq!(backward_coarse(shape, &gradient), [10.0, 18.0, 74.0, 82.0]);
        assert_eq!(backward_fine(shape, &gradient)[..8], gradient[8..16]);
    }
    /// Values without a pattern.
    fn values(count: usize, seed: u32) -> Vec<f32> {
        (0..count as u32).map(|i| ((i * 37 + seed * 101) % 97) as f32 / 97.0 - 0.4).collect()
    }

    const BORDERS: [Border; 4] = [Border::Circular, Border::Reflect, Border::Replicate, Border::Zero];

    #[test]
    fn interpolation_is_that_of_padded_maps() {
        for border in BORDERS {
            let shape = JoinShape { batch: 1, coarse: 2, fine: 0, size: [6, 8], smooth: Some(border) };
            let coarse = values(2 * 12, 1);
            let map = pad::pad(&Map::from_planes(2, 3, 4, &coarse), border);
            assert_eq!(
                forward(shape, &coarse, &[]),
                resample::upsample_smooth(&map).to_planes(),
                "{border:?}"
            );
        }
    }

    #[test]
    fn the_gradient_of_interpolation_is_the_transpose() {
        for border in BORDERS {
            let shape = JoinShape { batch: 2, coarse: 2, fine: 1, size: [6, 8], smooth: Some(border) };
            let (coarse, gradient) = (values(2 * 2 * 12, 2), values(2 * 3 * 48, 3));
            let out = forward(shape, &coarse, &vec![0.0; 2 * 48]);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a * b)).sum::<f64>();
            let [there, back] = [dot(&out, &gradient), dot(&coarse, &backward_coarse(shape, &gradient))];
            assert!((there - back).abs() < 1e-4, "{border:?}: {there} and {back}");
        }
    }
}
