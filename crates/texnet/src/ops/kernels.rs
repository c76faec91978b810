//! The operations with our kernels.

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use texnet_infer::Level;
use texnet_kernels::Border;
use texnet_kernels::learn::activation;
use texnet_kernels::learn::conv::{self, ConvShape};
use texnet_kernels::learn::join::{self, JoinShape};
use texnet_kernels::learn::norm::{self, Moments, NormShape};

use super::host::{Done, HostOps, Kernel, Saved};
use super::{EPSILON, NormOptions};
use crate::profile::{Work, measured};

/// A kernel of one input.
pub(super) fn apply_alone(kernel: impl Kernel + 'static, x: Tensor<4>) -> Tensor<4> {
    let device = x.device();
    apply(kernel, x, Tensor::zeros([1, 1, 1, 1], &device), Tensor::zeros([1], &device))
}

fn apply(kernel: impl Kernel + 'static, a: Tensor<4>, b: Tensor<4>, c: Tensor<1>) -> Tensor<4> {
    let [a, b] = [a, b].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as HostOps>::on_host(Arc::new(kernel), a, b, c.into_dispatch()))
}

pub(super) fn conv(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, border: Border) -> Tensor<4> {
    let [batch, inputs, height, width] = x.dims();
    let [outputs, _, kernel, _] = weight.dims();
    let shape = ConvShape { batch, inputs, outputs, size: [height, width], kernel, border };
    let biased = bias.is_some();
    let bias = bias.unwrap_or_else(|| Tensor::zeros([1], &x.device()));
    apply(Convolution { shape, biased }, x, weight, bias)
}

#[derive(Debug)]
struct Convolution {
    shape: ConvShape,
    biased: bool,
}

impl Convolution {
    fn name(&self, [one, three]: [&'static str; 2]) -> &'static str {
        if self.shape.kernel == 1 { one } else { three }
    }

    fn work(&self) -> Work {
        let ConvShape { batch, inputs, outputs, size: [height, width], kernel, .. } = self.shape;
        let (pixels, weights) = (batch * height * width, inputs * outputs * kernel * kernel);
        Work::new(pixels * weights, pixels * (inputs + outputs) + weights)
    }
}

impl Kernel for Convolution {
    fn shape(&self) -> [usize; 4] {
        let ConvShape { batch, outputs, size: [height, width], .. } = self.shape;
        [batch, outputs, height, width]
    }

    fn forward(&self, [x, weight, bias]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let bias = if self.biased { bias } else { &[] };
        let forward = || conv::forward(Level::new(), self.shape, x, weight, bias);
        (measured(self.name(["1x1", "3x3"]), self.work(), forward), Saved::new())
    }

    fn backward(&self, done: Done<'_>, gradient: &[f32], wanted: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let [x, weight, _] = done.inputs;
        let (level, shape) = (Level::new(), self.shape);
        let data = || conv::backward_data(level, shape, gradient, weight);
        let weights = || conv::backward_weights(level, shape, x, gradient);
        let data =
            || wanted[0].then(|| measured(self.name(["1x1 to data", "3x3 to data"]), self.work(), data));
        let name = self.name(["1x1 to weights", "3x3 to weights"]);
        let weights = || wanted[1].then(|| measured(name, self.work(), weights));
        let (data, weights) = rayon::join(data, weights);
        [data, weights, (wanted[2] && self.biased).then(|| conv::backward_bias(level, shape, gradient))]
    }
}

pub(super) fn norm(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, options: NormOptions) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let shape = NormShape {
        channels,
        plane: height * width,
        group: options.group,
        epsilon: EPSILON,
        slope: options.slope,
    };
    let gamma = gamma.reshape([1, channels, 1, 1]);
    apply(Normalisation { shape, dims: [batch, channels, height, width] }, x, gamma, beta)
}

#[derive(Debug)]
struct Normalisation {
    shape: NormShape,
    dims: [usize; 4],
}

impl Kernel for Normalisation {
    fn shape(&self) -> [usize; 4] {
        self.dims
    }

    fn forward(&self, [x, gamma, beta]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let forward = || norm::forward(Level::new(), self.shape, x, gamma, beta);
        let (out, moments) = measured("norm", Work::new(4 * x.len(), 2 * x.len()), forward);
        (out, vec![moments.mean, moments.inverse])
    }

    fn backward(&self, done: Done<'_>, gradient: &[f32], _wanted: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let moments = Moments { mean: done.saved[0].clone(), inverse: done.saved[1].clone() };
        let backward = || norm::backward(Level::new(), self.shape, done.inputs, &moments, gradient);
        let work = Work::new(7 * gradient.len(), 3 * gradient.len());
        let gradients = measured("norm gradient", work, backward);
        [Some(gradients.x), Some(gradients.gamma), Some(gradients.beta)]
    }
}

pub(super) fn activation(x: Tensor<4>, slope: f32) -> Tensor<4> {
    let dims = x.dims();
    apply_alone(Activation { slope, dims }, x)
}

#[derive(Debug)]
struct Activation {
    slope: f32,
    dims: [usize; 4],
}

impl Kernel for Activation {
    fn shape(&self) -> [usize; 4] {
        self.dims
    }

    fn forward(&self, [x, ..]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let forward = || activation::forward(Level::new(), self.slope, x);
        (measured("activation", Work::new(x.len(), 2 * x.len()), forward), Saved::new())
    }

    fn backward(&self, done: Done<'_>, gradient: &[f32], wanted: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let backward = || activation::backward(Level::new(), self.slope, done.inputs[0], gradient);
        let work = Work::new(gradient.len(), 3 * gradient.len());
        [wanted[0].then(|| measured("activation gradient", work, backward)), None, None]
    }
}

pub(super) fn join(coarse: Tensor<4>, fine: Tensor<4>, smooth: Option<Border>) -> Tensor<4> {
    let [batch, coarse_channels, ..] = coarse.dims();
    let [_, fine_channels, height, width] = fine.dims();
    let shape =
        JoinShape { batch, coarse: coarse_channels, fine: fine_channels, size: [height, width], smooth };
    let unused = Tensor::zeros([1], &coarse.device());
    apply(Join { shape }, coarse, fine, unused)
}

#[derive(Debug)]
struct Join {
    shape: JoinShape,
}

impl Kernel for Join {
    fn shape(&self) -> [usize; 4] {
        let JoinShape { batch, coarse, fine, size: [height, width], .. } = self.shape;
        [batch, coarse + fine, height, width]
    }

    fn forward(&self, [coarse, fine, _]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let work = Work::new(0, coarse.len() + fine.len() + self.shape().iter().product::<usize>());
        (measured("join", work, || join::forward(self.shape, coarse, fine)), Saved::new())
    }

    fn backward(&self, _done: Done<'_>, gradient: &[f32], wanted: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let coarse = || join::backward_coarse(self.shape, gradient);
        let fine = || join::backward_fine(self.shape, gradient);
        let both = || [wanted[0].then(coarse), wanted[1].then(fine), None];
        measured("join gradient", Work::new(gradient.len() / 2, 2 * gradient.len()), both)
    }
}
