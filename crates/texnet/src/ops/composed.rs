//! The operations as compositions: their definition.

use burn::tensor::Tensor;
use burn::tensor::module::{conv2d, interpolate};
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions};
use texnet_kernels::Border;

use super::{EPSILON, Group, NormOptions};

pub(super) fn conv(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, border: Border) -> Tensor<4> {
    let margin = weight.dims()[2] / 2;
    let plain = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    conv2d(continued(x, margin, border), weight, bias, plain)
}

/// `margin` more rows and columns on every side.
pub(super) fn continued(x: Tensor<4>, margin: usize, border: Border) -> Tensor<4> {
    pad(pad(x, 2, margin, border), 3, margin, border)
}

/// `margin` more slices on both sides of a dimension.
fn pad(x: Tensor<4>, dim: usize, margin: usize, border: Border) -> Tensor<4> {
    let size = x.dims()[dim];
    let slice = |offset: isize| match border.index(offset, size) {
        Some(at) => x.clone().narrow(dim, at, 1),
        None => x.clone().narrow(dim, 0, 1).zeros_like(),
    };
    let before = (0..margin).map(|i| slice(i as isize - margin as isize));
    let after = (0..margin).map(|i| slice((size + i) as isize));
    Tensor::cat(before.chain([x.clone()]).chain(after).collect(), dim)
}

pub(super) fn norm(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, options: NormOptions) -> Tensor<4> {
    let mean = |x: Tensor<4>| {
        let plane = x.mean_dim(3).mean_dim(2);
        if options.group == Group::Batch { plane.mean_dim(0) } else { plane }
    };
    let channels = gamma.dims()[0];
    let centred = x.clone() - mean(x);
    let deviation = (mean(centred.clone() * centred.clone()) + EPSILON).sqrt();
    let [gamma, beta] = [gamma, beta].map(|v| v.reshape([1, channels, 1, 1]));
    let out = centred / deviation * gamma + beta;
    match options.slope {
        Some(slope) => activation(out, slope),
        None => out,
    }
}

pub(super) fn activation(x: Tensor<4>, slope: f32) -> Tensor<4> {
    x.clone().clamp_min(0.0) + x.clamp_max(0.0) * slope
}

pub(super) fn join(coarse: Tensor<4>, fine: Tensor<4>, smooth: Option<Border>) -> Tensor<4> {
    let up = match smooth {
        Some(border) => interpolated(interpolated(coarse, 2, border), 3, border),
        None => double(coarse),
    };
    Tensor::cat(vec![up, fine], 1)
}

/// Twice as long in one dimension, by linear interpolation.
fn interpolated(x: Tensor<4>, dim: usize, border: Border) -> Tensor<4> {
    let mut shape = x.dims();
    let size = shape[dim];
    let wide = pad(x.clone(), dim, 1, border);
    let beside = |start: usize| x.clone() * 0.75 + wide.clone().narrow(dim, start, size) * 0.25;
    let pairs: Tensor<5> = Tensor::stack(vec![beside(0), beside(2)], dim + 1);
    shape[dim] = 2 * size;
    pairs.reshape(shape)
}

pub(super) fn double(x: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let nearest = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([2 * height, 2 * width]);
    interpolate(x, nearest)
}
