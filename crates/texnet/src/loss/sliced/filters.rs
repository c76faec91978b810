//! The filters of the sliced loss: what a texture's patches are projected onto.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};
use texnet_kernels::learn::projection::Filters;

use crate::draw::Draw;
use crate::loss::white::Planes;

/// How the filters of a bank are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// White noise under a Hann window, without mean: they see any structure of their size, none well.
    Random,
    /// Patches of the exemplar itself, decorrelated by the inverse root of the patches' covariance, under a Hann
    /// window, without mean: each responds to one constellation that the exemplar holds.
    Matched,
    /// One pixel: random directions in colour space. Without them the mean colour drifts.
    Colour,
}

/// Share of the mean eigenvalue that is added to all before the root is inverted.
const RIDGE: f64 = 0.02;
/// Patches that a covariance is estimated from.
const PATCHES: usize = 6000;

/// `count` filters of `side` pixels; `pictures` are those that matched filters are cut from.
pub(crate) fn make(kind: Kind, count: usize, side: usize, pictures: &[Planes], draw: &mut Draw) -> Filters {
    let weights = match kind {
        Kind::Random => (0..count).flat_map(|_| random(side, draw)).collect(),
        Kind::Matched => matched(count, side, pictures, draw),
        Kind::Colour => (0..count).flat_map(|_| unit((0..3).map(|_| draw.normal()).collect())).collect(),
    };
    Filters { channels: 3, side, weights }
}

fn random(side: usize, draw: &mut Draw) -> Vec<f32> {
    let window = window(side);
    unit(centred((0..3 * side * side).map(|t| draw.normal() * window[t % (side * side)]).collect()))
}

fn matched(count: usize, side: usize, pictures: &[Planes], draw: &mut Draw) -> Vec<f32> {
    let mut patch = || {
        let picture = &pictures[draw.below(pictures.len())];
        let [y, x] = picture.size.map(|size| draw.below(size - side + 1));
        centred(picture.patch(y, x, side).collect())
    };
    let samples: Vec<Vec<f32>> = (0..PATCHES).map(|_| patch()).collect();
    let decorrelate = inverse_root(&samples);
    let window = window(side);
    let filter = |_| {
        let patch = patch();
        let column = DMatrix::from_iterator(patch.len(), 1, patch.iter().map(|&v| f64::from(v)));
        let white = &decorrelate * column;
        unit(centred(white.iter().enumerate().map(|(t, &v)| v as f32 * window[t % (side * side)]).collect()))
    };
    (0..count).flat_map(filter).collect()
}

/// `(C + ridge)^(-1/2)` of the second moments `C` of vectors without mean.
fn inverse_root(samples: &[Vec<f32>]) -> DMatrix<f64> {
    let size = samples[0].len();
    let rows = DMatrix::from_fn(samples.len(), size, |i, j| samples[i][j]);
    let moments = (rows.transpose() * &rows).map(|v| f64::from(v) / samples.len() as f64);
    let eigen = moments.symmetric_eigen();
    let ridge = RIDGE * eigen.eigenvalues.mean().max(0.0) + 1e-6;
    let roots = eigen.eigenvalues.map(|v| (v.max(0.0) + ridge).powf(-0.5));
    &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
}

/// A separable Hann window of `side` values that are not zero.
fn window(side: usize) -> Vec<f32> {
    let hann = |i: usize| 0.5 - 0.5 * (std::f32::consts::TAU * (i + 1) as f32 / (side + 1) as f32).cos();
    (0..side * side).map(|t| hann(t / side) * hann(t % side)).collect()
}

/// Each of the three channels without its mean.
fn centred(mut weights: Vec<f32>) -> Vec<f32> {
    let area = weights.len() / 3;
    for channel in weights.chunks_exact_mut(area) {
        let mean = channel.iter().sum::<f32>() / area as f32;
        channel.iter_mut().for_each(|v| *v -= mean);
    }
    weights
}

fn unit(mut weights: Vec<f32>) -> Vec<f32> {
    let norm = weights.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
    weights.iter_mut().for_each(|v| *v /= norm);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Stream;

    fn picture() -> Planes {
        let mut draw = Draw::new(3, Stream::Noise, 0);
        Planes { data: (0..3 * 20 * 24).map(|_| draw.normal()).collect(), size: [20, 24] }
    }

    #[test]
    fn filters_have_length_one_and_no_mean_but_those_of_colour() {
        for (kind, side) in [(Kind::Random, 5), (Kind::Matched, 7), (Kind::Colour, 1)] {
            let filters = make(kind, 6, side, &[picture()], &mut Draw::new(1, Stream::Filters, 0));
            assert_eq!(filters.count(), 6);
            for filter in filters.weights.chunks_exact(filters.terms()) {
                assert!((filter.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-4);
                let mean = filter.chunks_exact(side * side).map(|c| c.iter().sum::<f32>().abs()).sum::<f32>();
                assert!(kind == Kind::Colour || mean < 1e-4, "{kind:?} has a mean of {mean}");
            }
        }
    }

    #[test]
    fn the_inverse_root_whitens() {
        let mut draw = Draw::new(2, Stream::Filters, 0);
        let samples: Vec<Vec<f32>> = (0..2000)
            .map(|_| {
                let [a, b] = [draw.normal(), draw.normal()];
                vec![2.0 * a, a + b]
            })
            .collect();
        let root = inverse_root(&samples);
        let moments = nalgebra::Matrix2::new(4.0, 2.0, 2.0, 2.0);
        let white = &root * moments * root.transpose();
        assert!((white[(0, 0)] - 1.0).abs() < 0.15 && white[(0, 1)].abs() < 0.15, "{white}");
    }
}
