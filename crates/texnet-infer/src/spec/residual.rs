//! The residual network of styles (Johnson et al. 2016, supplement; with the instance norm of Ulyanov et al. 2017,
//! section 4): the photograph is halved by convolutions, changed by residual blocks at the coarsest scale, and doubled
//! again. Here every kernel is 3x3, a halving is a convolution and the mean of 2x2 instead of a stride, which would alias,
//! and a doubling repeats pixels instead of a transposed convolution, which would leave a checkerboard.

use super::{ConvSpec, GeneratorSpec, Padding, Scale, SpecError};

/// One operation of a residual network, on the features that the one before left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A convolution; size as before.
    Conv(ConvSpec),
    /// The normalisation of the convolution of this name, and after it the activation, if there is one.
    Norm {
        /// Of the convolution.
        conv: String,
        /// Whether the activation follows.
        activated: bool,
    },
    /// The mean of 2x2 positions.
    Halve,
    /// Every value twice in both directions.
    Double,
    /// Remembers the features for [`Op::Add`].
    Keep,
    /// The noise of the coarsest scale as further channels, where there is any.
    Noise,
    /// Adds what was remembered.
    Add,
}

impl GeneratorSpec {
    /// A residual network of `scales` scales with five blocks: 32 channels at the finest scale, 64 and then 96 below.
    #[must_use]
    pub fn residual_style(scales: usize) -> Self {
        let width = |i: usize| (32 * (scales - i)).min(96);
        let scale = |i: usize| {
            let (branch, reach) = if i == 0 { (width(0), 1.0) } else { (0, 0.0) };
            Scale { branch, width: width(i), noise: [-reach, reach], smooth: false }
        };
        Self {
            scales: (0..scales).map(scale).collect(),
            block: vec![3],
            residual: 5,
            negative_slope: 0.0,
            padding: Padding::Reflect,
            content: true,
            ..Self::coarse_wide(scales)
        }
    }

    /// What a residual network does, in order; nothing for a pyramid.
    #[must_use]
    pub fn program(&self) -> Vec<Op> {
        let Some(finest) = self.scales.last().filter(|_| self.residual > 0) else { return Vec::new() };
        let mut ops = layer(conv("stem", 3, finest.width));
        for i in (0..self.scales.len() - 1).rev() {
            let encode = conv(&format!("scale{i}.encode"), self.scales[i + 1].width, self.scales[i].width);
            let [conv, norm] = layer(encode).try_into().expect("a convolution and its normalisation");
            ops.extend([conv, Op::Halve, norm]);
        }
        (0..self.residual).for_each(|b| ops.extend(self.residual_block(b)));
        for i in 1..self.scales.len() {
            ops.push(Op::Double);
            ops.extend(self.join_block(i).into_iter().flat_map(layer));
        }
        ops.push(Op::Conv(self.head()));
        ops
    }

    /// Two convolutions, the second without an activation, added to what they read; the first block also reads noise.
    fn residual_block(&self, index: usize) -> Vec<Op> {
        let width = self.scales[0].width;
        let noise = if index == 0 { self.noise_channels } else { 0 };
        let mut ops = vec![Op::Keep];
        ops.extend((noise > 0).then_some(Op::Noise));
        ops.extend(layer(conv(&format!("trunk{index}.0"), width + noise, width)));
        let second = conv(&format!("trunk{index}.1"), width, width);
        let norm = Op::Norm { conv: second.name.clone(), activated: false };
        ops.extend([Op::Conv(second), norm, Op::Add]);
        ops
    }

    pub(super) fn validate_residual(&self) -> Result<(), SpecError> {
        if self.residual > MAX_RESIDUAL {
            return SpecError::new(format!(
                "a network has at most {MAX_RESIDUAL} residual blocks, but {} are given",
                self.residual
            ));
        }
        if self.residual > 0 && (!self.content || self.join_norm) {
            return SpecError::new(
                "a residual network changes a photograph and joins nothing, but content is off or join_norm on",
            );
        }
        if self.residual > 0 && self.padding != Padding::Reflect {
            return SpecError::new(format!(
                "a residual network pads by reflection alone, but its padding is {:?}",
                self.padding
            ));
        }
        if self.residual > 0 && self.scales.iter().skip(1).any(|scale| scale.branch > 0) {
            return SpecError::new("a residual network has a branch at scale 0 alone, but others have one");
        }
        Ok(())
    }
}

/// Most residual blocks.
const MAX_RESIDUAL: usize = 64;

fn conv(name: &str, inputs: usize, outputs: usize) -> ConvSpec {
    ConvSpec { name: name.to_owned(), inputs, outputs, kernel: 3, normalised: true }
}

/// A convolution, its normalisation and activation.
fn layer(spec: ConvSpec) -> Vec<Op> {
    let norm = Op::Norm { conv: spec.name.clone(), activated: true };
    vec![Op::Conv(spec), norm]
}
