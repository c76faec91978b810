//! What an optimisation does: defaults that go with the teacher, changed by single settings, completed from the pictures.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use texnet_infer::Image;

use super::OptimiseError;
use crate::descriptor::Pooling;
use crate::loss::nearest::NearestConfig;
use crate::loss::octaves::OctavesConfig;
use crate::loss::sliced::SlicedConfig;
use crate::train::choice::{choose_levels, large_objects};
use crate::train::config::{ConfigError, check_octaves, scaled, within};
use crate::train::schedule::Schedule;
use crate::train::settings::configured;
use crate::train::teacher::{Comparison, GramStyle, Teacher, Vgg19Config};

/// How the objective is descended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Adam, by the schedule's rates.
    Adam,
    /// L-BFGS, as in Gatys et al. 2015: its steps need no rate, and an objective that stays the same.
    Lbfgs,
}

/// Everything that decides what a picture becomes. What is absent is chosen by [`OptimiseConfig::resolve`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiseConfig {
    /// What pictures are compared by; [`OptimiseConfig::new`] chooses defaults that go with it.
    #[serde(skip, default = "sliced")]
    pub teacher: Teacher,
    /// Seed of the picture that it begins with, and of the filters.
    pub seed: u64,
    /// Rows of the picture.
    pub height: usize,
    /// Columns of the picture.
    pub width: usize,
    /// Size of the texture, relative to the exemplar.
    pub scale: f32,
    /// Whether exemplars are compared with to their edges; otherwise [`without_margins`](crate::margins::without_margins).
    pub whole: bool,
    /// Sizes, each twice the one before; the last is the full one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<usize>,
    /// Steps at each of them.
    pub iterations: u64,
    /// How the objective is descended.
    pub method: Method,
    /// Adam: the rates over the steps of a size, in units of the deviation of the exemplar's colours.
    pub schedule: Schedule,
    /// Adam: decay of the average of the gradient.
    pub beta1: f32,
    /// Adam: decay of the average of its square.
    pub beta2: f32,
    /// L-BFGS: steps that are remembered.
    pub memory: usize,
    /// L-BFGS: steps for which the filters and patches of one draw are kept. Curvature is forgotten with them.
    pub hold: u64,
    /// Whether the picture is given the exemplar's distribution of every channel at the end.
    pub histogram: bool,
    /// Weight of the penalty for values outside of `[0, 1]`.
    pub range_weight: f32,
    /// The sliced loss; its levels are chosen when 0.
    pub sliced: SlicedConfig,
    /// The distance to single patches, beside the sliced loss; its levels are chosen when 0.
    pub nearest: NearestConfig,
    /// Features of the descriptor that is built in, beside the sliced loss.
    pub octaves: OctavesConfig,
    /// VGG-19.
    pub vgg19: Vgg19Config,
}

fn sliced() -> Teacher {
    Teacher::Sliced
}

impl Default for OptimiseConfig {
    /// For [`Teacher::Sliced`].
    fn default() -> Self {
        Self {
            teacher: Teacher::Sliced,
            seed: 0,
            height: 256,
            width: 256,
            scale: 1.0,
            whole: false,
            sizes: None,
            iterations: 600,
            method: Method::Adam,
            schedule: Schedule { rate: 0.2, ..Schedule::default() },
            beta1: 0.9,
            beta2: 0.99,
            memory: 20,
            hold: 20,
            histogram: false,
            range_weight: 1.0,
            // All patches: no network smooths what lies between those that a stride leaves out, and it stays a dither.
            sliced: SlicedConfig { levels: 0, strides: Vec::new(), ..SlicedConfig::default() },
            nearest: NearestConfig { levels: 0, ..NearestConfig::default() },
            octaves: OctavesConfig::default(),
            vgg19: Vgg19Config::default(),
        }
    }
}

