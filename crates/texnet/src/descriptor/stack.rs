//! 3x3 convolutions in blocks, as VGG-19 made them common: run once, down to the deepest layer that is asked for.

use std::collections::BTreeMap;

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use texnet_kernels::Border;

use super::layer::Step;
use super::{DescriptorError, Layer};
use crate::ops::{self, FixedConv};

/// How a block halves its features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The largest of 2x2, as trained, and in Ulyanov et al. 2016.
    #[default]
    Max,
    /// Their mean, as in Gatys et al. 2015: smoother gradients.
    Average,
}

impl From<Pooling> for ops::Pool {
    fn from(pooling: Pooling) -> Self {
        match pooling {
            Pooling::Max => Self::Max,
            Pooling::Average => Self::Average,
        }
    }
}

/// What lies beyond the border of a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Zeros, as trained.
    #[default]
    Zero,
    /// The other side: the picture is a torus.
    Circular,
    /// Nothing: features shrink by two positions per convolution, and no statistic knows the border (`vgg_no_pad` of
    /// the code of 2016).
    None,
}

/// The numbers of a 3x3 convolution on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvWeights {
    /// Weights of shape `[outputs, inputs, 3, 3]`, row-major; a correlation, as everywhere in the field.
    pub weight: Vec<f32>,
    /// One number per output.
    pub bias: Vec<f32>,
}

/// The first layers of a network of five blocks, whose weights are fixed.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    /// The first convolutions, without gaps.
    convs: BTreeMap<Layer, FixedConv>,
    pooling: Pooling,
    padding: Padding,
}

impl Stack {
    /// Of the first convolutions from the picture down, on a device. `widths` are the channels of the blocks; `name` is
    /// for sentences.
    ///
    /// # Errors
    /// There are none or too many, or one has not the size that its place gives it, or a number is not finite.
    pub(super) fn new(
        name: &str,
        widths: [usize; 5],
        convs: Vec<ConvWeights>,
        pooling: Pooling,
        padding: Padding,
        device: &Device,
    ) -> Result<Self, DescriptorError> {
        let most = Layer::convs().count();
        if convs.is_empty() || convs.len() > most {
            let found = convs.len();
            return Err(DescriptorError::Weights(format!(
                "there are weights of {found} convolutions, but {name} has 1 to {most} of them"
            )));
        }
        // The weights are constants: their device knows no gradients, whatever that of the pictures does.
        let device = device.clone().without_autodiff();
        let upload =
            |(layer, conv)| Ok((layer, upload(name, conv_shape(&widths, layer), layer, conv, &device)?));
        let convs = Layer::convs().zip(convs).map(upload).collect::<Result<_, _>>()?;
        Ok(Self { convs, pooling, padding })
    }

    pub(super) fn pooling(&self) -> Pooling {
        self.pooling
    }

    pub(super) fn padding(&self) -> Padding {
        self.padding
    }

    /// As [`Descriptor::check`](super::Descriptor::check).
    pub(super) fn check(&self, [height, width]: [usize; 2], layers: &[Layer]) -> Result<(), DescriptorError> {
        let Some(&layer) = layers.iter().max() else { return Ok(()) };
        let missing = |layer: &&Layer| layer.step() == Step::Conv && !self.convs.contains_key(layer);
        if layer.path().iter().any(|layer| missing(&layer)) {
            return Err(DescriptorError::TooDeep(layer));
        }
        let least = layer.least_side(self.padding);
        if height.min(width) < least {
            return Err(DescriptorError::TooSmall { height, width, layer, least });
        }
        Ok(())
    }

    /// As [`Descriptor::features`](super::Descriptor::features), of pictures that `encode` makes ready for the first
    /// convolution.
    pub(super) fn features(
        &self,
        pictures: &Tensor<4>,
        layers: &[Layer],
        encode: impl Fn(&Tensor<4>) -> Tensor<4>,
    ) -> Result<Vec<Tensor<4>>, DescriptorError> {
        let shape @ [n, channels, height, width] = pictures.dims();
        if n == 0 || channels != 3 {
            return Err(DescriptorError::Shape(shape));
        }
        self.check([height, width], layers)?;
        let Some(deepest) = layers.iter().max() else { return Ok(Vec::new()) };
        let mut x = encode(pictures);
        let mut kept = BTreeMap::new();
        let mut path = deepest.path().iter().copied().peekable();
        while let Some(mut layer) = path.next() {
            // One operation for both where nobody asks for what lies between.
            let next = path.peek().copied().filter(|next| next.step() == Step::Relu);
            let activation = next.filter(|_| layer.step() == Step::Conv && !layers.contains(&layer));
            x = self.run(layer, x, activation.is_some());
            if let Some(activation) = activation {
                layer = activation;
                path.next();
            }
            if layers.contains(&layer) {
                kept.insert(layer, x.clone());
            }
        }
        Ok(layers.iter().filter_map(|layer| kept.get(layer).cloned()).collect())
    }

    /// One layer; a convolution with the activation after it, if `activated`.
    fn run(&self, layer: Layer, x: Tensor<4>, activated: bool) -> Tensor<4> {
        match layer.step() {
            Step::Relu => relu(x),
            Step::Pool => ops::pool(x, self.pooling.into()),
            Step::Conv => {
                // `check` has answered for layers that lie deeper than the weights reach.
                let Some(conv) = self.convs.get(&layer) else { return x };
                conv.forward(x, self.padding.border(), activated)
            }
        }
    }
}

impl Padding {
    /// What the kernels call it; nothing where features shrink.
    fn border(self) -> Option<Border> {
        match self {
            Self::Zero => Some(Border::Zero),
            Self::Circular => Some(Border::Circular),
            Self::None => None,
        }
    }
}

/// Weight shape `[outputs, inputs, 3, 3]` of a convolution in a network of blocks of these widths.
pub(super) fn conv_shape(widths: &[usize; 5], layer: Layer) -> [usize; 4] {
    let block = layer.block() - 1;
    let outputs = widths[block];
    let first = !layer.path().iter().rev().skip(1).any(|l| l.step() == Step::Conv && l.block() == block + 1);
    let inputs = match (first, block) {
        (false, _) => outputs,
        (true, 0) => 3,
        (true, _) => widths[block - 1],
    };
    [outputs, inputs, 3, 3]
}

fn upload(
    name: &str,
    shape: [usize; 4],
    layer: Layer,
    conv: ConvWeights,
    device: &Device,
) -> Result<FixedConv, DescriptorError> {
    let [outputs, numbers] = [shape[0], shape.iter().product()];
    if conv.weight.len() != numbers || conv.bias.len() != outputs {
        let [weights, biases] = [conv.weight.len(), conv.bias.len()];
        return Err(DescriptorError::Weights(format!(
            "'{layer}' has {weights} weights and {biases} biases, but {name}'s has {numbers} and {outputs}"
        )));
    }
    if conv.weight.iter().chain(&conv.bias).any(|value| !value.is_finite()) {
        return Err(DescriptorError::Weights(format!("'{layer}' has weights that are not finite numbers")));
    }
    Ok(FixedConv::new(shape[1], conv.weight, conv.bias, device))
}
