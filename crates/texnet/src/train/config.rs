//! What a run does: defaults in code, changed by a preset, changed by single settings, completed from the pictures.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use texnet_infer::spec::{Norm, SpecError};
use texnet_infer::{GeneratorSpec, Image};
use thiserror::Error;
use toml::{Table, Value};

use super::schedule::Schedule;
use crate::descriptor::weights;
use crate::descriptor::{Padding, Pooling, Vgg19, Vgg19Options};
use crate::loss::range::Range;
use crate::loss::sliced::{Sliced, SlicedConfig};
use crate::loss::{GramConfig, GramDistance, Objective, Perceptual};
use crate::measure::object_size;
use crate::ops::Path;
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
    /// [`GeneratorSpec::paper`].
    Paper,
    /// [`GeneratorSpec::code_of_2016`].
    #[serde(rename = "code-of-2016")]
    CodeOf2016,
}

/// What pictures are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Teacher {
    /// Sliced Wasserstein distance of patches: needs no weights.
    Sliced,
    /// Gram matrices of VGG-19's features, as in the paper: needs its weights.
    Vgg19,
}

/// How Gram matrices are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GramStyle {
    /// Squared distances: [`GramConfig::default`].
    Paper,
    /// Means and normalised gradients: [`GramConfig::code_of_2016`].
    #[serde(rename = "code-of-2016")]
    CodeOf2016,
    /// The root of each layer's relative error.
    Root,
}

/// The VGG-19 of [`Teacher::Vgg19`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vgg19Config {
    /// The file of its weights; looked for when absent, see [`weights::find_vgg19`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// How blocks are halved.
    pub pooling: Pooling,
    /// What convolutions see beyond the border.
    pub padding: Padding,
    /// How Gram matrices are compared.
    pub gram: GramStyle,
}

impl Default for Vgg19Config {
    fn default() -> Self {
        Self { weights: None, pooling: Pooling::Max, padding: Padding::Zero, gram: GramStyle::Paper }
    }
}

impl Vgg19Config {
    fn loss(&self, exemplars: &[Image], device: &Device) -> Result<Perceptual, ConfigError> {
        let failed = |e: &dyn std::fmt::Display| ConfigError(e.to_string());
        let path = weights::find_vgg19(self.weights.as_deref()).map_err(|e| failed(&e))?;
        let options = Vgg19Options { pooling: self.pooling, padding: self.padding, coding: None };
        let vgg = Vgg19::load(&path, options, device).map_err(|e| failed(&e))?;
        let gram = match self.gram {
            GramStyle::Paper => GramConfig::default(),
            GramStyle::CodeOf2016 => GramConfig::code_of_2016(),
            GramStyle::Root => GramConfig { distance: GramDistance::RelativeRoot, ..GramConfig::default() },
        };
        Perceptual::new(vgg).with_texture(&batch(exemplars, device), gram).map_err(|e| failed(&e))
    }
}

/// The middles of some pictures, as large as the smallest in each direction: `[n, 3, h, w]`.
fn batch(images: &[Image], device: &Device) -> Tensor<4> {
    let least = |side: fn(&Image) -> usize| images.iter().map(side).min().unwrap_or(0);
    let [height, width] = [least(Image::height), least(Image::width)];
    let middle = |image: &Image| {
        let [top, left] = [(image.height() - height) / 2, (image.width() - width) / 2];
        Image::from_fn(height, width, |y, x| image.pixel(top + y, left + x)).data().to_vec()
    };
    let values: Vec<f32> = images.iter().flat_map(middle).collect();
    Tensor::from_data(TensorData::new(values, [images.len(), 3, height, width]), device)
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
    /// Steps at half the size before those, without the finest scale, so that structure is there when detail begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coarse_iterations: Option<u64>,
    /// Millions of pixels that are painted while learning: what decides the steps when they are not given.
    pub megapixels: f32,
    /// Pictures of a step.
    pub batch: usize,
    /// Side of the pictures that are learned from, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Scales of the generator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scales: Option<usize>,
    /// Size of what is learned, relative to the exemplar.
    pub scale: f32,
    /// The family of generators.
    pub architecture: Architecture,
    /// Instance or batch norm.
    pub norm: Norm,
    /// What pictures are compared by.
    pub teacher: Teacher,
    /// Weight of the penalty for values outside of `[0, 1]`.
    pub range_weight: f32,
    /// Decay of Adam's average of the gradient.
    pub beta1: f32,
    /// Decay of Adam's average of its square.
    pub beta2: f32,
    /// The learning rate.
    pub schedule: Schedule,
    /// The sliced loss; its levels are chosen when 0.
    pub sliced: SlicedConfig,
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
            megapixels: 140.0,
            batch: 1,
            size: None,
            scales: None,
            scale: 1.0,
            architecture: Architecture::CoarseWide,
            norm: Norm::Instance,
            teacher: Teacher::Sliced,
            range_weight: 1.0,
            beta1: 0.9,
            beta2: 0.99,
            schedule: Schedule::default(),
            sliced: SlicedConfig { levels: 0, ..SlicedConfig::default() },
            vgg19: Vgg19Config::default(),
            path: Path::Fast,
        }
    }
}

