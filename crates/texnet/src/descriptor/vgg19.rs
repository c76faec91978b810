//! VGG-19 (Simonyan and Zisserman 2014) down to any layer, as a table.
//!
//! Departures: the pooling forgets an odd last row or column, as torchvision's does, where Caffe's and the code of
//! 2016 pooled what was left of it; the classifier does not exist.

mod file;

use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::stack::{self, ConvWeights, Padding, Pooling, Stack};
use super::{Descriptor, DescriptorError, Layer};

/// Channels of the five blocks.
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];
/// Means of R, G and B over ImageNet, for values in `[0, 1]`: what torchvision subtracts.
const TORCHVISION_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviations likewise: what torchvision divides by.
const TORCHVISION_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// Means of B, G and R over ImageNet, for values in `0..255`: what Caffe's models subtract.
const CAFFE_MEAN: [f32; 3] = [103.939, 116.779, 123.68];

/// How pictures are handed to the first convolution: as its weights were trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// RGB in `[0, 1]`, minus the mean of ImageNet, divided by its standard deviation.
    Torchvision,
    /// BGR in `0..255`, minus the mean of ImageNet: the original weights, and those of the code of 2016.
    Caffe,
}

/// How a [`Vgg19`] is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vgg19Options {
    /// How blocks are halved.
    pub pooling: Pooling,
    /// What lies beyond the border.
    pub padding: Padding,
    /// How pictures are handed over; `None` leaves it to the file.
    pub coding: Option<Coding>,
}

/// A VGG-19 with fixed weights.
#[derive(Debug, Clone)]
pub struct Vgg19 {
    stack: Stack,
    coding: Coding,
}

impl Vgg19 {
    /// A network of the first convolutions from the picture down, one to sixteen of them, on a device.
    ///
    /// `coding` is that of the weights; [`Vgg19Options::coding`] overrides it.
    ///
    /// # Errors
    /// There are none or too many, or one has not the size that VGG-19 gives it, or a number is not finite.
    pub fn new(
        convs: Vec<ConvWeights>,
        coding: Coding,
        options: Vgg19Options,
        device: &Device,
    ) -> Result<Self, DescriptorError> {
        let Vgg19Options { pooling, padding, coding: asked } = options;
        let stack = Stack::new("VGG-19", WIDTHS, convs, pooling, padding, device)?;
        Ok(Self { stack, coding: asked.unwrap_or(coding) })
    }

    /// How pictures are handed to the first convolution.
    #[must_use]
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// Pictures as the first convolution wants them.
    fn encode(&self, pictures: &Tensor<4>) -> Tensor<4> {
        let device = pictures.device().without_autodiff();
        let row = |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
        let pictures = pictures.clone().cast(DType::F32);
        match self.coding {
            Coding::Torchvision => (pictures - row(TORCHVISION_MEAN)) / row(TORCHVISION_DEVIATION),
            Coding::Caffe => pictures.flip([1]).mul_scalar(255) - row(CAFFE_MEAN),
        }
    }
}

impl Descriptor for Vgg19 {
    fn name(&self) -> String {
        let coding = match self.coding {
            Coding::Torchvision => "torchvision",
            Coding::Caffe => "caffe",
        };
        let pooling = match self.stack.pooling() {
            Pooling::Max => "max",
            Pooling::Average => "average",
        };
        let padding = match self.stack.padding() {
            Padding::Zero => "padded",
            Padding::Circular => "circular",
            Padding::None => "unpadded",
        };
        format!("vgg19 {coding} {pooling} {padding}")
    }

    fn check(&self, size: [usize; 2], layers: &[Layer]) -> Result<(), DescriptorError> {
        self.stack.check(size, layers)
    }

    fn features(&self, pictures: &Tensor<4>, layers: &[Layer]) -> Result<Vec<Tensor<4>>, DescriptorError> {
        self.stack.features(pictures, layers, |pictures| self.encode(pictures))
    }
}

