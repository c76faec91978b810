//! What a generator is: the architecture, written once, read by every executor.
//!
//! The pyramid of texture networks (Ulyanov et al. 2016, section 3.2 and figure 2): noise at several scales,
//! a block of convolutions on each, the coarser result upsampled twofold and joined to the finer one as extra
//! channels, another block, up to full resolution, and a 1x1 convolution to colour. Styles may have a residual network
//! instead (`residual.rs`).

mod cost;
mod residual;

use serde::{Deserialize, Serialize};
use texnet_kernels::Border;
use thiserror::Error;

pub use residual::Op;

/// The architecture of a generator. [`GeneratorSpec::validate`] says what is allowed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorSpec {
    /// The scales from the coarsest to the finest; each is twice as large as the one before.
    pub scales: Vec<Scale>,
    /// Kernel sizes of the convolutions of a block, in order: 1 or 3 each. The paper's is `[3, 3, 1]`.
    pub block: Vec<usize>,
    /// Noise channels that enter at every scale.
    pub noise_channels: usize,
    /// Whether the photograph enters at every scale (three channels, before the noise): a style network.
    pub content: bool,
    /// Residual blocks at the coarsest scale, to and from which convolutions lead; 0 is a pyramid. The photograph then
    /// enters at the finest scale alone, and the noise at the coarsest.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub residual: usize,
    /// Whether both sides are normalised right before they are joined (paper, section 3.2).
    pub join_norm: bool,
    /// How features are normalised.
    pub norm: Norm,
    /// Slope of the activation below zero: 0 is ReLU, the code of 2016 has 0.01.
    pub negative_slope: f32,
    /// What a convolution sees beyond the border of a whole picture. Windows of a plane have no border.
    pub padding: Padding,
    /// What the last convolution's three channels mean.
    pub output: OutputCoding,
}

/// One scale of the pyramid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Channels of the block that the inputs of this scale go through alone; 0 joins the inputs as they are.
    pub branch: usize,
    /// Channels after the join; at the coarsest scale, where nothing is joined, the branch's own.
    pub width: usize,
    /// The noise is uniform between these two numbers, the second excluded.
    pub noise: [f32; 2],
    /// Whether the coarser result is interpolated bilinearly before it is joined; otherwise every value is there four
    /// times (paper).
    #[serde(default, skip_serializing_if = "is_false")]
    pub smooth: bool,
}

/// How features are normalised after each convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Statistics of the batch; for one picture the same numbers as [`Norm::Instance`].
    Batch,
    /// Statistics of each picture.
    Instance,
    /// None: whatever was normalised is part of the weights.
    Folded,
}

/// What a convolution sees beyond the border of a whole picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// The opposite border: the picture is a torus (paper).
    Circular,
    /// The mirror image, the border itself not repeated.
    Reflect,
    /// The nearest pixel.
    Replicate,
    /// Zeros.
    Zero,
}

impl From<Padding> for Border {
    fn from(padding: Padding) -> Self {
        match padding {
            Padding::Circular => Self::Circular,
            Padding::Reflect => Self::Reflect,
            Padding::Replicate => Self::Replicate,
            Padding::Zero => Self::Zero,
        }
    }
}

/// What the three channels of the last convolution mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputCoding {
    /// Red, green, blue in `[0, 1]`.
    Rgb,
    /// Blue, green, red in `[0, 255]`, minus the Caffe means (103.939, 116.779, 123.68): the code of 2016.
    CaffeBgr,
}

/// Means of Caffe's networks, blue, green, red, on the scale of 0 to 255.
pub const CAFFE_MEANS: [f32; 3] = [103.939, 116.779, 123.68];

impl OutputCoding {
    /// Where a colour channel (0 red, 1 green, 2 blue) comes from, as `[channel of the raw output, shift, scale]`:
    /// the sRGB-coded value is `(raw + shift) / scale`.
    #[must_use]
    pub fn source(self, c: usize) -> (usize, f32, f32) {
        match self {
            Self::Rgb => (c, 0.0, 1.0),
            Self::CaffeBgr => (2 - c, CAFFE_MEANS[2 - c], 255.0),
        }
    }
}

/// A spec that describes no network we can run.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{0}")]
pub struct SpecError(pub String);

impl SpecError {
    fn new<T>(message: impl Into<String>) -> Result<T, Self> {
        Err(Self(message.into()))
    }
}

/// Most scales a generator may have: 2^11 pixels to one of the coarsest.
pub const MAX_SCALES: usize = 12;
/// Most channels anywhere.
pub const MAX_CHANNELS: usize = 1024;
/// Most convolutions in one block.
pub const MAX_BLOCK: usize = 8;

