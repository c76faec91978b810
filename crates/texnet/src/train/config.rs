//! What a run does: defaults in code, changed by a preset, changed by single settings, completed from the pictures.

use std::sync::Arc;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use texnet_infer::model::Summary;
use texnet_infer::spec::{Norm, SpecError};
use texnet_infer::{GeneratorSpec, Image};
use thiserror::Error;

use super::descent::{Descent, Optimiser};
use super::schedule::Schedule;
use super::start::Start;
use super::teacher::{Comparison, Content, Teacher, Vgg19Config};
use crate::loss::Objective;
use crate::loss::adversarial::Discriminators;
use crate::loss::correlation::CorrelationConfig;
use crate::loss::nearest::NearestConfig;
use crate::loss::octaves::OctavesConfig;
use crate::loss::sliced::SlicedConfig;
use crate::loss::temporal::TemporalConfig;
use crate::margins::without_margins;
use crate::ops::Path;
use crate::photographs::Photographs;
use crate::resize::resize;

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<SpecError> for ConfigError {
    fn from(error: SpecError) -> Self {
        Self(error.to_string())
    }
}

/// The family of generators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// [`GeneratorSpec::coarse_wide`].
    CoarseWide,
    /// [`GeneratorSpec::residual_style`]: of styles alone.
    Residual,
    /// [`GeneratorSpec::paper`].
    Paper,
    /// [`GeneratorSpec::code_of_2016`].
    #[serde(rename = "code-of-2016")]
    CodeOf2016,
}

/// Everything that decides what a run learns. What is absent is chosen from the pictures by [`TrainConfig::resolve`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// The preset that it began with.
    pub preset: String,
    /// Seed of weights, noise and filters.
    pub seed: u64,
    /// Steps at the full size; before the configuration is resolved, all steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// Steps at smaller sizes before those, from the smallest to half the size, each without the scales that are finer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coarse_iterations: Option<Vec<u64>>,
    /// Steps after those, with the statistics that will be shipped: a network that saw only live ones, those of each
    /// picture, may paint something else with others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_iterations: Option<u64>,
    /// Millions of pixels that are painted while learning: what decides the steps when they are not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub megapixels: Option<f32>,
    /// How many times as many as by the default preset, when they are chosen here.
    pub effort: f32,
    /// What the network begins as; the stages of small pictures are left out with [`Start::BuiltIn`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// Times that each stage is scored on noise held out for it; the best of these networks is what it ends with.
    pub scores: u64,
    /// Pictures of a step.
    pub batch: usize,
    /// Side of the pictures that are learned from, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Scales of the generator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scales: Option<usize>,
    /// Finest scales of the generator that read no noise: with one, outlines are clean and grain is woven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noiseless_scales: Option<usize>,
    /// Finest scales of the generator that interpolate the coarser one, instead of copying its values.
    pub smooth_scales: usize,
    /// Size of what is learned, relative to the exemplar.
    pub scale: f32,
    /// Whether a texture's pictures are learned to their edges; otherwise [`without_margins`]. A style's always are.
    pub whole: bool,
    /// The family of generators.
    pub architecture: Architecture,
    /// Instance or batch norm.
    pub norm: Norm,
    /// What pictures are compared by.
    pub teacher: Teacher,
    /// Weight of the penalty for values outside of `[0, 1]`.
    pub range_weight: f32,
    /// How steps follow from gradients.
    pub optimiser: Optimiser,
    /// Decay of the average of the gradient.
    pub beta1: f32,
    /// Decay of Adam's average of its square.
    pub beta2: f32,
    /// The learning rate.
    pub schedule: Schedule,
    /// The sliced loss; its levels are chosen when 0, and its strides when they are `[0]`.
    pub sliced: SlicedConfig,
    /// The distance to single patches, beside the sliced loss; its levels are chosen when 0, and its places.
    pub nearest: NearestConfig,
    /// Features of the descriptor that is built in, beside the sliced loss; the weight is chosen when it is absent.
    pub octaves: OctavesConfig,
    /// What a style network keeps of the photographs that it dresses; none for a texture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<CorrelationConfig>,
    /// The least and the most strength of a style, of which each step draws one: see [`Photographs::strength`].
    pub strengths: [f32; 2],
    /// How still a style network holds when the photograph moves.
    pub temporal: TemporalConfig,
    /// VGG-19.
    pub vgg19: Vgg19Config,
    /// Our kernels, or compositions of the tensor library's operations, on the CPU.
    #[serde(skip)]
    pub path: Path,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            preset: "default".into(),
            seed: 0,
            iterations: None,
            coarse_iterations: None,
            frozen_iterations: None,
            megapixels: None,
            effort: 1.0,
            start: None,
            scores: 20,
            batch: 1,
            size: None,
            scales: None,
            noiseless_scales: None,
            smooth_scales: 0,
            scale: 1.0,
            whole: false,
            architecture: Architecture::CoarseWide,
            norm: Norm::Instance,
            teacher: Teacher::Sliced,
            range_weight: 1.0,
            optimiser: Optimiser::Muon,
            beta1: 0.9,
            beta2: 0.99,
            schedule: Schedule::default(),
            sliced: SlicedConfig { levels: 0, strides: vec![0], ..SlicedConfig::default() },
            nearest: NearestConfig { levels: 0, places: 0, ..NearestConfig::default() },
            octaves: OctavesConfig { octaves: 4, finest: 1, ..OctavesConfig::default() },
            content: None,
            strengths: [1.0; 2],
            temporal: TemporalConfig::default(),
            vgg19: Vgg19Config::default(),
            path: Path::Fast,
        }
    }
}