/// Presets by name: each holds its differences from the default, with the reasons.
pub const PRESETS: [(&str, &str); 5] = [
    ("default", include_str!("../../../../presets/default.toml")),
    ("fast", include_str!("../../../../presets/fast.toml")),
    ("fine", include_str!("../../../../presets/fine.toml")),
    ("paper", include_str!("../../../../presets/paper.toml")),
    ("paper-code", include_str!("../../../../presets/paper-code.toml")),
];

/// Least side of pictures to learn from.
const MIN_SIZE: usize = 16;
/// Largest side of pictures to learn from.
const MAX_SIZE: usize = 1024;

impl TrainConfig {
    /// A preset, changed by settings `key=value`; keys of tables are joined by dots: `schedule.rate=0.002`.
    ///
    /// # Errors
    /// When the preset or a key is unknown, or a value has the wrong type.
    pub fn new(preset: &str, settings: &[String]) -> Result<Self, ConfigError> {
        let names: Vec<&str> = PRESETS.iter().map(|p| p.0).collect();
        let Some((name, text)) = PRESETS.iter().find(|p| p.0 == preset) else {
            let names = names.join(", ");
            return Err(ConfigError(format!("there is no preset '{preset}': choose one of {names}")));
        };
        let mut table = Table::try_from(Self::default()).map_err(|e| ConfigError(e.to_string()))?;
        merge(&mut table, text.parse().map_err(|e| ConfigError(format!("preset '{name}': {e}")))?);
        table.insert("preset".into(), Value::String((*name).into()));
        settings.iter().try_for_each(|setting| set(&mut table, setting))?;
        table
            .try_into()
            .map_err(|e: toml::de::Error| ConfigError(format!("the settings do not fit: {}", e.message())))
    }

