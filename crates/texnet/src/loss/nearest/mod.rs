//! How far the patches of a picture are from single patches of the exemplar.
//!
//! The distributions of [`super::sliced`] say which patches there should be on the whole; they leave open whether any
//! one of them could have been cut from the exemplar, and generators use that freedom for ragged outlines. Here each
//! patch is drawn to one that exists (Kwatra et al. 2005, "Texture optimization for example-based synthesis"), in such
//! a way that all of the exemplar's attract some ([`Search::balance`]): without that, a picture repeats the few that
//! are easily reached. Patches are found by their principal components and compared whole, at the levels of a Gaussian pyramid, in
//! the exemplar's own colour space.

mod patches;
mod places;

use serde::{Deserialize, Serialize};
use texnet_infer::{Image, Level};
use texnet_kernels::learn::nearest::Search;
use thiserror::Error;

use super::colour::Whitening;
use super::host::{HostLoss, Measured};
use super::white::{White, exemplar_levels};
use crate::draw::{Draw, Stream};
use crate::profile::{Work, measured};
use patches::Exemplar;
use places::Places;

/// Which patches are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NearestConfig {
    /// Weight of the distance; nothing is compared when 0.
    pub weight: f32,
    /// Levels of the pyramid, the picture itself the first.
    pub levels: usize,
    /// Rows and columns of a patch, odd.
    pub side: usize,
    /// Principal components that patches are found by.
    pub components: usize,
    /// Patches of a batch that a step compares at every level.
    pub places: usize,
    /// Patches of the exemplar among which a step looks for the nearest.
    pub candidates: usize,
    /// See [`Search::balance`], in units of the variance of the exemplar's patches.
    pub balance: f32,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for NearestConfig {
    fn default() -> Self {
        Self {
            weight: 0.4,
            levels: 2,
            side: 9,
            components: 32,
            places: 512,
            candidates: 2048,
            balance: 0.02,
            seed: 0,
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NearestError(String);

impl NearestConfig {
    /// What the sides of pictures must be multiples of.
    pub(crate) fn unit(&self) -> usize {
        1 << self.levels.saturating_sub(1)
    }

    /// Says what is wrong with the numbers, for pictures of this many rows and columns.
    ///
    /// # Errors
    /// One sentence: what was given, what is allowed.
    pub fn validate(&self, size: [usize; 2]) -> Result<(), NearestError> {
        self.validate_numbers()?;
        let unit = self.unit();
        if self.side.is_multiple_of(2) || size.iter().any(|side| !side.is_multiple_of(unit)) {
            return Err(NearestError(format!(
                "nearest.side is {} for pictures of {}x{}, but an odd side and pictures of multiples of {unit} are \
                 needed",
                self.side, size[1], size[0]
            )));
        }
        Ok(())
    }

    /// Says what is wrong with the numbers, for pictures of any size.
    pub(crate) fn validate_numbers(&self) -> Result<(), NearestError> {
        let within = |name: &str, value: usize, low: usize, high: usize| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(NearestError(format!("nearest.{name} is {value}, but must lie from {low} to {high}")))
        };
        within("levels", self.levels, 0, 12)?;
        within("side", self.side, 1, 31)?;
        within("components", self.components, 1, 3 * self.side * self.side)?;
        within("places", self.places, 1, 1 << 16)?;
        within("candidates", self.candidates, 1, 1 << 16)?;
        let positive = |value: f32| value >= 0.0 && value.is_finite();
        if !positive(self.weight) || self.balance.is_nan() || self.balance <= 0.0 {
            return Err(NearestError(format!(
                "nearest.weight is {} and nearest.balance {}, but a weight from 0 on and a balance above 0 are needed",
                self.weight, self.balance
            )));
        }
        Ok(())
    }
}

/// Added to the squared distance below its root.
const EPSILON: f32 = 1e-4;

/// The loss against the patches of one exemplar, for pictures that are tori of one size.
#[derive(Debug)]
pub struct Nearest {
    config: NearestConfig,
    white: White,
    /// At every level.
    exemplar: Vec<Exemplar>,
}

impl Nearest {
    /// The loss against the patches of some pictures of one texture, for batches of pictures of `size`.
    ///
    /// Levels at which the exemplar is smaller than a patch are left out.
    ///
    /// # Errors
    /// When the configuration does not fit.
    pub fn new(config: &NearestConfig, exemplars: &[Image], size: [usize; 2]) -> Result<Self, NearestError> {
        config.validate(size)?;
        let whitening = Whitening::of(exemplars);
        let levels = exemplar_levels(&whitening, exemplars, config.levels);
        let of_level = |(level, pictures): (usize, Vec<_>)| {
            Exemplar::new(config, pictures, &mut Draw::new(config.seed, Stream::Neighbours, level as u64))
        };
        let exemplar: Vec<Exemplar> = levels.into_iter().enumerate().map_while(of_level).collect();
        let white = White { whitening, size, levels: exemplar.len() };
        Ok(Self { config: config.clone(), white, exemplar })
    }

    fn measure_level(&self, level: usize, pictures: &[Vec<f32>], step: u64) -> (f32, Vec<Vec<f32>>) {
        let exemplar = &self.exemplar[level];
        let mut draw = Draw::new(self.config.seed, Stream::Neighbours, (step + 1) << 4 | level as u64);
        let size = self.white.size_at(level);
        let places = Places::draw(self.config.places, pictures.len(), size, self.config.side, &mut draw);
        let candidates = exemplar.choose(self.config.candidates, &mut draw);
        self.compare(exemplar, pictures, &places, &candidates)
    }

    /// The share of a level: its value, and the gradient to the planes of every picture.
    fn compare(
        &self,
        exemplar: &Exemplar,
        pictures: &[Vec<f32>],
        places: &Places,
        candidates: &[usize],
    ) -> (f32, Vec<Vec<f32>>) {
        let values = self.config.places * 3 * self.config.side * self.config.side;
        let patches = measured("nearest: cut", Work::new(0, 2 * values), || places.cut(pictures));
        let search = Search {
            terms: self.config.components,
            queries: &exemplar.describe(&patches),
            candidates: &exemplar.described(candidates),
            balance: self.config.balance * exemplar.found_variance,
        };
        let pairs = self.config.places * self.config.candidates;
        let terms = self.config.components;
        let work = Work::new(pairs * terms, (self.config.places + self.config.candidates) * terms);
        let found = measured("nearest: search", work, || search.run(Level::new()));
        let nearest: Vec<usize> = found.into_iter().map(|i| candidates[i]).collect();
        let weight = self.config.weight / self.exemplar.len() as f32;
        let back = || {
            let (value, gradient) = distance(exemplar, &patches, &nearest, weight);
            (value, places.paste(&gradient, pictures.len()))
        };
        measured("nearest: distance", Work::new(2 * values, 4 * values), back)
    }
}

/// `weight` times the mean of `sqrt(|patch - nearest|^2 / variance + epsilon)`, and its gradient to the patches
/// `[terms, patches]`.
fn distance(exemplar: &Exemplar, patches: &[f32], nearest: &[usize], weight: f32) -> (f32, Vec<f32>) {
    let count = nearest.len();
    let mut gradient = exemplar.patches(nearest);
    let mut squares = vec![0.0; count];
    for (row, patches) in gradient.chunks_exact_mut(count).zip(patches.chunks_exact(count)) {
        for ((value, patch), square) in row.iter_mut().zip(patches).zip(&mut squares) {
            *value = patch - *value;
            *square += *value * *value;
        }
    }
    let roots: Vec<f32> = squares.iter().map(|s| (s / exemplar.variance + EPSILON).sqrt()).collect();
    let factor = |root: &f32| weight / (exemplar.variance * root * count as f32);
    let factors: Vec<f32> = roots.iter().map(factor).collect();
    for row in gradient.chunks_exact_mut(count) {
        row.iter_mut().zip(&factors).for_each(|(value, factor)| *value *= factor);
    }
    (weight * roots.iter().sum::<f32>() / count as f32, gradient)
}

impl HostLoss for Nearest {
    fn name(&self) -> &'static str {
        "nearest"
    }

    /// The mean distance of the patches that a step looks at, and its gradient to the batch `[n, 3, height, width]`.
    fn measure(&self, pictures: &[f32], step: u64) -> Measured {
        if self.exemplar.is_empty() {
            return Measured { value: 0.0, gradient: vec![0.0; pictures.len()] };
        }
        self.white.measure(pictures, |level, pictures| self.measure_level(level, pictures, step))
    }
}

#[cfg(test)]
mod tests;