/// One convolution of a generator: its place, its shape, and whether a normalisation follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvSpec {
    /// Prefix of its tensors' names: `scale2.join.0`.
    pub name: String,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Kernel side, 1 or 3.
    pub kernel: usize,
    /// Whether normalisation and activation follow; only the head has neither.
    pub normalised: bool,
}

impl GeneratorSpec {
    /// The paper's texture generator (section 3.2): `scales` scales, widths 8, 16, 24 ..., ReLU, batch norm.
    #[must_use]
    pub fn paper(scales: usize) -> Self {
        let scale = |i| Scale { branch: 8, width: 8 * (i + 1), noise: [0.0, 1.0], smooth: false };
        Self {
            scales: (0..scales).map(scale).collect(),
            block: vec![3, 3, 1],
            noise_channels: 3,
            content: false,
            residual: 0,
            join_norm: true,
            norm: Norm::Batch,
            negative_slope: 0.0,
            padding: Padding::Circular,
            output: OutputCoding::Rgb,
        }
    }

    /// A pyramid that is wide where pixels are few: 40 channels at the coarsest scales, then 32, 24 and 16 at the
    /// finest. Structure is made at the coarse scales, and time is spent at the fine ones. Noise joins as it is;
    /// blocks of two convolutions, instance norm, slope 0.1 below zero.
    #[must_use]
    pub fn coarse_wide(scales: usize) -> Self {
        let width = |i: usize| (16 + 8 * (scales - 1 - i)).min(40);
        let scale = |i: usize| {
            let (branch, reach) = if i == 0 { (width(0), 0.5) } else { (0, 1.0) };
            Scale { branch, width: width(i), noise: [-reach, reach], smooth: false }
        };
        Self {
            scales: (0..scales).map(scale).collect(),
            block: vec![3, 3],
            join_norm: false,
            norm: Norm::Instance,
            negative_slope: 0.1,
            ..Self::paper(scales)
        }
    }

    /// Finest scales of a style without noise: there it becomes grain, where strokes should be.
    pub const STYLE_NOISELESS: usize = 2;

    /// [`GeneratorSpec::coarse_wide`] with the photograph at every scale, and without noise at the two finest.
    #[must_use]
    pub fn coarse_wide_style(scales: usize) -> Self {
        Self { content: true, ..Self::coarse_wide(scales) }.without_noise(Self::STYLE_NOISELESS)
    }

    /// Without noise at so many scales, from the finest on; the coarsest keeps it.
    #[must_use]
    pub fn without_noise(mut self, finest: usize) -> Self {
        self.scales.iter_mut().skip(1).rev().take(finest).for_each(|scale| scale.noise = [0.0; 2]);
        self
    }

    /// With interpolation before the joins of so many scales, from the finest on: what is painted does not show the blocks
    /// of 2x2 pixels that copies of a value leave.
    #[must_use]
    pub fn interpolating(mut self, finest: usize) -> Self {
        self.scales.iter_mut().skip(1).rev().take(finest).for_each(|scale| scale.smooth = true);
        self
    }

    /// The texture generator of the code of 2016: blocks as in the paper, slope 0.01 below zero, output in Caffe's
    /// coding.
    #[must_use]
    pub fn code_of_2016(scales: usize) -> Self {
        Self { negative_slope: 0.01, output: OutputCoding::CaffeBgr, ..Self::paper(scales) }
    }

    /// The paper's style generator: [`GeneratorSpec::paper`] with the photograph at every scale.
    #[must_use]
    pub fn paper_style(scales: usize) -> Self {
        Self { content: true, ..Self::paper(scales) }
    }

    /// How many scales, from the coarsest on, read noise.
    #[must_use]
    pub fn noisy_scales(&self) -> usize {
        if self.residual > 0 { 1 } else { self.scales.len() }
    }

    /// Channels that enter at every scale of a pyramid: the photograph's, then the noise.
    #[must_use]
    pub fn input_channels(&self) -> usize {
        self.noise_channels + if self.content { 3 } else { 0 }
    }

    /// Pixels of the finest scale to one pixel of scale `index`; 1 at the finest.
    #[must_use]
    pub fn ratio(&self, index: usize) -> usize {
        1 << (self.scales.len() - 1 - index)
    }

    /// Pixels to one pixel of the coarsest scale: sides of whole pictures and of seamless tiles are multiples.
    #[must_use]
    pub fn granularity(&self) -> usize {
        self.ratio(0)
    }

