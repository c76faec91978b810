//! Content: the features of a photograph (Gatys et al. 2016; Ulyanov et al. 2016, section 3.1).

use std::fmt;

use burn::tensor::Tensor;

use crate::descriptor::Layer;

/// Which features of a photograph are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContentConfig {
    /// Where: deeper keeps less of the strokes.
    pub layer: Layer,
    /// Weight of the mean squared difference.
    pub weight: f32,
}

impl Default for ContentConfig {
    /// The paper's: `relu4_2`, weight 1.
    fn default() -> Self {
        Self { layer: Layer::CONTENT, weight: 1.0 }
    }
}

/// Mean squared difference of features of shape `[n, c, h, w]` from those wanted, of the same shape or with `n = 1`.
#[must_use]
pub fn content_distance(features: &Tensor<4>, wanted: &Tensor<4>) -> Tensor<1> {
    (features.clone() - wanted.clone()).square().mean()
}

/// The photographs that pictures should show.
pub(super) enum Photographs {
    /// Always the same; its features, and its height and width in pixels.
    Fixed(Box<Tensor<4>>, [usize; 2]),
    /// Those of each step, of shape `[n, 3, h, w]`.
    Drawn(Box<dyn Fn(u64) -> Tensor<4> + Send + Sync>),
}

impl fmt::Debug for Photographs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(_, size) => f.debug_tuple("Fixed").field(size).finish_non_exhaustive(),
            Self::Drawn(_) => f.write_str("Drawn"),
        }
    }
}
