//! Fixed networks that describe pictures: features at named layers.
//!
//! Losses compare features, and do not know whose they are: a [`Descriptor`] is a value that can be swapped.

mod embedded;
mod layer;
mod stack;
mod tensors;
mod vgg19;
pub mod weights;

use std::sync::Arc;

use burn::tensor::Tensor;
use thiserror::Error;

pub use embedded::Embedded;
pub use layer::{Layer, UnknownLayer};
pub use stack::{ConvWeights, Padding, Pooling};
pub use vgg19::{Coding, Vgg19, Vgg19Options};

/// A fixed network whose features tell what a picture looks like.
pub trait Descriptor: Send + Sync {
    /// What it is, in words that identify it in a model file: `vgg19 caffe max unpadded`.
    fn name(&self) -> String;

    /// Whether pictures of `[height, width]` pixels have features at all these layers.
    ///
    /// # Errors
    /// The picture is too small for one of them, or the descriptor does not reach it.
    fn check(&self, size: [usize; 2], layers: &[Layer]) -> Result<(), DescriptorError>;

    /// Features of pictures of shape `[n, 3, h, w]`, sRGB-coded, nominally in `[0, 1]`, at these layers, in this
    /// order, each of shape `[n, channels, h', w']`.
    ///
    /// Gradients flow to the pictures, and to nothing else. The network is run once, down to the deepest layer.
    ///
    /// # Errors
    /// As [`check`](Self::check), or the pictures do not have three channels, or there are none.
    fn features(&self, pictures: &Tensor<4>, layers: &[Layer]) -> Result<Vec<Tensor<4>>, DescriptorError>;
}

/// Why pictures have no features.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DescriptorError {
    /// Too few pixels for a layer.
    #[error(
        "image is {width}x{height}, but '{layer}' needs at least {least}x{least}: \
         choose a shallower layer or a larger image"
    )]
    TooSmall {
        /// Height of the pictures, in pixels.
        height: usize,
        /// Width of the pictures, in pixels.
        width: usize,
        /// The layer that asks for most.
        layer: Layer,
        /// The smallest side, in pixels.
        least: usize,
    },
    /// A layer beyond the last one at hand.
    #[error("the weights end before '{0}': choose a shallower layer or a file of all weights")]
    TooDeep(Layer),
    /// Not pictures.
    #[error("pictures have the shape {0:?}, but a descriptor takes [n, 3, h, w] with n at least 1")]
    Shape([usize; 4]),
    /// Weights that do not make a network.
    #[error("{0}")]
    Weights(String),
}

macro_rules! pointers {
    ($($pointer:ident),+) => {$(
        impl<T: Descriptor + ?Sized> Descriptor for $pointer<T> {
            fn name(&self) -> String {
                (**self).name()
            }

            fn check(&self, size: [usize; 2], layers: &[Layer]) -> Result<(), DescriptorError> {
                (**self).check(size, layers)
            }

            fn features(
                &self,
                pictures: &Tensor<4>,
                layers: &[Layer],
            ) -> Result<Vec<Tensor<4>>, DescriptorError> {
                (**self).features(pictures, layers)
            }
        }
    )+};
}

pointers!(Arc, Box);