/// Least side of a picture.
const MIN_SIDE: usize = 16;
/// Least side of the smallest picture, and of the exemplar beside it, when the number of sizes is chosen here.
const SMALLEST: usize = 32;
/// Most sizes.
const MAX_SIZES: usize = 8;
/// Bytes of memory for every pixel: measured 230 to 270 at 1024x1024 and 2048x2048.
const SLICED_BYTES: usize = 300;
/// The same for VGG-19: measured 1500 at 512x512.
const VGG19_BYTES: usize = 2000;
/// Bytes that do not depend on the size: filters and quantiles, or weights.
const FIXED_BYTES: usize = 200 << 20;
/// Most bytes of memory.
const MAX_BYTES: usize = 8 << 30;

impl OptimiseConfig {
    /// The defaults for a teacher, changed by settings `key=value`; keys of tables are joined by dots: `schedule.rate=0.01`.
    ///
    /// For VGG-19 they are those of Gatys et al. 2015, of whole exemplars, at one size: means of 2x2, five Gram matrices,
    /// L-BFGS, and the histograms of the exemplar in the end.
    ///
    /// # Errors
    /// When a key is unknown, or a value has the wrong type.
    pub fn new(teacher: Teacher, settings: &[String]) -> Result<Self, ConfigError> {
        let default = match teacher {
            Teacher::Sliced => Self::default(),
            Teacher::Vgg19 => Self {
                whole: true,
                sizes: Some(1),
                method: Method::Lbfgs,
                // Nothing is drawn.
                hold: 1_000_000,
                histogram: true,
                vgg19: Vgg19Config {
                    pooling: Pooling::Average,
                    gram: GramStyle::Gatys,
                    ..Vgg19Config::default()
                },
                ..Self::default()
            },
        };
        Ok(Self { teacher, ..configured(&default, &[], settings)? })
    }

    /// With everything chosen that was left open, for these pictures; and what is wrong, if anything is.
    ///
    /// # Errors
    /// One sentence: what was given, what is allowed.
    pub fn resolve(mut self, exemplars: &[Image]) -> Result<Self, OptimiseError> {
        self.check_numbers()?;
        let scaled = self.scaled(exemplars, 0)?;
        let levels = if large_objects(&scaled) { 5 } else { 4 };
        choose_levels(&mut self.sliced, &mut self.nearest, levels);
        if self.sizes.is_none() {
            let sides = scaled.iter().flat_map(|e| [e.height(), e.width()]).chain(self.size_at(0));
            let least = sides.min().unwrap_or(0);
            let fits = |&sizes: &usize| least >> (sizes - 1) >= SMALLEST && sizes <= self.sliced.levels;
            self.sizes = Some((2..=MAX_SIZES).take_while(fits).last().unwrap_or(1));
        }
        self.check_sizes()?;
        Ok(self)
    }

    /// What is compared with, where the picture's size is halved so often.
    pub(super) fn scaled(&self, exemplars: &[Image], halvings: usize) -> Result<Vec<Image>, ConfigError> {
        scaled(exemplars, self.scale * 0.5_f32.powi(halvings as i32), self.whole)
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        within("scale", self.scale, 0.01, 16.0)?;
        within("iterations", self.iterations as f32, 1.0, 1e6)?;
        within("sizes", self.sizes.unwrap_or(1) as f32, 1.0, MAX_SIZES as f32)?;
        within("memory", self.memory as f32, 1.0, 1000.0)?;
        within("hold", self.hold as f32, 1.0, 1e6)?;
        within("range_weight", self.range_weight, 0.0, 1e6)?;
        check_octaves(&self.octaves)?;
        if self.octaves.adversarial() > 0.0 {
            let refused = "octaves.adversarial is of networks, which learn for long enough: leave it out";
            return Err(ConfigError::new(refused));
        }
        within("beta1", self.beta1, 0.0, 0.9999)?;
        within("beta2", self.beta2, 0.0, 0.99999)?;
        self.schedule.check()
    }

