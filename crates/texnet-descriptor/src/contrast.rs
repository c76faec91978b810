//! Telling textures apart: NT-Xent (Chen et al. 2020) on the moments of features.
//!
//! A texture is what its features' means and covariances say: the same that Gram matrices hold. So these alone are
//! what the embeddings are made of, at each of four depths, and features learn to make them telling.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Device, Tensor, TensorData};
use texnet::generator::Leaves;
use texnet::ops::gram;

use crate::net::{EMBEDDING, TAPS, features};

/// Similarities are divided by this.
const TEMPERATURE: f32 = 0.1;
/// Added under the root of covariances, whose slope is infinite at zero otherwise.
const ROOT_FLOOR: f32 = 1e-3;
/// Added to variances.
const EPSILON: f32 = 1e-5;
/// What a picture's similarity to itself becomes.
const NEVER: f32 = -1e4;

/// How well textures are told apart at one depth.
pub(crate) struct Contrast {
    /// The loss, of shape `[1]`.
    pub(crate) loss: Tensor<1>,
    /// Share of the pictures whose other view is the most similar.
    pub(crate) accuracy: f32,
}

/// At each depth, for pictures `[2n, 3, h, w]` of which `i` and `i + n` show the same texture.
pub(crate) fn contrasts(leaves: &Leaves, pictures: Tensor<4>) -> Vec<Contrast> {
    let of = |(tap, features): (_, Tensor<4>)| {
        let head = leaves.get(&format!("{tap}.head"));
        contrast(embedded(&features, head))
    };
    TAPS.iter().zip(features(leaves, pictures)).map(of).collect()
}

/// Unit vectors `[n, EMBEDDING]`.
fn embedded(features: &Tensor<4>, head: Tensor<1>) -> Tensor<2> {
    let moments = moments(features);
    let [_, count] = moments.dims();
    let projected = standardised(moments).matmul(head.reshape([count, EMBEDDING]));
    let length = (projected.clone().square().sum_dim(1) + EPSILON).sqrt();
    projected / length
}

/// Means, and the signed roots of covariances: `[n, c + c * c]`.
fn moments(features: &Tensor<4>) -> Tensor<2> {
    let [n, c, ..] = features.dims();
    let mean: Tensor<3> = features.clone().mean_dim(3).mean_dim(2).reshape([n, c, 1]);
    let covariance = gram(features) - mean.clone().matmul(mean.clone().transpose());
    let root = (covariance.clone().abs() + ROOT_FLOOR).sqrt() - ROOT_FLOOR.sqrt();
    let signed = (covariance.sign().detach() * root).reshape([n, c * c]);
    Tensor::cat(vec![mean.reshape([n, c]), signed], 1)
}

/// Every number with mean 0 and variance 1 over the batch.
fn standardised(x: Tensor<2>) -> Tensor<2> {
    let centred = x.clone() - x.mean_dim(0);
    let deviation = (centred.clone().square().mean_dim(0) + EPSILON).sqrt();
    centred / deviation
}

/// Of unit vectors `[2n, d]`: each must find its partner among all the others.
fn contrast(embedded: Tensor<2>) -> Contrast {
    let [count, _] = embedded.dims();
    let device = embedded.device();
    let partner = |i: usize| (i + count / 2) % count;
    let similar = embedded.clone().matmul(embedded.transpose()) / TEMPERATURE;
    let similar = similar.mask_fill(pairs(count, |i| i, &device), NEVER);
    let partners = pairs(count, partner, &device);
    let loss = -log_softmax(similar.clone(), 1).mask_fill(partners.bool_not(), 0.0).sum() / count as f32;
    let nearest: Vec<i64> = similar.detach().argmax(1).into_data().iter::<i64>().collect();
    let found = nearest.iter().enumerate().filter(|(i, found)| **found == partner(*i) as i64).count();
    Contrast { loss, accuracy: found as f32 / count as f32 }
}

/// True where the column belongs to the row.
fn pairs(count: usize, of: impl Fn(usize) -> usize, device: &Device) -> Tensor<2, Bool> {
    let values: Vec<bool> = (0..count * count).map(|i| of(i / count) == i % count).collect();
    Tensor::from_data(TensorData::new(values, [count, count]), &device.clone().without_autodiff())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn partners_that_are_alike_cost_nothing_and_strangers_much() {
        let told = contrast(vectors(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0], [4, 2]));
        assert!(told.loss.into_scalar::<f32>() < 1e-3);
        assert_eq!(told.accuracy, 1.0);
        let confused = contrast(vectors(vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0], [4, 2]));
        assert!(confused.loss.into_scalar::<f32>() > 5.0);
        assert_eq!(confused.accuracy, 0.0);
    }

    #[test]
    fn moments_are_means_and_signed_roots_of_covariances() {
        let values = vec![1.0, 3.0, 1.0, 3.0, 0.5, 0.1, 0.5, 0.1];
        let features = Tensor::<4>::from_data(TensorData::new(values, [1, 2, 2, 2]), &Device::flex());
        let found: Vec<f32> = moments(&features).into_data().iter::<f32>().collect();
        let root = |v: f32| v.signum() * ((v.abs() + ROOT_FLOOR).sqrt() - ROOT_FLOOR.sqrt());
        let expected = [2.0, 0.3, root(1.0), root(-0.2), root(-0.2), root(0.04)];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} {expected:?}");
    }
}
