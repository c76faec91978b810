//! Sliced Wasserstein distance between the patches of a picture and those of an exemplar.
//!
//! Patches of several sizes, at the levels of a Gaussian pyramid, in the exemplar's own colour space, are projected
//! onto filters; along each filter the sorted projections of the picture are compared with the exemplar's quantiles
//! (Rabin et al. 2011; Heitz et al. 2021 for texture, there on VGG's features). It needs no trained network. Filters
//! that match the exemplar's own patches see what random ones miss: [`Kind::Matched`].
//!
//! The distance and its gradient are computed outside of the tensor library, see [`super::host`].

mod bank;
mod filters;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use texnet_infer::{Image, Level};
use texnet_kernels::learn::projection::{Filters, Grid, Projected, project, project_adjoint};
use texnet_kernels::learn::sort::Sorter;
use thiserror::Error;

use super::host::{HostLoss, Measured};
use super::white::White;
use crate::draw::{Draw, Stream};
use crate::profile::{Work, measured};
pub(crate) use bank::quantiles;
use bank::{Bank, Group};
pub use filters::Kind;

/// Which filters are drawn, and where they look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlicedConfig {
    /// Levels of the pyramid, the picture itself the first.
    pub levels: usize,
    /// Distances between projected patches, from the finest level on; 1 for levels that are not named.
    pub strides: Vec<usize>,
    /// What a step draws at every level.
    pub slices: Vec<Slice>,
    /// Filters of each kind and size that are made once, of which a step draws a few.
    pub bank: usize,
    /// Seed of the filters and of the draws.
    pub seed: u64,
}

/// Filters of one kind and size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// How they are made.
    pub kind: Kind,
    /// Rows and columns, odd; 1 for colour.
    pub side: usize,
    /// How many a step draws at every level.
    pub draws: usize,
}

impl Default for SlicedConfig {
    fn default() -> Self {
        let slice = |kind, side, draws| Slice { kind, side, draws };
        Self {
            levels: 4,
            strides: vec![2],
            slices: vec![
                slice(Kind::Random, 5, 5),
                slice(Kind::Random, 7, 4),
                slice(Kind::Matched, 7, 6),
                slice(Kind::Matched, 11, 7),
                slice(Kind::Colour, 1, 3),
            ],
            bank: 384,
            seed: 0,
        }
    }
}

/// A configuration that cannot be used on these pictures.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SlicedError(String);

impl SlicedConfig {
    fn stride(&self, level: usize) -> usize {
        self.strides.get(level).copied().unwrap_or(1)
    }

    /// What the sides of pictures must be multiples of.
    pub(crate) fn unit(&self) -> usize {
        (0..self.levels).map(|l| self.stride(l) << l).max().unwrap_or(1)
    }

    /// Says what is wrong with the numbers, for pictures of this many rows and columns.
    ///
    /// # Errors
    /// One sentence: what was given, what is allowed.
    pub fn validate(&self, size: [usize; 2]) -> Result<(), SlicedError> {
        self.validate_numbers()?;
        let unit = self.unit();
        if (0..self.levels).any(|l| self.stride(l) == 0) || size.iter().any(|side| !side.is_multiple_of(unit))
        {
            return Err(SlicedError(format!(
                "pictures of {}x{} are learned from, but {} levels of strides {:?} need sides that are multiples of \
                 {unit}",
                size[1], size[0], self.levels, self.strides
            )));
        }
        Ok(())
    }

    /// Says what is wrong with the numbers, for pictures of any size.
    pub(crate) fn validate_numbers(&self) -> Result<(), SlicedError> {
        let fail = |message: String| Err(SlicedError(message));
        if !(1..=12).contains(&self.levels) || !(1..=65_536).contains(&self.bank) {
            return fail(format!(
                "the sliced loss has 1 to 12 levels and a bank of 1 to 65536 filters, but {} and {} are given",
                self.levels, self.bank
            ));
        }
        for slice in &self.slices {
            let allowed = if slice.kind == Kind::Colour { slice.side == 1 } else { slice.side >= 3 };
            if slice.side.is_multiple_of(2) || slice.side > 63 || !allowed || slice.draws > 4096 {
                return fail(format!(
                    "filters have odd sides from 3 to 63 (1 for colour) and at most 4096 draws, but {:?} of side {} \
                     with {} draws are asked for",
                    slice.kind, slice.side, slice.draws
                ));
            }
        }
        if self.slices.iter().all(|s| s.draws == 0) {
            return fail("the sliced loss needs at least one filter a step".into());
        }
        Ok(())
    }
}

/// The loss against one exemplar, for pictures that are tori of one size.
#[derive(Debug)]
pub struct Sliced {
    config: SlicedConfig,
    bank: Bank,
    white: White,
}

/// Added to the mean square below a root.
const EPSILON: f32 = 1e-5;

impl Sliced {
    /// The loss against the patches of some pictures of one texture, for batches of pictures of `size`.
    ///
    /// # Errors
    /// When the configuration does not fit, or the exemplar is smaller than every filter.
    pub fn new(
        config: &SlicedConfig,
        exemplars: &[Image],
        size: [usize; 2],
        batch: usize,
    ) -> Result<Self, SlicedError> {
        config.validate(size)?;
        let places = |level: usize| {
            let unit = config.stride(level) << level;
            batch * (size[0] / unit) * (size[1] / unit)
        };
        let samples: Vec<usize> = (0..config.levels).map(places).collect();
        let mut bank = Bank::new(config, exemplars, &samples);
        bank.levels.retain(|groups| groups.iter().any(|g| g.draws > 0));
        if bank.levels.is_empty() {
            return Err(SlicedError(
                "the exemplar is smaller than every filter: use a larger picture".into(),
            ));
        }
        let white = White { whitening: bank.whitening.clone(), size, levels: bank.levels.len() };
        Ok(Self { config: config.clone(), bank, white })
    }

