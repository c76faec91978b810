//! What pictures are compared by: the choice of a run, and the VGG-19 of those who have its weights.

use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use texnet_infer::Image;

use super::config::ConfigError;
use crate::descriptor::{Padding, Pooling, Vgg19, Vgg19Options, weights};
use crate::loss::adversarial::Discriminators;
use crate::loss::correlation::{CorrelationConfig, LocalCorrelation};
use crate::loss::host::{Taped, Together};
use crate::loss::nearest::{Nearest, NearestConfig};
use crate::loss::octaves::{Octaves, OctavesConfig};
use crate::loss::range::Range;
use crate::loss::sliced::{Sliced, SlicedConfig};
use crate::loss::temporal::Temporal;
use crate::loss::{ContentConfig, GramConfig, GramDistance, Objective, Perceptual};
use crate::ops::on_host;
use crate::photographs::Photographs;

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
    /// [`GramConfig::gatys`].
    Gatys,
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

/// Everything that an [`Objective`] is made of, whoever minimises it.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) teacher: Teacher,
    pub(crate) sliced: SlicedConfig,
    pub(crate) nearest: NearestConfig,
    pub(crate) octaves: OctavesConfig,
    pub(crate) discriminators: Arc<Discriminators>,
    pub(crate) vgg19: Vgg19Config,
    /// Weight of the penalty for values outside of `[0, 1]`.
    pub(crate) range_weight: f32,
    /// The photographs that pictures should show, for a style.
    pub(crate) content: Option<Content>,
}

/// What pictures should show.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) config: CorrelationConfig,
    pub(crate) photographs: Arc<Photographs>,
    /// Weight of what moves.
    pub(crate) temporal: f32,
}

impl Comparison {
    /// For a size that is halved so often: levels look at the same parts of the exemplar as before.
    pub(crate) fn halve(&mut self, halvings: usize) {
        halve(&mut self.sliced, &mut self.nearest, &mut self.octaves, halvings);
    }

    /// The objective of batches of pictures of `[height, width]` pixels, against exemplars that are scaled already.
    pub(crate) fn objective(
        &self,
        exemplars: &[Image],
        size: [usize; 2],
        batch: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Objective, ConfigError> {
        let objective = match self.teacher {
            Teacher::Sliced => self.of_patches(exemplars, size, batch, seed, device)?,
            Teacher::Vgg19 => Objective::default().with(self.of_features(exemplars, batch, device)?),
        };
        objective.check(size).map_err(|e| ConfigError::new(e.to_string()))?;
        let objective = match &self.content {
            Some(Content { photographs, temporal, .. }) if *temporal > 0.0 => {
                objective.with(Temporal::new(*temporal, Arc::clone(photographs)))
            }
            _ => objective,
        };
        let range = Range { weight: self.range_weight };
        Ok(if self.range_weight > 0.0 { objective.with(range) } else { objective })
    }

    fn of_patches(
        &self,
        exemplars: &[Image],
        size: [usize; 2],
        batch: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Objective, ConfigError> {
        let config = SlicedConfig { seed: self.sliced.seed ^ seed, ..self.sliced.clone() };
        let sliced = Sliced::new(&config, exemplars, size, batch);
        let mut losses = Together::default();
        let mut objective = Objective::default();
        if self.octaves.weight() > 0.0 {
            let exemplar = self::batch(exemplars, device);
            let discriminators = Arc::clone(&self.discriminators);
            let octaves = Octaves::new(&self.octaves, &exemplar, size, discriminators, device);
            let octaves = octaves.map_err(|e| ConfigError::new(e.to_string()))?;
            // The longest comes first.
            match on_host(device.as_dispatch()) {
                true => losses = losses.with(Taped::new("features", octaves, size, device)),
                false => objective = objective.with(octaves),
            }
        }
        losses = losses.with(sliced.map_err(|e| ConfigError::new(e.to_string()))?);
        if let Some(Content { config, photographs, .. }) = &self.content {
            losses = losses.with(LocalCorrelation::new(config.clone(), Arc::clone(photographs)));
        }
        if self.nearest.weight > 0.0 {
            let config = NearestConfig { seed: self.nearest.seed ^ seed, ..self.nearest.clone() };
            let nearest = Nearest::new(&config, exemplars, size);
            losses = losses.with(nearest.map_err(|e| ConfigError::new(e.to_string()))?);
        }
        Ok(objective.with(losses))
    }
}

impl Comparison {
    /// Texture and content from one run of VGG-19.
    fn of_features(
        &self,
        exemplars: &[Image],
        count: usize,
        device: &Device,
    ) -> Result<Perceptual, ConfigError> {
        let loss = self.vgg19.loss(exemplars, device)?;
        let Some(Content { config, photographs, .. }) = self.content.clone() else { return Ok(loss) };
        let (side, device) = (photographs.size(), device.clone());
        let crops = move |step| {
            Tensor::from_data(TensorData::new(photographs.crops(step), [count, 3, side, side]), &device)
        };
        Ok(loss.with_photographs(crops, ContentConfig { weight: config.weight, ..ContentConfig::default() }))
    }
}

/// The losses of patches for a size that is halved so often: those of the levels that are left.
pub(super) fn halve(
    sliced: &mut SlicedConfig,
    nearest: &mut NearestConfig,
    octaves: &mut OctavesConfig,
    halvings: usize,
) {
    sliced.levels -= halvings;
    sliced.strides = sliced.strides.iter().skip(halvings).copied().collect();
    octaves.octaves = octaves.octaves.saturating_sub(halvings).max(1);
    octaves.finest = octaves.finest.saturating_sub(halvings).min(octaves.octaves - 1);
    // Patches stay as large as they are at full size, measured in the exemplar's pixels.
    nearest.levels = nearest.levels.saturating_sub(halvings);
    if nearest.levels == 0 {
        nearest.weight = 0.0;
    }
}

impl Vgg19Config {
    fn loss(&self, exemplars: &[Image], device: &Device) -> Result<Perceptual, ConfigError> {
        let failed = |e: &dyn std::fmt::Display| ConfigError::new(e.to_string());
        let path = weights::find_vgg19(self.weights.as_deref()).map_err(|e| failed(&e))?;
        let options = Vgg19Options { pooling: self.pooling, padding: self.padding, coding: None };
        let vgg = Vgg19::load(&path, options, device).map_err(|e| failed(&e))?;
        let gram = match self.gram {
            GramStyle::Paper => GramConfig::default(),
            GramStyle::CodeOf2016 => GramConfig::code_of_2016(),
            GramStyle::Gatys => GramConfig::gatys(),
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
        image.part(top..top + height, left..left + width).data().to_vec()
    };
    let values: Vec<f32> = images.iter().flat_map(middle).collect();
    Tensor::from_data(TensorData::new(values, [images.len(), 3, height, width]), device)
}
