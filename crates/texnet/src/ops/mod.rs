//! The operations of a generator: convolution, normalisation with its activation, the activation alone, and the join of
//! two scales.
//!
//! Each is composed of the tensor library's own operations, which is its definition and its path on GPUs, and each
//! has a kernel of ours with a handwritten gradient, which is its path on the CPU: `host.rs` is the door.

mod composed;
mod fixed;
mod host;
mod kernels;

use burn::backend::DispatchDevice;
use burn::tensor::{Device, Tensor};
pub use fixed::{FixedConv, gram, pool};
use texnet_kernels::Border;
pub use texnet_kernels::learn::norm::Group;
pub use texnet_kernels::learn::pool::Pool;

/// Where a normalisation takes its numbers from, and the activation after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormOptions {
    /// What the moments are taken over.
    pub group: Group,
    /// Slope of the activation below zero; none when absent.
    pub slope: Option<f32>,
}

/// Added to variances, as when models are run.
pub const EPSILON: f64 = texnet_infer::whole::EPSILON;

/// How operations are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Path {
    /// With our kernels where they run, on the CPU.
    #[default]
    Fast,
    /// As compositions of the tensor library's operations, on every device.
    Composed,
}

impl Path {
    fn kernels(self, device: &Device) -> bool {
        self == Self::Fast && on_host(device.as_dispatch())
    }

    /// The convolution of `x` `[n, inputs, h, w]` with `weight` `[outputs, inputs, k, k]`, `k` 1 or 3, and `bias`
    /// `[outputs]`: `[n, outputs, h, w]`.
    #[must_use]
    pub fn conv(self, x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, border: Border) -> Tensor<4> {
        if self.kernels(&x.device()) {
            kernels::conv(x, weight, bias, border)
        } else {
            composed::conv(x, weight, bias, border)
        }
    }

    /// `activation(gamma * (x - mean) / sqrt(variance + EPSILON) + beta)` of `x` `[n, c, h, w]`.
    #[must_use]
    pub fn norm(self, x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, options: NormOptions) -> Tensor<4> {
        if self.kernels(&x.device()) {
            kernels::norm(x, gamma, beta, options)
        } else {
            composed::norm(x, gamma, beta, options)
        }
    }

    /// `x`, times `slope` in `[0, 1]` where it is negative.
    #[must_use]
    pub fn activation(self, x: Tensor<4>, slope: f32) -> Tensor<4> {
        if self.kernels(&x.device()) { kernels::activation(x, slope) } else { composed::activation(x, slope) }
    }

    /// `coarse` `[n, a, h, w]`, every value twice in both directions, or interpolated with this beyond its border, and
    /// `fine` `[n, b, 2h, 2w]` as further channels: `[n, a + b, 2h, 2w]`.
    #[must_use]
    pub fn join(self, coarse: Tensor<4>, fine: Tensor<4>, smooth: Option<Border>) -> Tensor<4> {
        if self.kernels(&coarse.device()) {
            kernels::join(coarse, fine, smooth)
        } else {
            composed::join(coarse, fine, smooth)
        }
    }
}

/// Every value of `x` `[n, c, h, w]` twice in both directions: `[n, c, 2h, 2w]`; a composition on every device.
#[must_use]
pub fn double(x: Tensor<4>) -> Tensor<4> {
    composed::double(x)
}

/// Whether a device is the CPU, where our kernels run.
pub(crate) fn on_host(device: &DispatchDevice) -> bool {
    match device {
        DispatchDevice::Autodiff(inner) => on_host(inner),
        other => matches!(other, DispatchDevice::Flex(_)),
    }
}
