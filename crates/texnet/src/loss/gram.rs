//! Texture: the Gram matrices of features (Gatys et al. 2015; Ulyanov et al. 2016, section 3.1).
//!
//! Departure: inner products are divided by the number of positions, so that an exemplar and a picture may differ in
//! size. The paper's sum over layers has one weight; here each layer has its own.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::Term;
use crate::descriptor::Layer;

/// Added to the L1 norm that a gradient is divided by, as in the code of 2016.
const NORM_FLOOR: f64 = 1e-8;
/// Added under the root of a relative error, which has no slope at zero otherwise.
const ROOT_FLOOR: f64 = 1e-6;
/// Least squared norm of a Gram matrix that errors are relative to: a layer that is silent must not divide by zero.
const LEAST_NORM: f64 = 1e-30;

/// How far two Gram matrices are apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GramDistance {
    /// The sum of the squared differences of their entries, as in the paper; the mean over the batch.
    #[default]
    Squared,
    /// The mean of the squared differences, as in the code of 2016.
    MeanSquared,
    /// The square root of the squared distance over the squared norm of what is wanted, plus 1e-6: layers of any
    /// magnitude count alike, and the slope does not fade near the optimum. Between equals it is 0.001.
    RelativeRoot,
    /// The squared distance over the squared norm of what is wanted: layers of any magnitude count alike, as they do
    /// in a network whose features were scaled to a mean of one, and yet it is smooth.
    Relative,
}

/// Which Gram matrices are compared, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct GramConfig {
    /// Layers, and the weight of each.
    pub layers: Vec<(Layer, f32)>,
    /// Divide Gram matrices by the number of channels as well, as the code of 2016 does.
    pub divide_by_channels: bool,
    /// What is summed over the layers.
    pub distance: GramDistance,
    /// Replace each layer's own gradient `g`, that of its distance with respect to its features over the whole batch,
    /// by `weight * g / (|g|_1 + 1e-8)` before it joins those of deeper layers: only weights matter, no magnitudes
    /// (`normalize_gradients` of the code of 2016). Values are reported as they are.
    pub normalize_gradients: bool,
}

impl Default for GramConfig {
    /// The paper's: five layers of weight 1, squared distances.
    fn default() -> Self {
        Self {
            layers: Layer::TEXTURE.map(|layer| (layer, 1.0)).into(),
            divide_by_channels: false,
            distance: GramDistance::Squared,
            normalize_gradients: false,
        }
    }
}

impl GramConfig {
    /// That of the code of 2016: matrices over channels and positions, means, normalised gradients.
    #[must_use]
    pub fn code_of_2016() -> Self {
        Self {
            divide_by_channels: true,
            distance: GramDistance::MeanSquared,
            normalize_gradients: true,
            ..Self::default()
        }
    }

    /// That of Gatys et al. 2015, "Texture synthesis using convolutional neural networks": the first convolution and
    /// four poolings, squared distances.
    ///
    /// Departure: their network was scaled so that the mean of every feature over many pictures is one; here the
    /// distances are relative to the exemplar's, which takes away the same factors.
    #[must_use]
    pub fn gatys() -> Self {
        let layers = [Layer::Relu1_1, Layer::Pool1, Layer::Pool2, Layer::Pool3, Layer::Pool4];
        let layers = layers.map(|layer| (layer, 1.0)).into();
        Self { layers, distance: GramDistance::Relative, ..Self::default() }
    }

    fn gram(&self, features: &Tensor<4>) -> Tensor<3> {
        let channels = if self.divide_by_channels { features.dims()[1] } else { 1 };
        gram(features).div_scalar(channels as f64)
    }

    /// Distance of the Gram matrices of features from one of shape `[1, c, c]`; the mean over the batch.
    fn distance(&self, features: &Tensor<4>, wanted: &Tensor<3>) -> Tensor<1> {
        let squares = (self.gram(features) - wanted.clone()).square();
        let sums = squares.clone().sum_dims(&[1, 2]);
        let relative =
            |sums: Tensor<3>| sums / wanted.clone().square().sum_dims(&[1, 2]).clamp_min(LEAST_NORM);
        match self.distance {
            GramDistance::Squared => sums.mean(),
            GramDistance::MeanSquared => squares.mean(),
            GramDistance::RelativeRoot => relative(sums).add_scalar(ROOT_FLOOR).sqrt().mean(),
            GramDistance::Relative => relative(sums).mean(),
        }
    }
}

pub use crate::ops::gram;

/// Gram matrices that are wanted: one per layer.
#[derive(Debug, Clone)]
pub(super) struct GramTargets {
    config: GramConfig,
    grams: Vec<Tensor<3>>,
}

impl GramTargets {
    /// Those of an exemplar with these features, one for each layer of the configuration; the mean over several.
    pub(super) fn new(config: GramConfig, features: &[Tensor<4>]) -> Self {
        let grams = features.iter().map(|f| config.gram(f).mean_dim(0)).collect();
        Self { config, grams }
    }

    pub(super) fn layers(&self) -> impl Iterator<Item = Layer> {
        self.config.layers.iter().map(|&(layer, _)| layer)
    }

    /// One term per layer.
    pub(super) fn terms(&self, features: &BTreeMap<Layer, Tensor<4>>) -> Vec<Term> {
        let targets = self.config.layers.iter().zip(&self.grams);
        let term = |(&(layer, weight), wanted): (&(Layer, f32), &Tensor<3>)| {
            let features = features.get(&layer)?;
            let distance = |features: &Tensor<4>| self.config.distance(features, wanted);
            let value = if self.config.normalize_gradients && features.is_tracked() {
                normalized(features, weight, distance)
            } else {
                distance(features).mul_scalar(weight)
            };
            Some(Term::new(format!("gram {layer}"), value))
        };
        targets.filter_map(term).collect()
    }
}

/// The weighted loss, whose gradient with respect to the features is made to have the L1 norm `weight`.
fn normalized(features: &Tensor<4>, weight: f32, loss: impl Fn(&Tensor<4>) -> Tensor<1>) -> Tensor<1> {
    // A graph of its own, since burn's can be walked only once.
    let leaf = features.clone().detach().require_grad();
    let value = loss(&leaf);
    let Some(gradient) = leaf.grad(&value.backward()) else { return value.detach().mul_scalar(weight) };
    let norm = gradient.clone().abs().sum().add_scalar(NORM_FLOOR).reshape([1, 1, 1, 1]);
    // Linear in the features: its gradient is the normalised one, and its own value is taken out again.
    let slope = (features.clone() * gradient.mul_scalar(weight) / norm).sum();
    value.detach().mul_scalar(weight) + (slope.clone() - slope.detach())
}
