//! The operations with our kernels.

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use texnet_infer::Level;
use texnet_kernels::Border;
use texnet_kernels::learn::conv::{self, ConvShape};
use texnet_kernels::learn::join::{self, JoinShape};
use texnet_kernels::learn::norm::{self, NormShape};

use super::host::{HostOps, Kernel, Saved};
use super::{EPSILON, NormOptions};

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

impl Kernel for Convolution {
    fn shape(&self) -> [usize; 4] {
        let ConvShape { batch, outputs, size: [height, width], .. } = self.shape;
        [batch, outputs, height, width]
    }

    fn forward(&self, [x, weight, bias]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        let bias = if self.biased { bias } else { &[] };
        (conv::forward(Level::new(), self.shape, x, weight, bias), Saved::new())
    }

    fn backward(
        &self,
        [x, weight, _]: [&[f32]; 3],
        _saved: &Saved,
        gradient: &[f32],
        wanted: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let level = Level::new();
        let (data, rest) = rayon::join(
            || wanted[0].then(|| conv::backward_data(level, self.shape, gradient, weight)),
            || {
                let weights = wanted[1].then(|| conv::backward_weights(level, self.shape, x, gradient));
                (weights, (wanted[2] && self.biased).then(|| conv::backward_bias(self.shape, gradient)))
            },
        );
        [data, rest.0, rest.1]
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
        let (out, saved) = norm::forward(Level::new(), self.shape, x, gamma, beta);
        (out, vec![saved.normalised, saved.inverse])
    }

    fn backward(
        &self,
        [_, gamma, beta]: [&[f32]; 3],
        saved: &Saved,
        gradient: &[f32],
        _wanted: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let saved = norm::Normalised { values: &saved[0], inverse: &saved[1] };
        let gradients = norm::backward(Level::new(), self.shape, saved, gamma, beta, gradient);
        [Some(gradients.x), Some(gradients.gamma), Some(gradients.beta)]
    }
}

pub(super) fn join(coarse: Tensor<4>, fine: Tensor<4>) -> Tensor<4> {
    let [batch, coarse_channels, ..] = coarse.dims();
    let [_, fine_channels, height, width] = fine.dims();
    let shape = JoinShape { batch, coarse: coarse_channels, fine: fine_channels, size: [height, width] };
    let unused = Tensor::zeros([1], &coarse.device());
    apply(Join { shape }, coarse, fine, unused)
}

#[derive(Debug)]
struct Join {
    shape: JoinShape,
}

impl Kernel for Join {
    fn shape(&self) -> [usize; 4] {
        let JoinShape { batch, coarse, fine, size: [height, width] } = self.shape;
        [batch, coarse + fine, height, width]
    }

    fn forward(&self, [coarse, fine, _]: [&[f32]; 3]) -> (Vec<f32>, Saved) {
        (join::forward(self.shape, coarse, fine), Saved::new())
    }

    fn backward(
        &self,
        _inputs: [&[f32]; 3],
        _saved: &Saved,
        gradient: &[f32],
        wanted: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        [
            wanted[0].then(|| join::backward_coarse(self.shape, gradient)),
            wanted[1].then(|| join::backward_fine(self.shape, gradient)),
            None,
        ]
    }
}
