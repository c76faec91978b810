//! The descriptor that is built in: VGG-19's arrangement as far as `relu4_1`, at a tenth of its cost.
//!
//! Its 0.2 million weights owe nothing to other networks or to photographs: `crates/texnet-descriptor` trains them to
//! tell textures apart that are painted for it, and from what generators make of them. Features have a root mean square
//! of about 1 over many textures, so that all count alike (Gatys et al. 2015 scaled VGG-19 so).

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

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    const SIDE: usize = 64;

    /// Waves that close on a torus.
    fn picture() -> Tensor<4> {
        let turn = std::f64::consts::TAU / SIDE as f64;
        let value = |i: usize| {
            let (c, y, x) = ((i / (SIDE * SIDE)) as f64, (i / SIDE % SIDE) as f64, (i % SIDE) as f64);
            let wave = (turn * (3.0 * x + (c + 1.0) * 2.0 * y)).sin() * (turn * (5.0 * x - 4.0 * y)).cos();
            (0.5 + 0.4 * wave) as f32
        };
        let values: Vec<f32> = (0..3 * SIDE * SIDE).map(value).collect();
        Tensor::from_data(TensorData::new(values, [1, 3, SIDE, SIDE]), &Device::flex())
    }

    #[test]
    fn features_are_those_of_another_implementation() {
        let network = Embedded::new(Padding::Circular, &Device::flex()).expect("built in");
        let features = network.features(&picture(), &Embedded::TEXTURE).expect("large enough");
        for ((layer, frozen), x) in Embedded::TEXTURE.iter().zip(FROZEN).zip(features) {
            let scalar = |x: Tensor<1>| x.into_scalar::<f32>();
            let one = x.clone().slice([0..1, 3..4, 2..3, 5..6]).sum();
            let found = [scalar(x.clone().mean()), scalar(x.square().mean()), scalar(one)];
            let near = found.iter().zip(frozen).all(|(a, b)| (a - b).abs() < 1e-3 * b.abs().max(0.1));
            assert!(near, "{layer}: {found:?} {frozen:?}");
        }
    }

    /// For each layer: mean, mean square, and the feature of channel 3 in row 2 and column 5; in 64 bits from the file, by
    /// NumPy.
    const FROZEN: [[f32; 3]; 5] = [
        [0.54665, 0.99027, 0.87437],
        [0.41607, 0.85569, 0.00628],
        [0.65222, 1.51401, 0.00000],
        [0.83606, 2.10831, 4.19633],
        [0.88625, 2.28716, 0.26369],
    ];

    #[test]
    fn a_file_of_another_network_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("other");
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("a writable folder");
            let loaded = Embedded::load(&path, Padding::Zero, &Device::flex());
            loaded.expect_err("no descriptor").to_string()
        };
        let weights = WEIGHTS;
        assert!(refused(&weights[..1000]).contains("cut short"));
        assert!(refused(b"nonsense").contains("other"));
        let name = b"conv1_1.weight";
        let at = weights.windows(name.len()).position(|bytes| bytes == name).expect("the first convolution");
        let mut renamed = weights.to_vec();
        renamed[at + 4] = b'9';
        assert!(refused(&renamed).contains("conv1_1.weight"), "{}", refused(&renamed));
    }
}
