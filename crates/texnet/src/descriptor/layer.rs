//! The layers of VGG-19 (Simonyan and Zisserman 2014, configuration E) by the names the field uses.
//!
//! Sixteen 3x3 convolutions in five blocks, each followed by a ReLU, each block by a 2x2 pooling.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::stack::Padding;

/// Least side, in positions, of the features that are compared: one position is a point, not a texture.
const LEAST_POSITIONS: usize = 2;

/// What a layer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A 3x3 convolution.
    Conv,
    /// The larger of a value and zero.
    Relu,
    /// Halves height and width.
    Pool,
}

macro_rules! layers {
    ($($layer:ident $name:literal $step:ident $block:literal),+ $(,)?) => {
        /// A layer of VGG-19, in the order of the network: a later one is deeper.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Layer {
            $(#[doc = concat!("`", $name, "`, in block ", $block, ".")] $layer),+
        }

        impl Layer {
            /// All layers, from the picture down.
            pub const ALL: &[Self] = &[$(Self::$layer),+];

            /// The name: `relu4_2`, `conv1_1`, `pool3`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$layer => $name),+ }
            }

            pub(crate) const fn step(self) -> Step {
                match self { $(Self::$layer => Step::$step),+ }
            }

            /// The block, from 1 to 5: height and width were halved once fewer.
            #[must_use]
            pub const fn block(self) -> usize {
                match self { $(Self::$layer => $block),+ }
            }
        }
    };
}

layers! {
    Conv1_1 "conv1_1" Conv 1, Relu1_1 "relu1_1" Relu 1, Conv1_2 "conv1_2" Conv 1, Relu1_2 "relu1_2" Relu 1,
    Pool1 "pool1" Pool 1,
    Conv2_1 "conv2_1" Conv 2, Relu2_1 "relu2_1" Relu 2, Conv2_2 "conv2_2" Conv 2, Relu2_2 "relu2_2" Relu 2,
    Pool2 "pool2" Pool 2,
    Conv3_1 "conv3_1" Conv 3, Relu3_1 "relu3_1" Relu 3, Conv3_2 "conv3_2" Conv 3, Relu3_2 "relu3_2" Relu 3,
    Conv3_3 "conv3_3" Conv 3, Relu3_3 "relu3_3" Relu 3, Conv3_4 "conv3_4" Conv 3, Relu3_4 "relu3_4" Relu 3,
    Pool3 "pool3" Pool 3,
    Conv4_1 "conv4_1" Conv 4, Relu4_1 "relu4_1" Relu 4, Conv4_2 "conv4_2" Conv 4, Relu4_2 "relu4_2" Relu 4,
    Conv4_3 "conv4_3" Conv 4, Relu4_3 "relu4_3" Relu 4, Conv4_4 "conv4_4" Conv 4, Relu4_4 "relu4_4" Relu 4,
    Pool4 "pool4" Pool 4,
    Conv5_1 "conv5_1" Conv 5, Relu5_1 "relu5_1" Relu 5, Conv5_2 "conv5_2" Conv 5, Relu5_2 "relu5_2" Relu 5,
    Conv5_3 "conv5_3" Conv 5, Relu5_3 "relu5_3" Relu 5, Conv5_4 "conv5_4" Conv 5, Relu5_4 "relu5_4" Relu 5,
    Pool5 "pool5" Pool 5,
}

impl Layer {
    /// The five layers of the texture loss of Ulyanov et al. 2016: the first of each block.
    pub const TEXTURE: [Self; 5] =
        [Self::Relu1_1, Self::Relu2_1, Self::Relu3_1, Self::Relu4_1, Self::Relu5_1];

    /// The layer of the content loss of Ulyanov et al. 2016.
    pub const CONTENT: Self = Self::Relu4_2;

    /// The layers that must be run for this one, itself last.
    pub(crate) fn path(self) -> &'static [Self] {
        let end = Self::ALL.iter().position(|&layer| layer == self).map_or(0, |i| i + 1);
        &Self::ALL[..end]
    }

    /// The place in torchvision's `features`: `features.0` is `conv1_1`, `features.2` is `conv1_2`.
    pub(crate) fn index(self) -> usize {
        self.path().len() - 1
    }

    /// The convolutions, from the picture down.
    pub(crate) fn convs() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|layer| layer.step() == Step::Conv)
    }

    /// The smallest side of a picture, in pixels, whose features here are at least two positions high and wide.
    #[must_use]
    pub fn least_side(self, padding: Padding) -> usize {
        self.path().iter().rev().fold(LEAST_POSITIONS, |side, layer| match (layer.step(), padding) {
            (Step::Pool, _) => 2 * side,
            (Step::Conv, Padding::None) => side + 2,
            (Step::Conv, Padding::Zero | Padding::Circular) | (Step::Relu, _) => side,
        })
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no layer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is no layer of VGG-19: name one of conv1_1 to conv5_4, relu1_1 to relu5_4 or pool1 to pool5")]
pub struct UnknownLayer(pub String);

impl FromStr for Layer {
    type Err = UnknownLayer;

    fn from_str(name: &str) -> Result<Self, UnknownLayer> {
        let known = Self::ALL.iter().find(|layer| layer.name() == name);
        known.copied().ok_or_else(|| UnknownLayer(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!(Layer::ALL.len(), 37);
        for &layer in Layer::ALL {
            assert_eq!(layer.to_string().parse(), Ok(layer));
        }
        for name in ["", "relu1_3", "relu6_1", "Relu1_1", "relu1_1 ", "pool6"] {
            assert_eq!(name.parse::<Layer>(), Err(UnknownLayer(name.into())));
        }
    }

    #[test]
    fn places_are_those_of_torchvision() {
        let places: Vec<usize> = Layer::convs().map(Layer::index).collect();
        assert_eq!(places, [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]);
        assert_eq!(Layer::Relu5_1.index(), 29);
    }

    #[test]
    fn the_smallest_picture_leaves_two_positions() {
        assert_eq!(Layer::Relu1_1.least_side(Padding::Zero), 2);
        assert_eq!(Layer::Relu5_1.least_side(Padding::Zero), 32);
        assert_eq!(Layer::Pool5.least_side(Padding::Zero), 64);
        assert_eq!(Layer::Relu1_2.least_side(Padding::None), 6);
        assert_eq!(Layer::Relu5_1.least_side(Padding::None), 172);
    }
}