    /// The configuration that a file of a run holds.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| ConfigError(format!("it holds no configuration: {}", e.message())))
    }

    /// As a file that [`TrainConfig::from_toml`] reads.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|e| ConfigError(e.to_string()))
    }

    /// With everything chosen that was left open, for these pictures; and what is wrong, if anything is.
    ///
    /// # Errors
    /// One sentence: what was given, what is allowed.
    pub fn resolve(mut self, exemplars: &[Image]) -> Result<Self, ConfigError> {
        self.check_numbers()?;
        let scaled = self.scaled(exemplars)?;
        let object = scaled.iter().map(object_size).fold(0.0, f32::max);
        let large = object > LARGE_OBJECTS;
        let scales = *self.scales.get_or_insert(if large { 6 } else { 5 });
        if self.sliced.levels == 0 {
            self.sliced.levels = if large { 5 } else { 4 };
            self.sliced.strides = if large { vec![4, 2] } else { vec![2] };
        }
        let size = *self.size.get_or_insert(if large { 256 } else { 128 });
        let grows = large && scales > 1 && self.sliced.levels > 1 && self.teacher == Teacher::Sliced;
        let [coarse, fine] = self.budget(size, grows);
        self.coarse_iterations.get_or_insert(coarse);
        self.iterations = Some(fine);
        let spec = self.spec()?;
        if !(MIN_SIZE..=MAX_SIZE).contains(&size) || !size.is_multiple_of(spec.granularity()) {
            return Err(ConfigError(format!(
                "pictures of {size} pixels are to be learned from, but a network of {scales} scales needs a multiple \
                 of {} from {MIN_SIZE} to {MAX_SIZE}",
                spec.granularity()
            )));
        }
        if self.teacher == Teacher::Sliced {
            self.sliced.validate([size; 2]).map_err(|e| ConfigError(e.to_string()))?;
        }
        if self.coarse_iterations > Some(0) && (scales < 2 || self.sliced.levels < 2) {
            return Err(ConfigError("coarse_iterations needs two scales and two levels: set it to 0".into()));
        }
        Ok(self)
    }

    /// Steps at half and at full size; the given number of steps, or pixels, is divided between them.
    fn budget(&self, size: usize, grows: bool) -> [u64; 2] {
        let steps = |share: f32, size: usize| {
            (1e6 * self.megapixels * share / (size * size * self.batch) as f32).round().max(1.0) as u64
        };
        let planned = if grows {
            [steps(GROWING[0], size / 2), steps(GROWING[1], size)]
        } else {
            [0, steps(1.0, size)]
        };
        match (self.iterations, self.coarse_iterations) {
            (Some(fine), Some(_)) => [0, fine],
            (Some(total), None) => {
                let coarse = total * planned[0] / (planned[0] + planned[1]);
                [coarse, total - coarse]
            }
            (None, _) => planned,
        }
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        let within = |name: &str, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(ConfigError(format!("{name} is {value}, but must lie from {low} to {high}")))
        };
        within("scale", self.scale, 0.01, 16.0)?;
        within("range_weight", self.range_weight, 0.0, 1e6)?;
        within("beta1", self.beta1, 0.0, 0.9999)?;
        within("beta2", self.beta2, 0.0, 0.99999)?;
        within("schedule.rate", self.schedule.rate, 0.0, 10.0)?;
        within("schedule.constant", self.schedule.constant, 0.0, 0.99)?;
        within("schedule.last", self.schedule.last, 0.0, 1.0)?;
        within("schedule.factor", self.schedule.factor, 0.0, 1.0)?;
        within("batch", self.batch as f32, 1.0, 64.0)?;
        within("iterations", self.iterations.unwrap_or(1) as f32, 1.0, 1e7)?;
        within("megapixels", self.megapixels, 0.01, 1e6)?;
        if self.norm == Norm::Folded {
            return Err(ConfigError("norm is folded, but learning needs batch or instance".into()));
        }
        Ok(())
    }

    /// The architecture.
    ///
    /// # Errors
    /// When it has too many scales.
    pub fn spec(&self) -> Result<GeneratorSpec, ConfigError> {
        let scales = self.scales.unwrap_or(5);
        let spec = match self.architecture {
            Architecture::CoarseWide => GeneratorSpec::coarse_wide,
            Architecture::Paper => GeneratorSpec::paper,
            Architecture::CodeOf2016 => GeneratorSpec::code_of_2016,
        };
        if !(1..=8).contains(&scales) {
            return Err(ConfigError(format!(
                "networks of 1 to 8 scales can learn, but {scales} are asked for"
            )));
        }
        let spec = GeneratorSpec { norm: self.norm, ..spec(scales) };
        spec.validate()?;
        Ok(spec)
    }

    /// The pictures at the size that is learned.
    pub(crate) fn scaled(&self, exemplars: &[Image]) -> Result<Vec<Image>, ConfigError> {
        if exemplars.is_empty() {
            return Err(ConfigError("there is no picture to learn from".into()));
        }
        let scaled = |image: &Image| {
            let size = [image.height(), image.width()];
            let target = size.map(|side| (side as f32 * self.scale).round() as usize);
            if target.iter().any(|side| !(MIN_SIZE..=MAX_EXEMPLAR).contains(side)) {
                return Err(ConfigError(format!(
                    "the exemplar has {}x{} pixels at a scale of {}, but sides of {MIN_SIZE} to {MAX_EXEMPLAR} are \
                     needed: choose another --scale",
                    target[1], target[0], self.scale
                )));
            }
            Ok(if target == size { image.clone() } else { resize(image, target) })
        };
        exemplars.iter().map(scaled).collect()
    }

    /// What is minimised. The exemplars are scaled already.
    pub(crate) fn objective(&self, exemplars: &[Image], device: &Device) -> Result<Objective, ConfigError> {
        let objective = match self.teacher {
            Teacher::Sliced => {
                let config = SlicedConfig { seed: self.sliced.seed ^ self.seed, ..self.sliced.clone() };
                let sliced = Sliced::new(&config, exemplars, self.size(), self.batch);
                Objective::default().with(sliced.map_err(|e| ConfigError(e.to_string()))?)
            }
            Teacher::Vgg19 => Objective::default().with(self.vgg19.loss(exemplars, device)?),
        };
        objective.check(self.size()).map_err(|e| ConfigError(e.to_string()))?;
        let range = Range { weight: self.range_weight };
        Ok(if self.range_weight > 0.0 { objective.with(range) } else { objective })
    }

    /// Rows and columns of the pictures that are learned from.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        [self.size.unwrap_or(128); 2]
    }

    /// Steps of the run.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.coarse_steps() + self.iterations.unwrap_or(1)
    }

    fn coarse_steps(&self) -> u64 {
        self.coarse_iterations.unwrap_or(0)
    }

    /// What the run does at a step.
    pub(crate) fn stage(&self, step: u64) -> Result<Stage, ConfigError> {
        let spec = self.spec()?;
        if step >= self.coarse_steps() {
            let first = self.coarse_steps();
            return Ok(Stage { first, steps: self.steps() - first, config: self.clone(), spec });
        }
        let mut config = self.clone();
        config.scale *= 0.5;
        config.size = config.size.map(|size| size / 2);
        config.scales = config.scales.map(|scales| scales - 1);
        config.sliced.levels -= 1;
        config.sliced.strides = self.sliced.strides.iter().skip(1).copied().collect();
        let scales = spec.scales[..spec.scales.len() - 1].to_vec();
        Ok(Stage { first: 0, steps: self.coarse_steps(), config, spec: GeneratorSpec { scales, ..spec } })
    }

    /// What the model file remembers.
    #[must_use]
    pub fn summary(&self) -> Vec<(String, String)> {
        let teacher = match self.teacher {
            Teacher::Sliced => "sliced",
            Teacher::Vgg19 => "vgg19",
        };
        let size = self.size()[0];
        [
            ("teacher", teacher.to_owned()),
            ("preset", self.preset.clone()),
            ("learned at", format!("{size}x{size} pixels, scale {}", self.scale)),
            ("seed", self.seed.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

/// What is learned at one size.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    /// Its first step.
    pub(crate) first: u64,
    /// How many it has.
    pub(crate) steps: u64,
    /// With the size, scale and levels of this stage.
    pub(crate) config: TrainConfig,
    /// The network of this stage.
    pub(crate) spec: GeneratorSpec,
}

/// Shares of the painted pixels at half and at full size, for networks that grow: about half of the time each.
const GROWING: [f32; 2] = [0.47, 0.7];
/// Objects of more pixels than this are learned by larger networks on larger pictures.
const LARGE_OBJECTS: f32 = 9.0;
/// Largest side of an exemplar after scaling.
const MAX_EXEMPLAR: usize = 4096;

fn merge(table: &mut Table, changes: Table) {
    for (key, value) in changes {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

fn set(table: &mut Table, setting: &str) -> Result<(), ConfigError> {
    let usage =
        || ConfigError(format!("'{setting}' is no setting: write key=value, such as schedule.rate=0.002"));
    let (keys, value) = setting.split_once('=').ok_or_else(usage)?;
    // A bare word is a string.
    let value: Value = toml::from_str::<Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| Value::String(value.into()));
    let keys: Vec<&str> = keys.split('.').map(str::trim).collect();
    let (last, path) = keys.split_last().ok_or_else(usage)?;
    let mut at = table;
    for key in path {
        at = at.get_mut(*key).and_then(Value::as_table_mut).ok_or_else(|| unknown(key))?;
    }
    let value = match (at.get(*last), value) {
        // 1 is a number wherever 1.0 is.
        (Some(Value::Float(_)), Value::Integer(whole)) => Value::Float(whole as f64),
        (_, value) => value,
    };
    at.insert((*last).into(), value);
    Ok(())
}

fn unknown(key: &str) -> ConfigError {
    ConfigError(format!("there is no table '{key}' in the settings: see the file config.toml of any run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(side: usize) -> Image {
        Image::from_fn(side, side, |y, x| [((x * 7 + y * 13) % 32) as f32 / 32.0; 3])
    }

    #[test]
    fn every_preset_resolves_and_survives_a_file() {
        for (name, _) in PRESETS {
            let config = TrainConfig::new(name, &[]).expect(name).resolve(&[picture(64)]).expect(name);
            assert_eq!(config.preset, name);
            assert_eq!(TrainConfig::from_toml(&config.to_toml().expect(name)).expect(name), config);
        }
    }

    #[test]
    fn settings_change_single_values() {
        let settings = ["schedule.rate=1", "size=96", "sliced.strides=[1]", "norm=batch"].map(String::from);
        let config = TrainConfig::new("default", &settings).expect("settings");
        assert_eq!((config.schedule.rate, config.size, config.norm), (1.0, Some(96), Norm::Batch));
        assert_eq!(config.sliced.strides, [1]);
    }

    #[test]
    fn settings_that_mean_nothing_are_refused_with_a_sentence() {
        let refuse = |setting: &str, word: &str| {
            let error = TrainConfig::new("default", &[setting.into()])
                .and_then(|c| c.resolve(&[picture(64)]))
                .expect_err(setting)
                .to_string();
            assert!(error.contains(word), "{setting}: {error}");
        };
        refuse("rate", "key=value");
        refuse("plan.rate=1", "no table 'plan'");
        refuse("colour=3", "colour");
        refuse("batch=many", "do not fit");
        refuse("batch=0", "batch");
        refuse("size=100", "multiple");
        refuse("scales=20", "scales");
        refuse("scale=0.1", "--scale");
        refuse("norm=folded", "batch or instance");
        assert!(TrainConfig::new("best", &[]).expect_err("no preset").to_string().contains("fast"));
    }
}