    /// Whether the picture can be halved so often and compared at every size, and fits into memory.
    fn check_sizes(&self) -> Result<(), OptimiseError> {
        let [height, width] = self.size_at(0);
        let sizes = self.halvings() + 1;
        let unit = self.unit()?.max(1 << self.halvings());
        let least = (MIN_SIDE << self.halvings()).next_multiple_of(unit);
        if height.min(width) < least || !height.is_multiple_of(unit) || !width.is_multiple_of(unit) {
            let nearest = |side: usize| side.div_ceil(unit).saturating_mul(unit).max(least);
            return Err(ConfigError::new(format!(
                "the picture is to have {width}x{height} pixels, but {sizes} sizes and these losses need sides that \
                 are multiples of {unit} from {least} on: choose --size {}x{}",
                nearest(width),
                nearest(height)
            ))
            .into());
        }
        self.check_memory()
    }

    /// What the sides of the picture must be multiples of, for the losses.
    fn unit(&self) -> Result<usize, ConfigError> {
        if self.teacher != Teacher::Sliced {
            return Ok(1);
        }
        let failed = |e: &dyn std::fmt::Display| ConfigError::new(e.to_string());
        self.sliced.validate_numbers().map_err(|e| failed(&e))?;
        self.nearest.validate_numbers().map_err(|e| failed(&e))?;
        if self.halvings() >= self.sliced.levels {
            return Err(ConfigError::new(format!(
                "{} sizes are asked for, but {} levels of the sliced loss allow as many sizes at most: choose fewer with \
                 --set sizes=",
                self.halvings() + 1,
                self.sliced.levels
            )));
        }
        let unit = self.sliced.unit().max(self.nearest.unit());
        if unit > self.height.max(self.width) {
            // Which of its numbers is to blame, the loss tells.
            self.sliced.validate(self.size_at(0)).map_err(|e| failed(&e))?;
        }
        Ok(unit)
    }

    fn check_memory(&self) -> Result<(), OptimiseError> {
        let bytes = self.bytes();
        if bytes <= MAX_BYTES {
            return Ok(());
        }
        Err(ConfigError::new(format!(
            "a picture of {}x{} pixels takes about {} GiB of memory, but {} are allowed: choose a smaller --size, or \
             learn the texture with 'texnet train', which paints at any size",
            self.width,
            self.height,
            bytes >> 30,
            MAX_BYTES >> 30
        ))
        .into())
    }

    /// Bytes of memory that a run takes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let per_pixel = match self.teacher {
            Teacher::Sliced => SLICED_BYTES,
            Teacher::Vgg19 => VGG19_BYTES,
        };
        let remembered = if self.method == Method::Lbfgs { 24 * self.memory } else { 0 };
        self.height
            .saturating_mul(self.width)
            .saturating_mul(per_pixel + remembered)
            .saturating_add(FIXED_BYTES)
    }

    /// How often the size is halved before the first step.
    pub(crate) fn halvings(&self) -> usize {
        self.sizes.unwrap_or(1) - 1
    }

    /// Rows and columns after so many halvings.
    pub(crate) fn size_at(&self, halvings: usize) -> [usize; 2] {
        [self.height >> halvings, self.width >> halvings]
    }

    /// Steps of the run.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.iterations * self.sizes.unwrap_or(1) as u64
    }

    /// What the picture is compared by when its size, and the exemplars', is halved so often.
    pub(crate) fn comparison(&self, halvings: usize) -> Comparison {
        let (sliced, nearest) = (self.sliced.clone(), self.nearest.clone());
        let (octaves, vgg19, range_weight) = (self.octaves.clone(), self.vgg19.clone(), self.range_weight);
        let mut comparison = Comparison {
            teacher: self.teacher,
            sliced,
            nearest,
            octaves,
            discriminators: Arc::default(),
            vgg19,
            range_weight,
            content: None,
        };
        comparison.halve(halvings);
        comparison
    }
}