    /// Says what is wrong with the spec, if anything is.
    ///
    /// # Errors
    /// One sentence: what was given, what is allowed.
    pub fn validate(&self) -> Result<(), SpecError> {
        let scales = self.scales.len();
        if !(1..=MAX_SCALES).contains(&scales) {
            return SpecError::new(format!(
                "a generator has 1 to {MAX_SCALES} scales, but {scales} are given"
            ));
        }
        if !(1..=MAX_BLOCK).contains(&self.block.len()) || self.block.iter().any(|k| ![1, 3].contains(k)) {
            return SpecError::new(format!(
                "a block has 1 to {MAX_BLOCK} convolutions with kernels of 1 or 3, but {:?} is given",
                self.block
            ));
        }
        if self.input_channels() == 0 || self.noise_channels > MAX_CHANNELS {
            return SpecError::new(format!(
                "a scale needs 1 to {MAX_CHANNELS} input channels, but {} of noise and {} of content are given",
                self.noise_channels,
                self.input_channels() - self.noise_channels
            ));
        }
        if !(0.0..=1.0).contains(&self.negative_slope) {
            return SpecError::new(format!(
                "negative_slope is {}, but must lie in [0, 1]",
                self.negative_slope
            ));
        }
        self.validate_residual()?;
        (0..scales).try_for_each(|i| self.validate_scale(i))
    }

    fn validate_scale(&self, index: usize) -> Result<(), SpecError> {
        let Scale { branch, width, noise: [low, high], smooth } = self.scales[index];
        if !(1..=MAX_CHANNELS).contains(&width) || branch > MAX_CHANNELS {
            return SpecError::new(format!(
                "scale {index} has a branch of {branch} and a width of {width}, but up to {MAX_CHANNELS} \
                 channels are allowed and the width must be at least 1"
            ));
        }
        if index == 0 && branch != width {
            return SpecError::new(format!(
                "scale 0 has a branch of {branch} and a width of {width}, but nothing is joined there: both \
                 must be equal"
            ));
        }
        if !(low.is_finite() && high.is_finite() && low <= high && high - low <= 1e6) {
            return SpecError::new(format!(
                "scale {index} draws noise in [{low}, {high}), but a finite, ordered range is needed"
            ));
        }
        if smooth && (index == 0 || self.residual > 0 || self.join_norm) {
            return SpecError::new(format!(
                "scale {index} interpolates, but only scales that join a coarser one can, in a pyramid without \
                 join_norm"
            ));
        }
        Ok(())
    }

    /// Channels that the inputs of scale `index` bring to its join.
    #[must_use]
    pub fn side_channels(&self, index: usize) -> usize {
        match self.scales[index].branch {
            _ if self.residual > 0 => 0,
            0 => self.input_channels(),
            branch => branch,
        }
    }

    /// The convolutions that the inputs of scale `index` go through alone, in order; none when `branch` is 0.
    #[must_use]
    pub fn side_block(&self, index: usize) -> Vec<ConvSpec> {
        match self.scales[index].branch {
            branch if branch > 0 && self.residual == 0 => {
                self.conv_block(&format!("scale{index}.side"), self.input_channels(), branch)
            }
            _ => Vec::new(),
        }
    }

    /// The convolutions after the join of scale `index`, in order; none at the coarsest.
    ///
    /// The joined channels are the upsampled coarser result first, then the side's.
    #[must_use]
    pub fn join_block(&self, index: usize) -> Vec<ConvSpec> {
        if index == 0 {
            return Vec::new();
        }
        let inputs = self.scales[index - 1].width + self.side_channels(index);
        self.conv_block(&format!("scale{index}.join"), inputs, self.scales[index].width)
    }

    fn conv_block(&self, prefix: &str, inputs: usize, outputs: usize) -> Vec<ConvSpec> {
        let conv = |(j, &kernel)| ConvSpec {
            name: format!("{prefix}.{j}"),
            inputs: if j == 0 { inputs } else { outputs },
            outputs,
            kernel,
            normalised: true,
        };
        self.block.iter().enumerate().map(conv).collect()
    }

    /// The last convolution, 1x1 to three channels, without normalisation and activation.
    #[must_use]
    pub fn head(&self) -> ConvSpec {
        let inputs = self.scales.last().map_or(0, |s| s.width);
        ConvSpec { name: "head".into(), inputs, outputs: 3, kernel: 1, normalised: false }
    }

