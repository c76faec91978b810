//! The operations of descriptors, whose weights do not change: 3x3 convolution with its activation, and Gram matrices.

use std::sync::Arc;

use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use texnet_infer::Level;
use texnet_kernels::Border;
use texnet_kernels::learn::conv::{self, ConvShape};
use texnet_kernels::learn::wide::{WideConv, WideShape};

use super::host::{Done, Kernel, Saved};
use super::kernels::apply_alone;
use super::on_host;
use crate::profile::{Work, measured};

/// A 3x3 convolution of fixed weights on a device.
#[derive(Debug, Clone)]
pub enum FixedConv {
    /// On the CPU, with our kernel.
    Fast(Arc<WideConv>),
    /// On any device: weight `[outputs, inputs, 3, 3]` and bias `[outputs]`.
    Composed(Box<(Tensor<4>, Tensor<1>)>),
}

impl FixedConv {
    /// With `weight` `[outputs, inputs, 3, 3]` and `bias` `[outputs]`, as it is quickest on a device.
    #[must_use]
    pub fn new(inputs: usize, weight: Vec<f32>, bias: Vec<f32>, device: &Device) -> Self {
        if on_host(device.as_dispatch()) {
            Self::Fast(Arc::new(WideConv::new(inputs, &weight, &bias)))
        } else {
            Self::composed(inputs, weight, bias, device)
        }
    }

    /// As a composition of the tensor library's operations.
    #[must_use]
    pub fn composed(inputs: usize, weight: Vec<f32>, bias: Vec<f32>, device: &Device) -> Self {
        let outputs = bias.len();
        let weight = Tensor::from_data(TensorData::new(weight, [outputs, inputs, 3, 3]), device);
        let bias = Tensor::from_data(TensorData::new(bias, [outputs]), device);
        Self::Composed(Box::new((weight, bias)))
    }

    /// The convolution of `x` with `margin` rows and columns of zeros around it, without its negative values if
    /// `activated`.
    #[must_use]
    pub fn forward(&self, x: Tensor<4>, margin: usize, activated: bool) -> Tensor<4> {
        match self {
            Self::Fast(conv) => {
                let [batch, inputs, height, width] = x.dims();
                let shape = WideShape { batch, size: [height, width], margin };
                apply_alone(Convolution { conv: conv.clone(), inputs, shape, activated }, x)
            }
            Self::Composed(weights) => {
                let (weight, bias) = weights.as_ref();
                let options = ConvOptions::new([1, 1], [margin, margin], [1, 1], 1);
                let out = conv2d(x, weight.clone(), Some(bias.clone()), options);
                if activated { relu(out) } else { out }
            }
        }
    }
}

#[derive(Debug)]
struct Convolution {
    conv: Arc<WideConv>,
    inputs: usize,
    shape: WideShape,
    activated: bool,
}

impl Convolution {
    fn work(&self) -> Work {
        let ([height, width], outputs) = (self.shape.output(), self.conv.outputs());
        let pixels = self.shape.batch * height * width;
        let weights = 9 * self.inputs * outputs;
        // Of Winograd's products there is one for four of the direct sum's.
        Work::new(pixels * weights / 4, pixels * (self.inputs + outputs) + weights)
    }
}

impl Kernel for Convolution {
    fn shape(&self) -> [usize; 4] {
        let [height, width] = self.shape.output();
        [self.shape.batch, self.conv.outputs(), height, width]
    }

    fn forward(&self, [x, ..]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let forward = || self.conv.forward(Level::new(), self.shape, x, self.activated);
        (measured("fixed 3x3", self.work(), forward), Saved::new())
    }

    fn backward(&self, done: Done<'_>, gradient: &[f32], wanted: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let out = self.activated.then_some(done.out);
        let backward = || self.conv.backward(Level::new(), self.shape, out, gradient);
        [wanted[0].then(|| measured("fixed 3x3 to data", self.work(), backward)), None, None]
    }
}

/// Gram matrices `[n, c, c]` of features `[n, c, h, w]`: inner products of channels over the positions, divided by
/// their number.
#[must_use]
pub fn gram(features: &Tensor<4>) -> Tensor<3> {
    let [n, c, h, w] = features.dims();
    if features.dtype() != burn::tensor::DType::F32 || !on_host(features.device().as_dispatch()) {
        let rows = features.clone().reshape([n, c, h * w]);
        return rows.clone().matmul(rows.transpose()).div_scalar((h * w) as f64);
    }
    let gram = apply_alone(Gram { batch: n, channels: c, positions: h * w }, features.clone());
    gram.reshape([n, c, c])
}

#[derive(Debug)]
struct Gram {
    batch: usize,
    channels: usize,
    positions: usize,
}

impl Gram {
    /// A 1x1 convolution of one picture.
    fn conv(&self) -> ConvShape {
        let (channels, size) = (self.channels, [1, self.positions]);
        ConvShape { batch: 1, inputs: channels, outputs: channels, size, kernel: 1, border: Border::Zero }
    }

    fn work(&self) -> Work {
        let square = self.channels * self.channels;
        let values = self.channels * self.positions;
        Work::new(self.batch * square * self.positions, self.batch * (values + square))
    }
}

impl Kernel for Gram {
    fn shape(&self) -> [usize; 4] {
        [self.batch, 1, self.channels, self.channels]
    }

    /// The gradient to the weights of a 1x1 convolution is a product over positions, too.
    fn forward(&self, [x, ..]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let scale = 1.0 / self.positions as f32;
        let matrices = || {
            let mut out = Vec::with_capacity(self.batch * self.channels * self.channels);
            for x in x.chunks_exact(x.len() / self.batch) {
                let products = conv::backward_weights(Level::new(), self.conv(), x, x);
                out.extend(products.into_iter().map(|v| v * scale));
            }
            out
        };
        (measured("gram", self.work(), matrices), Saved::new())
    }

    fn backward(&self, done: Done<'_>, gradient: &[f32], wanted: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let (c, scale) = (self.channels, 1.0 / self.positions as f32);
        let x = done.inputs[0];
        let features = || {
            let mut out = Vec::with_capacity(x.len());
            for (g, x) in gradient.chunks_exact(c * c).zip(x.chunks_exact(x.len() / self.batch)) {
                let symmetric: Vec<f32> = (0..c * c).map(|i| scale * (g[i] + g[i % c * c + i / c])).collect();
                out.extend_from_slice(&conv::forward(Level::new(), self.conv(), x, &symmetric, &[]));
            }
            out
        };
        [wanted[0].then(|| measured("gram gradient", self.work(), features)), None, None]
    }
}
