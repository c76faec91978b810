//! The descriptor that is built in: VGG-19's arrangement as far as `relu4_1`, at a tenth of its cost.
//!
//! Its 0.2 million weights owe nothing to other networks or to photographs: `crates/texnet-descriptor` trains them to
//! tell textures apart that are painted for it. Features have a root mean square of about 1 over many textures, so that
//! all count alike (Gatys et al. 2015 scaled VGG-19 so).

use std::path::Path;

use burn::tensor::{DType, Device, Tensor};

use super::stack::{ConvWeights, Padding, Pooling, Stack, conv_shape};
use super::tensors::{self, Tensors};
use super::{Descriptor, DescriptorError, Layer};

/// Channels of the blocks; the last is not there.
const WIDTHS: [usize; 5] = [24, 48, 64, 96, 96];
/// The deepest convolution.
const DEEPEST: Layer = Layer::Conv4_1;
/// Pictures are coded as `(rgb - MEAN) * GAIN`, as in training.
const MEAN: f32 = 0.45;
/// See [`MEAN`].
const GAIN: f32 = 4.0;
/// In 16 bits.
const WEIGHTS: &[u8] = include_bytes!("../../../../assets/descriptor.safetensors");

/// The network that is built in, or another of its shape.
#[derive(Debug, Clone)]
pub struct Embedded {
    stack: Stack,
}

impl Embedded {
    /// The layers at which textures were told apart in training, and the first.
    pub const TEXTURE: [Layer; 5] =
        [Layer::Relu1_1, Layer::Relu1_2, Layer::Relu2_2, Layer::Relu3_4, Layer::Relu4_1];

    /// With the weights that are built in.
    ///
    /// # Errors
    /// Never, unless this program was damaged.
    pub fn new(padding: Padding, device: &Device) -> Result<Self, DescriptorError> {
        Self::with(tensors::of_bytes(WEIGHTS, read), padding, device)
    }

    /// With weights that `texnet-descriptor` wrote: a safetensors file of `conv1_1.weight` `[24, 3, 3, 3]`,
    /// `conv1_1.bias` and so on to `conv4_1`.
    ///
    /// # Errors
    /// [`DescriptorError::Weights`]: the file cannot be read, or holds something else.
    pub fn load(path: &Path, padding: Padding, device: &Device) -> Result<Self, DescriptorError> {
        let convs = tensors::with(path, read).map_err(|why| format!("{}: {why}", path.display()));
        Self::with(convs, padding, device)
    }

    fn with(
        convs: Result<Vec<ConvWeights>, String>,
        padding: Padding,
        device: &Device,
    ) -> Result<Self, DescriptorError> {
        let convs = convs.map_err(DescriptorError::Weights)?;
        let stack = Stack::new("the descriptor", WIDTHS, convs, Pooling::Average, padding, device)?;
        Ok(Self { stack })
    }
}

fn read(tensors: &dyn Tensors) -> Result<Vec<ConvWeights>, String> {
    let layers = Layer::convs().take_while(|&layer| layer <= DEEPEST);
    layers.map(|layer| tensors::conv(tensors, layer.name(), &conv_shape(&WIDTHS, layer))).collect()
}

impl Descriptor for Embedded {
    fn name(&self) -> String {
        "embedded".into()
    }

    fn check(&self, size: [usize; 2], layers: &[Layer]) -> Result<(), DescriptorError> {
        self.stack.check(size, layers)
    }

    fn features(&self, pictures: &Tensor<4>, layers: &[Layer]) -> Result<Vec<Tensor<4>>, DescriptorError> {
        self.stack.features(pictures, layers, |pictures| (pictures.clone().cast(DType::F32) - MEAN) * GAIN)
    }
}