    /// The normalisations right before the join of scale `index`, with their channels: of the upsampled
    /// coarser result (`scaleI.up.norm`), and of the side (`scaleI.side.norm`).
    #[must_use]
    pub fn join_norms(&self, index: usize) -> Option<[(String, usize); 2]> {
        let wanted = index > 0 && self.join_norm && self.norm != Norm::Folded;
        wanted.then(|| {
            [
                (format!("scale{index}.up.norm"), self.scales[index - 1].width),
                (format!("scale{index}.side.norm"), self.side_channels(index)),
            ]
        })
    }

    /// All convolutions, in the order they run.
    #[must_use]
    pub fn convs(&self) -> Vec<ConvSpec> {
        if self.residual > 0 {
            let conv = |op| if let Op::Conv(conv) = op { Some(conv) } else { None };
            return self.program().into_iter().filter_map(conv).collect();
        }
        let mut convs: Vec<_> =
            (0..self.scales.len()).flat_map(|i| [self.side_block(i), self.join_block(i)].concat()).collect();
        convs.push(self.head());
        convs
    }

    /// All normalisations as (prefix of their tensors' names, channels): those of the convolutions are
    /// called `<convolution>.norm`. None when the norm is folded.
    #[must_use]
    pub fn norms(&self) -> Vec<(String, usize)> {
        if self.norm == Norm::Folded {
            return Vec::new();
        }
        let after = self.convs().into_iter().filter(|c| c.normalised);
        let mut norms: Vec<_> = after.map(|c| (format!("{}.norm", c.name), c.outputs)).collect();
        norms.extend((0..self.scales.len()).filter_map(|i| self.join_norms(i)).flatten());
        norms
    }

    /// Name and shape of every learned tensor: `<conv>.weight` `[out, in, k, k]`, `<conv>.bias` `[out]`,
    /// `<norm>.gamma` and `<norm>.beta` `[channels]`.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let of_conv = |c: ConvSpec| {
            [
                (format!("{}.weight", c.name), vec![c.outputs, c.inputs, c.kernel, c.kernel]),
                (format!("{}.bias", c.name), vec![c.outputs]),
            ]
        };
        let of_norm =
            |(name, c): (String, usize)| ["gamma", "beta"].map(|p| (format!("{name}.{p}"), vec![c]));
        let convs = self.convs().into_iter().flat_map(of_conv);
        convs.chain(self.norms().into_iter().flat_map(of_norm)).collect()
    }

    /// Name and shape of every calibrated statistic: `<norm>.mean` and `<norm>.variance`, `[channels]`.
    ///
    /// A model has all of them or none.
    #[must_use]
    pub fn statistics(&self) -> Vec<(String, Vec<usize>)> {
        let of_norm =
            |(name, c): (String, usize)| ["mean", "variance"].map(|p| (format!("{name}.{p}"), vec![c]));
        self.norms().into_iter().flat_map(of_norm).collect()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &usize) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_has_about_65_thousand_parameters_and_the_code_of_2016_116_915() {
        let count = |spec: GeneratorSpec| -> usize {
            spec.parameters().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
        };
        assert_eq!(count(GeneratorSpec::paper(6)), 116_915);
        assert!((60_000..80_000).contains(&count(GeneratorSpec::paper(5))));
        assert_eq!(count(GeneratorSpec::coarse_wide(5)), 86_859);
    }

    #[test]
    fn the_finest_scales_lose_their_noise_and_the_coarsest_keeps_it() {
        let noisy = |finest| {
            let scales = GeneratorSpec::coarse_wide(3).without_noise(finest).scales;
            scales.iter().map(|scale| scale.noise != [0.0; 2]).collect::<Vec<_>>()
        };
        assert_eq!([0, 1, 9].map(noisy), [vec![true; 3], vec![true, true, false], vec![true, false, false]]);
    }

    #[test]
    fn specs_that_describe_no_network_are_refused_with_a_sentence() {
        let refuse = |change: fn(&mut GeneratorSpec), word: &str| {
            let mut spec = GeneratorSpec::paper(3);
            change(&mut spec);
            let error = spec.validate().expect_err(word).to_string();
            assert!(error.contains(word), "{error}");
        };
        refuse(|s| s.scales.clear(), "scales");
        refuse(|s| s.block = vec![5], "kernels");
        refuse(|s| s.noise_channels = 0, "input channels");
        refuse(|s| s.negative_slope = f32::NAN, "negative_slope");
        refuse(|s| s.scales[0].width = 9, "nothing is joined");
        refuse(|s| s.scales[1].width = 0, "width");
        refuse(|s| s.scales[2].noise = [1.0, 0.0], "noise");
        assert_eq!(GeneratorSpec::paper(6).validate(), Ok(()));
    }
}