/// Weight shape `[outputs, inputs, 3, 3]` of a convolution.
fn conv_shape(layer: Layer) -> [usize; 4] {
    stack::conv_shape(&WIDTHS, layer)
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    /// The first convolutions with small weights that differ.
    fn weights(count: usize) -> Vec<ConvWeights> {
        let wave = |n: usize| (0..n).map(|i| (i as f32 * 0.7).sin() * 0.1).collect();
        let conv = |layer| {
            let shape = conv_shape(layer);
            ConvWeights { weight: wave(shape.iter().product()), bias: wave(shape[0]) }
        };
        Layer::convs().take(count).map(conv).collect()
    }

    fn vgg(count: usize, options: Vgg19Options) -> Vgg19 {
        Vgg19::new(weights(count), Coding::Torchvision, options, &Device::flex()).expect("sound weights")
    }

    fn pictures(shape: [usize; 4]) -> Tensor<4> {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| (i as f32 * 1.3).sin() * 0.5 + 0.5).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn shapes_are_those_of_configuration_e() {
        let inputs: Vec<usize> = Layer::convs().map(|layer| conv_shape(layer)[1]).collect();
        let outputs: Vec<usize> = Layer::convs().map(|layer| conv_shape(layer)[0]).collect();
        let expected = [64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512, 512, 512, 512];
        assert_eq!(outputs, expected);
        assert_eq!(inputs[0], 3);
        assert_eq!(inputs[1..], expected[..15]);
    }

    #[test]
    fn features_come_in_the_order_asked_for() {
        let layers = [Layer::Pool1, Layer::Conv1_1, Layer::Relu1_1, Layer::Pool1];
        let features = vgg(2, Vgg19Options::default()).features(&pictures([2, 3, 9, 8]), &layers);
        let features = features.expect("large enough");
        let shapes: Vec<_> = features.iter().map(Tensor::dims).collect();
        assert_eq!(shapes, [[2, 64, 4, 4], [2, 64, 9, 8], [2, 64, 9, 8], [2, 64, 4, 4]]);
        let least = |i: usize| features[i].clone().min().into_scalar::<f32>();
        assert!(least(1) < 0.0 && least(2) == 0.0);
    }

    #[test]
    fn without_padding_features_are_the_inner_part_of_the_padded_ones() {
        let pictures = pictures([1, 3, 8, 7]);
        let of = |padding| {
            let vgg = vgg(1, Vgg19Options { padding, ..Default::default() });
            vgg.features(&pictures, &[Layer::Relu1_1]).expect("large enough").remove(0)
        };
        let inner = of(Padding::Zero).slice([0..1, 0..64, 1..7, 1..6]);
        let difference = (of(Padding::None) - inner).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-5, "{difference}");
    }

    #[test]
    fn gradients_reach_the_picture_and_weights_need_none() {
        let pictures = pictures([1, 3, 6, 6]).autodiff().require_grad();
        let vgg = vgg(1, Vgg19Options::default());
        let features = vgg.features(&pictures, &[Layer::Conv1_1]).expect("large enough");
        let gradients = features[0].clone().sum().backward();
        let gradient = pictures.grad(&gradients).expect("a gradient");
        assert!(gradient.abs().sum().into_scalar::<f32>() > 0.0);
    }

    #[test]
    fn what_cannot_be_described_is_said_in_a_sentence() {
        let vgg = vgg(2, Vgg19Options::default());
        assert_eq!(
            vgg.check([1, 40], &[Layer::Relu1_1]).map_err(|e| e.to_string()),
            Err(
                "image is 40x1, but 'relu1_1' needs at least 2x2: choose a shallower layer or a larger image"
                    .into()
            )
        );
        assert_eq!(vgg.check([400, 400], &[Layer::Relu2_1]), Err(DescriptorError::TooDeep(Layer::Relu2_1)));
        for shape in [[0, 3, 8, 8], [1, 1, 8, 8]] {
            let answer = vgg.features(&Tensor::zeros(shape, &Device::flex()), &[Layer::Relu1_1]);
            assert_eq!(answer.err(), Some(DescriptorError::Shape(shape)));
        }
    }

    #[test]
    fn weights_of_the_wrong_size_or_kind_are_refused() {
        let refused = |change: &dyn Fn(&mut Vec<ConvWeights>)| {
            let mut weights = weights(2);
            change(&mut weights);
            Vgg19::new(weights, Coding::Caffe, Vgg19Options::default(), &Device::flex()).err().is_some()
        };
        assert!(!refused(&|_| ()));
        assert!(refused(&Vec::clear));
        assert!(refused(&|w| w[1].weight.truncate(9)));
        assert!(refused(&|w| w[0].bias.push(0.0)));
        assert!(refused(&|w| w[0].weight[5] = f32::NAN));
        assert!(refused(&|w| w.extend(vec![w[0].clone(); 20])));
    }

    #[test]
    fn the_name_tells_all_that_changes_features() {
        let options =
            Vgg19Options { pooling: Pooling::Average, padding: Padding::None, coding: Some(Coding::Caffe) };
        assert_eq!(vgg(1, options).name(), "vgg19 caffe average unpadded");
    }
}
