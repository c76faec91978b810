//! The operations of descriptors, whose weights do not change: 3x3 convolution with its activation, pooling, and Gram
//! matrices.

use std::sync::Arc;

use burn::tensor::activation::relu;
use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Tensor, TensorData};
use texnet_infer::Level;
use texnet_kernels::Border;
use texnet_kernels::learn::gram::{self, GramShape};
use texnet_kernels::learn::pool::{self, Pool};
use texnet_kernels::learn::wide::{WideConv, WideShape};

use super::composed;
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

    /// The convolution of `x`, continued by one row and column on every side as `border` says, or not at all; without
    /// its negative values if `activated`.
    #[must_use]
    pub fn forward(&self, x: Tensor<4>, border: Option<Border>, activated: bool) -> Tensor<4> {
        match self {
            Self::Fast(conv) => {
                let [batch, inputs, height, width] = x.dims();
                let margin = usize::from(border.is_some());
                let border = border.unwrap_or(Border::Zero);
                let shape = WideShape { batch, size: [height, width], margin, border };
                apply_alone(Convolution { conv: conv.clone(), inputs, shape, activated }, x)
            }
            Self::Composed(weights) => {
                let (weight, bias) = weights.as_ref();
                let x = match border {
                    Some(border) => composed::continued(x, 1, border),
                    None => x,
                };
                let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
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

/// Features `[n, c, h, w]`, pooled by 2x2: `[n, c, h / 2, w / 2]`.
#[must_use]
pub fn pool(x: Tensor<4>, pool: Pool) -> Tensor<4> {
    if kernels(&x) {
        let dims = x.dims();
        return apply_alone(Pooling { pool, dims }, x);
    }
    match pool {
        Pool::Max => max_pool2d(x, MaxPoolOptions::new([2, 2])),
        Pool::Average => avg_pool2d(x, AvgPoolOptions::new([2, 2])),
    }
}

/// Whether our kernels take this tensor.
fn kernels(x: &Tensor<4>) -> bool {
    x.dtype() == DType::F32 && on_host(x.device().as_dispatch())
}

#[derive(Debug)]
struct Pooling {
    pool: Pool,
    dims: [usize; 4],
}

impl Pooling {
    fn size(&self) -> [usize; 2] {
        [self.dims[2], self.dims[3]]
    }
}

impl Kernel for Pooling {
    fn shape(&self) -> [usize; 4] {
        let [n, c, h, w] = self.dims;
        [n, c, h / 2, w / 2]
    }

    fn forward(&self, [x, ..]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let forward = || pool::forward(Level::new(), self.pool, self.size(), x);
        (measured("pool", Work::new(x.len(), x.len() / 4 * 5), forward), Saved::new())
    }

    fn backward(&self, done: Done<'_>, gradient: &[f32], wanted: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let x = done.inputs[0];
        let backward = || pool::backward(Level::new(), self.pool, self.size(), x, done.out, gradient);
        let work = Work::new(x.len(), x.len() / 2 * 5);
        [wanted[0].then(|| measured("pool gradient", work, backward)), None, None]
    }
}

/// Gram matrices `[n, c, c]` of features `[n, c, h, w]`: inner products of channels over the positions, divided by
/// their number.
#[must_use]
pub fn gram(features: &Tensor<4>) -> Tensor<3> {
    let [n, c, h, w] = features.dims();
    if !kernels(features) {
        let rows = features.clone().reshape([n, c, h * w]);
        return rows.clone().matmul(rows.transpose()).div_scalar((h * w) as f64);
    }
    let shape = GramShape { batch: n, channels: c, positions: h * w };
    apply_alone(Gram { shape }, features.clone()).reshape([n, c, c])
}

#[derive(Debug)]
struct Gram {
    shape: GramShape,
}

impl Gram {
    /// `sharing`: how many entries of the matrix take one product.
    fn work(&self, sharing: usize) -> Work {
        let GramShape { batch, channels, positions } = self.shape;
        let square = channels * channels;
        Work::new(batch * square * positions / sharing, batch * (channels * positions + square))
    }
}

impl Kernel for Gram {
    fn shape(&self) -> [usize; 4] {
        [self.shape.batch, 1, self.shape.channels, self.shape.channels]
    }

    fn forward(&self, [x, ..]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let forward = || gram::forward(Level::new(), self.shape, x);
        // Symmetric, so half of the products would do.
        (measured("gram", self.work(2), forward), Saved::new())
    }

    fn backward(&self, done: Done<'_>, gradient: &[f32], wanted: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let backward = || gram::backward(Level::new(), self.shape, done.inputs[0], gradient);
        [wanted[0].then(|| measured("gram gradient", self.work(1), backward)), None, None]
    }
}
