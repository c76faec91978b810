//! The network in training: VGG-19's arrangement as far as `relu4_1`, narrow, with batch norms and mean pooling.

use burn::tensor::{Device, Tensor, TensorData};
use texnet::descriptor::{Layer, Pooling};
use texnet::draw::{Draw, Stream};
use texnet::generator::{Leaves, Parameters};
use texnet::ops::{self, Group, NormOptions, Path};
use texnet_kernels::Border;

use crate::crops::SIDE;

/// Channels of the blocks.
pub(crate) const WIDTHS: [usize; 4] = [24, 48, 64, 96];
/// Layers at which textures are told apart: the last of each block.
pub(crate) const TAPS: [Layer; 4] = [Layer::Relu1_2, Layer::Relu2_2, Layer::Relu3_4, Layer::Relu4_1];
/// Dimensions in which textures are told apart.
pub(crate) const EMBEDDING: usize = 64;
/// Pictures are coded as `(rgb - MEAN) * GAIN` for the first convolution.
pub(crate) const MEAN: f32 = 0.45;
/// See [`MEAN`].
pub(crate) const GAIN: f32 = 4.0;

/// A convolution, with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conv {
    pub(crate) layer: Layer,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Whether features are halved before it.
    pub(crate) halves: bool,
}

impl Conv {
    /// The activation behind it.
    pub(crate) fn activation(self) -> Option<Layer> {
        Layer::ALL.iter().copied().find(|layer| *layer > self.layer)
    }
}

/// All convolutions, from the picture down.
pub(crate) fn convs() -> Vec<Conv> {
    let last = TAPS[TAPS.len() - 1];
    let layers = Layer::ALL.iter().copied().filter(|l| *l < last && l.name().starts_with("conv"));
    let (mut inputs, mut block) = (3, 1);
    let conv = |layer: Layer| {
        let outputs = WIDTHS[layer.block() - 1];
        let conv = Conv { layer, inputs, outputs, halves: layer.block() > block };
        (inputs, block) = (outputs, layer.block());
        conv
    };
    layers.map(conv).collect()
}

/// Weights before learning: normal, variance `2 / fan-in` (He et al. 2015) before an activation, `1 / fan-in` in a head.
pub(crate) fn initial(seed: u64) -> Parameters {
    let mut shapes = Vec::new();
    for Conv { layer, inputs, outputs, .. } in convs() {
        shapes.push((format!("{layer}.weight"), vec![outputs, inputs, 3, 3]));
        shapes.push((format!("{layer}.norm.gamma"), vec![outputs]));
        shapes.push((format!("{layer}.norm.beta"), vec![outputs]));
    }
    for (tap, width) in TAPS.iter().zip(WIDTHS) {
        shapes.push((format!("{tap}.head"), vec![width + width * width, EMBEDDING]));
    }
    let value = |(i, (name, shape)): (usize, &(String, Vec<usize>))| {
        let count = shape.iter().product();
        let mut draw = Draw::new(seed, Stream::Weights, i as u64);
        let (fan_in, gain) = match shape.len() {
            4 => (shape[1] * 9, 2.0_f32),
            _ => (shape[0], 1.0),
        };
        match name.rsplit('.').next() {
            Some("gamma") => vec![1.0; count],
            Some("beta") => vec![0.0; count],
            _ => (0..count).map(|_| (gain / fan_in as f32).sqrt() * draw.normal()).collect(),
        }
    };
    Parameters { values: shapes.iter().enumerate().map(value).collect(), shapes }
}

/// A convolution's result before its norm: `x` `[n, inputs, h, w]`, halved first where its block begins.
pub(crate) fn convolved(conv: Conv, weight: Tensor<4>, x: Tensor<4>) -> Tensor<4> {
    let x = if conv.halves { ops::pool(x, Pooling::Average.into()) } else { x };
    Path::Fast.conv(x, weight, None, Border::Reflect)
}

/// The weights of a convolution.
pub(crate) fn weight(conv: Conv, leaves: &Leaves) -> Tensor<4> {
    leaves.get(&format!("{}.weight", conv.layer)).reshape([conv.outputs, conv.inputs, 3, 3])
}

/// A convolution's features after norm and activation, with the statistics of the batch.
pub(crate) fn normalised(conv: Conv, leaves: &Leaves, x: Tensor<4>) -> Tensor<4> {
    let [gamma, beta] = ["gamma", "beta"].map(|part| leaves.get(&format!("{}.norm.{part}", conv.layer)));
    Path::Fast.norm(x, gamma, beta, NormOptions { group: Group::Batch, slope: Some(0.0) })
}

/// Values of pictures as `[n, 3, SIDE, SIDE]`.
pub(crate) fn pictures(values: Vec<f32>, device: &Device) -> Tensor<4> {
    let count = values.len() / (3 * SIDE * SIDE);
    Tensor::from_data(TensorData::new(values, [count, 3, SIDE, SIDE]), device)
}

/// Pictures as the first convolution wants them.
pub(crate) fn coded(pictures: Tensor<4>) -> Tensor<4> {
    (pictures - MEAN) * GAIN
}

/// Features of pictures `[n, 3, h, w]` at [`TAPS`].
pub(crate) fn features(leaves: &Leaves, pictures: Tensor<4>) -> Vec<Tensor<4>> {
    let mut x = coded(pictures);
    let mut taps = Vec::new();
    for conv in convs() {
        x = normalised(conv, leaves, convolved(conv, weight(conv, leaves), x));
        if conv.activation().is_some_and(|layer| TAPS.contains(&layer)) {
            taps.push(x.clone());
        }
    }
    taps
}