    /// The mean over the filters that a step draws at a level, its share of the total, and its gradient.
    fn measure_level(&self, level: usize, pictures: &[Vec<f32>], step: u64) -> (f32, Vec<Vec<f32>>) {
        let mut draw = Draw::new(self.config.seed, Stream::Selection, step << 4 | level as u64);
        let stride = self.config.stride(level);
        let origin = [draw.below(stride), draw.below(stride)];
        let grid = Grid { size: self.white.size_at(level), stride, origin };
        let groups = &self.bank.levels[level];
        let drawn: usize = groups.iter().map(|g| g.draws).sum();
        let weight = 1.0 / (drawn * self.bank.levels.len()) as f32;
        let places = grid.count().iter().product::<usize>();
        let mut value = 0.0;
        let mut projected: Vec<(Filters, Vec<Vec<f32>>)> = Vec::new();
        for group in groups.iter().filter(|g| g.draws > 0) {
            let which: Vec<usize> = (0..group.draws).map(|_| draw.below(group.filters.count())).collect();
            let filters = group.filters.select(&which);
            let work = projecting(pictures, &filters, places);
            let project = || pictures.iter().map(|p| project(Level::new(), p, grid, &filters)).collect();
            let mut values: Vec<Vec<f32>> = measured("sliced: project", work, project);
            let compared = pictures.len() * places * which.len();
            // Three passes of a radix sort read and write pairs.
            let sorting = Work::new(3 * compared, 20 * compared);
            value += measured("sliced: sort", sorting, || compare(group, &which, &mut values, weight));
            projected.push((filters, values));
        }
        let work = projected.iter().map(|(f, _)| projecting(pictures, f, places)).sum();
        let back = || (0..pictures.len()).map(|i| back(grid, &projected, i)).collect();
        (value, measured("sliced: gradient", work, back))
    }
}

/// What it takes to project pictures onto filters at so many places, or the gradient back.
fn projecting(pictures: &[Vec<f32>], filters: &Filters, places: usize) -> Work {
    let values = pictures[0].len() + places * filters.count();
    Work::new(pictures.len() * places * filters.weights.len(), pictures.len() * values)
}

/// Replaces the projections of a batch by the gradient to them, and returns the weighted sum over the filters.
fn compare(group: &Group, which: &[usize], values: &mut [Vec<f32>], weight: f32) -> f32 {
    let places = values[0].len() / which.len();
    let pooled = |i: usize| values.iter().flat_map(move |v| &v[i * places..(i + 1) * places]).copied();
    let compared: Vec<(f32, Vec<f32>)> = which
        .par_iter()
        .enumerate()
        .map_init(Sorter::default, |sorter, (i, &filter)| {
            let pooled: Vec<f32> = pooled(i).collect();
            let target = group.target(filter, pooled.len());
            distance(sorter, &pooled, &target, group.inverse_deviation[filter], weight)
        })
        .collect();
    for (i, (_, gradient)) in compared.iter().enumerate() {
        for (values, gradient) in values.iter_mut().zip(gradient.chunks_exact(places)) {
            values[i * places..(i + 1) * places].copy_from_slice(gradient);
        }
    }
    compared.iter().map(|(value, _)| value).sum()
}

/// `weight * sqrt(mean(((sorted - target) * scale)^2) + epsilon)`: the Wasserstein-2 distance of two distributions
/// on a line; and its gradient to the values.
fn distance(sorter: &mut Sorter, values: &[f32], target: &[f32], scale: f32, weight: f32) -> (f32, Vec<f32>) {
    let count = values.len() as f32;
    let mut gradient = vec![0.0; values.len()];
    let mut sum = 0.0_f64;
    for ((value, place), target) in sorter.order(values).zip(target) {
        let difference = (value - target) * scale;
        gradient[place] = difference;
        sum += f64::from(difference * difference);
    }
    let root = ((sum / f64::from(count)) as f32 + EPSILON).sqrt();
    let factor = weight * scale / (count * root);
    gradient.iter_mut().for_each(|g| *g *= factor);
    (weight * root, gradient)
}

/// The gradient to picture `i` of the batch.
fn back(grid: Grid, projected: &[(Filters, Vec<Vec<f32>>)], i: usize) -> Vec<f32> {
    let of_picture: Vec<Projected<'_>> =
        projected.iter().map(|(filters, values)| Projected { filters, gradient: &values[i] }).collect();
    project_adjoint(Level::new(), 3, grid, &of_picture)
}

impl HostLoss for Sliced {
    fn name(&self) -> &'static str {
        "sliced"
    }

    /// The distance of a batch `[n, 3, height, width]` whose patches are pooled, and its gradient.
    fn measure(&self, pictures: &[f32], step: u64) -> Measured {
        self.white.measure(pictures, |level, pictures| self.measure_level(level, pictures, step))
    }
}

#[cfg(test)]
mod tests;