/// Least side of pictures to learn from.
const MIN_SIZE: usize = 16;
/// Largest side of pictures to learn from.
const MAX_SIZE: usize = 1024;

impl TrainConfig {
    /// With everything chosen that was left open, for these pictures; and what is wrong, if anything is.
    ///
    /// # Errors
    /// One sentence: what was given, what is allowed.
    pub fn resolve(mut self, exemplars: &[Image]) -> Result<Self, ConfigError> {
        self.check_numbers()?;
        let scaled = self.scaled(exemplars)?;
        self.choose(&scaled);
        self.check_sizes()?;
        Ok(self)
    }

    /// Whether pictures, network, levels and stages fit together.
    fn check_sizes(&self) -> Result<(), ConfigError> {
        let ([size, _], scales) = (self.size(), self.scales.unwrap_or(1));
        let spec = self.spec()?;
        self.check_start(&spec)?;
        if !(MIN_SIZE..=MAX_SIZE).contains(&size) || !size.is_multiple_of(spec.granularity()) {
            return Err(ConfigError(format!(
                "pictures of {size} pixels are to be learned from, but a network of {scales} scales needs a multiple \
                 of {} from {MIN_SIZE} to {MAX_SIZE}",
                spec.granularity()
            )));
        }
        if let Some(content) = &self.content {
            content.validate(size).map_err(|e| ConfigError(e.to_string()))?;
        }
        if self.content.is_some() && self.frozen_iterations > Some(0) {
            return Err(ConfigError(
                "frozen_iterations are of textures: a style has the statistics of each photograph".into(),
            ));
        }
        if self.teacher == Teacher::Sliced {
            self.sliced.validate([size; 2]).map_err(|e| ConfigError(e.to_string()))?;
            self.nearest.validate([size; 2]).map_err(|e| ConfigError(e.to_string()))?;
        }
        let halvings = self.coarse_iterations.as_ref().map_or(0, Vec::len);
        if halvings >= scales || halvings >= self.sliced.levels || size >> halvings < MIN_SIZE {
            return Err(ConfigError(format!(
                "coarse_iterations has {halvings} numbers, each for half the size and one scale less, but pictures of \
                 {size}, {scales} scales and {} levels do not go so far: give fewer, or [] to begin at full size",
                self.sliced.levels
            )));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        within("scale", self.scale, 0.01, 16.0)?;
        within("range_weight", self.range_weight, 0.0, 1e6)?;
        check_octaves(&self.octaves)?;
        within("beta1", self.beta1, 0.0, 0.9999)?;
        within("beta2", self.beta2, 0.0, 0.99999)?;
        self.check_strengths()?;
        within("temporal.weight", self.temporal.weight, 0.0, 1e6)?;
        within("temporal.motion", self.temporal.motion as f32, 1.0, 64.0)?;
        self.schedule.check()?;
        within("batch", self.batch as f32, 1.0, 64.0)?;
        within("scores", self.scores as f32, 1.0, 1e4)?;
        within("iterations", self.iterations.unwrap_or(1) as f32, 1.0, 1e7)?;
        within("megapixels", self.megapixels.unwrap_or(1.0), 0.01, 1e6)?;
        within("effort", self.effort, 0.001, 1000.0)?;
        if self.norm == Norm::Folded {
            return Err(ConfigError("norm is folded, but learning needs batch or instance".into()));
        }
        Ok(())
    }

    fn check_strengths(&self) -> Result<(), ConfigError> {
        let [least, most] = self.strengths;
        within("strengths[0]", least, 0.0, 1.0)?;
        within("strengths[1]", most, 1.0, 2.5)?;
        if least < most && (self.content.is_none() || self.teacher != Teacher::Sliced) {
            return Err(ConfigError("strengths are of styles that patches teach: leave them out".into()));
        }
        Ok(())
    }

    /// The architecture.
    ///
    /// # Errors
    /// When it has too many scales.
    pub fn spec(&self) -> Result<GeneratorSpec, ConfigError> {
        let scales = self.scales.unwrap_or(4);
        let spec = match self.architecture {
            Architecture::CoarseWide => GeneratorSpec::coarse_wide,
            Architecture::Residual => GeneratorSpec::residual_style,
            Architecture::Paper => GeneratorSpec::paper,
            Architecture::CodeOf2016 => GeneratorSpec::code_of_2016,
        };
        if !(1..=8).contains(&scales) {
            return Err(ConfigError(format!(
                "networks of 1 to 8 scales can learn, but {scales} are asked for"
            )));
        }
        let spec = spec(scales).without_noise(self.noiseless_scales()).interpolating(self.smooth_scales);
        let spec = GeneratorSpec { norm: self.norm, content: self.content.is_some(), ..spec };
        spec.validate()?;
        Ok(spec)
    }

    /// Finest scales that read no noise.
    pub(super) fn noiseless_scales(&self) -> usize {
        let style = self.content.is_some() && self.architecture == Architecture::CoarseWide;
        self.noiseless_scales.unwrap_or(if style { GeneratorSpec::STYLE_NOISELESS } else { 0 })
    }

    /// Whether pictures are learned to their edges.
    #[must_use]
    pub fn takes_whole(&self) -> bool {
        self.whole || self.content.is_some()
    }

    /// What is learned of the pictures, at the size that is learned.
    pub(crate) fn scaled(&self, exemplars: &[Image]) -> Result<Vec<Image>, ConfigError> {
        scaled(exemplars, self.scale, self.takes_whole())
    }

    /// Whether photographs come in pairs, the second moved.
    pub(crate) fn moves(&self) -> bool {
        self.content.is_some() && self.temporal.weight > 0.0
    }

    /// Pictures that a step paints.
    pub(crate) fn pictures(&self) -> usize {
        if self.moves() { 2 * self.batch } else { self.batch }
    }

    /// The photographs of every step, for a style network.
    pub(crate) fn photographs(&self, pool: &[Image]) -> Result<Option<Arc<Photographs>>, ConfigError> {
        if self.content.is_some() == pool.is_empty() {
            return Err(ConfigError(match pool.len() {
                0 => "a style network learns from photographs, and there are none: name some with --content"
                    .into(),
                n => {
                    format!("{n} photographs are given, but a texture has no content: use a preset of styles")
                }
            }));
        }
        let photographs = || {
            let single =
                Photographs::new(pool, self.size()[0], self.batch, self.seed).with_strengths(self.strengths);
            if self.moves() { single.in_pairs(self.temporal.motion) } else { single }
        };
        Ok(self.content.is_some().then(|| Arc::new(photographs())))
    }

    /// What is minimised. The exemplars are scaled already, and the settings resolved; the discriminators learn on.
    ///
    /// # Errors
    /// The exemplars or the pictures are too small for what is compared, or weights cannot be read.
    pub fn objective(
        &self,
        exemplars: &[Image],
        photographs: Option<Arc<Photographs>>,
        discriminators: Arc<Discriminators>,
        device: &Device,
    ) -> Result<Objective, ConfigError> {
        let content = self.content.clone().zip(photographs);
        let comparison = Comparison {
            teacher: self.teacher,
            sliced: self.sliced.clone(),
            nearest: self.nearest.clone(),
            octaves: self.octaves.clone(),
            discriminators,
            vgg19: self.vgg19.clone(),
            range_weight: self.range_weight,
            content: content.map(|(config, photographs)| Content {
                config,
                photographs,
                temporal: self.temporal.weight,
            }),
        };
        comparison.objective(exemplars, self.size(), self.pictures(), self.seed, device)
    }

    /// Rows and columns of the pictures that are learned from.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        [self.size.unwrap_or(128); 2]
    }

    /// How parameters follow from gradients.
    pub(crate) fn descent(&self) -> Descent {
        Descent { optimiser: self.optimiser, beta1: self.beta1, beta2: self.beta2 }
    }

    /// What the model file remembers.
    #[must_use]
    pub fn summary(&self) -> Vec<(String, String)> {
        let teacher = match self.teacher {
            Teacher::Sliced => "sliced",
            Teacher::Vgg19 => "vgg19",
        };
        let size = self.size()[0];
        let [least, most] = self.strengths;
        let strengths = (least < most).then(|| ("strengths", format!("{least} to {most}")));
        let facts = [
            ("teacher", teacher.to_owned()),
            ("preset", self.preset.clone()),
            ("learned at", format!("{size}x{size} pixels, scale {}", self.scale)),
            ("seed", self.seed.to_string()),
        ];
        facts.into_iter().chain(strengths).map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The strengths that a style was learned for, the least and the most, by the summary of its model; none for a network
/// that knows one alone.
#[must_use]
pub fn strengths(summary: &Summary) -> Option<[f32; 2]> {
    let (least, most) = summary.0.get("strengths")?.split_once(" to ")?;
    Some([least.parse().ok()?, most.parse().ok()?])
}

/// Largest side of an exemplar after scaling.
const MAX_EXEMPLAR: usize = 4096;

/// Pictures, whole or without their margins, at a size relative to their own.
pub(crate) fn scaled(exemplars: &[Image], scale: f32, whole: bool) -> Result<Vec<Image>, ConfigError> {
    if exemplars.is_empty() {
        return Err(ConfigError("there is no picture to learn from".into()));
    }
    let scaled = |image: &Image| {
        let image = if whole { image.clone() } else { without_margins(image) };
        let size = [image.height(), image.width()];
        let target = size.map(|side| (side as f32 * scale).round() as usize);
        if target.iter().any(|side| !(MIN_SIZE..=MAX_EXEMPLAR).contains(side)) {
            return Err(ConfigError(format!(
                "the exemplar has {}x{} pixels at a scale of {scale}, but sides of {MIN_SIZE} to {MAX_EXEMPLAR} are \
                 needed: choose another --scale",
                target[1], target[0]
            )));
        }
        Ok(if target == size { image } else { resize(&image, target) })
    };
    exemplars.iter().map(scaled).collect()
}

/// Whether features are compared at octaves that there are.
pub(crate) fn check_octaves(config: &OctavesConfig) -> Result<(), ConfigError> {
    let OctavesConfig { octaves, finest, .. } = *config;
    within("octaves.weight", config.weight(), 0.0, 1e6)?;
    within("octaves.adversarial", config.adversarial(), 0.0, 1e6)?;
    within("octaves.octaves", octaves as f32, 1.0, 6.0)?;
    within("octaves.finest", finest as f32, 0.0, octaves as f32 - 1.0)
}

/// Whether a number of a configuration lies where it must.
pub(crate) fn within(name: &str, value: f32, low: f32, high: f32) -> Result<(), ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ConfigError(format!("{name} is {value}, but must lie from {low} to {high}")))
}
