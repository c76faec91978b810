//! The bank: fixed filters for every level of the pyramid, and how the exemplar's patches are distributed along each.

use rayon::prelude::*;
use texnet_infer::{Image, Level};
use texnet_kernels::learn::projection::{Filters, project_inside};
use texnet_kernels::learn::sort::Sorter;

use super::SlicedConfig;
use super::filters;
use crate::draw::{Draw, Stream};
use crate::loss::colour::Whitening;
use crate::loss::white::{Planes, exemplar_levels, thin};

/// Patches of the exemplar that a distribution is taken from, at most.
const PATCHES: usize = 1 << 16;
/// Quantiles kept of each distribution, at most.
const QUANTILES: usize = 1 << 12;
/// Filters projected at once.
const TOGETHER: usize = 64;

/// All filters of an exemplar.
#[derive(Debug, Clone)]
pub(crate) struct Bank {
    pub(crate) whitening: Whitening,
    /// From the finest level to the coarsest.
    pub(crate) levels: Vec<Vec<Group>>,
}

/// Filters of one kind and size at one level.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) filters: Filters,
    /// How many of them a step draws.
    pub(crate) draws: usize,
    quantiles: Vec<f32>,
    /// One over the deviation of the exemplar's patches along each filter.
    pub(crate) inverse_deviation: Vec<f32>,
}

impl Group {
    /// The exemplar's quantiles along filter `index` at the middles of `count` equal shares.
    pub(crate) fn target(&self, index: usize, count: usize) -> Vec<f32> {
        let kept = self.quantiles.len() / self.filters.count();
        quantiles(&self.quantiles[index * kept..(index + 1) * kept], count)
    }
}

impl Bank {
    /// The bank of an exemplar for pictures of `samples[l]` projections at level `l`.
    pub(crate) fn new(config: &SlicedConfig, exemplars: &[Image], samples: &[usize]) -> Self {
        let whitening = Whitening::of(exemplars);
        let pictures = exemplar_levels(&whitening, exemplars, samples.len());
        let made = |(level, &samples): (usize, &usize)| {
            groups(config, level, &pictures[level], samples.min(QUANTILES))
        };
        let levels = samples.iter().enumerate().map(made).collect();
        Self { whitening, levels }
    }
}

fn groups(config: &SlicedConfig, level: usize, pictures: &[Planes], kept: usize) -> Vec<Group> {
    let fits = |side: usize| pictures.iter().all(|p| p.size.iter().all(|&size| size >= side + 2));
    let wanted = config.slices.iter().enumerate().filter(|(_, slice)| fits(slice.side));
    let seeds: Vec<_> = wanted.map(|(i, slice)| (slice, (level * config.slices.len() + i) as u64)).collect();
    let make = |&(slice, place): &(&super::Slice, u64)| {
        let mut draw = Draw::new(config.seed, Stream::Filters, place);
        let filters = filters::make(slice.kind, config.bank, slice.side, pictures, &mut draw);
        (filters, slice.draws)
    };
    let made: Vec<(Filters, usize)> = seeds.par_iter().map(make).collect();
    made.into_iter().map(|(filters, draws)| group(filters, draws, pictures, kept)).collect()
}

/// `kept` quantiles of the pictures' patches along each filter.
pub(super) fn group(filters: Filters, draws: usize, pictures: &[Planes], kept: usize) -> Group {
    let all: Vec<usize> = (0..filters.count()).collect();
    let mut quantiles = Vec::with_capacity(filters.count() * kept);
    for some in all.chunks(TOGETHER) {
        let projections = project_all(&filters.select(some), pictures);
        let sorted: Vec<Vec<f32>> = projections
            .par_iter()
            .map_init(Sorter::default, |s, p| self::quantiles(&sorted(s, p), kept))
            .collect();
        quantiles.extend(sorted.into_iter().flatten());
    }
    let inverse_deviation = quantiles.chunks_exact(kept).map(inverse_deviation).collect();
    Group { filters, draws, quantiles, inverse_deviation }
}

/// The projections of every filter over all pictures.
fn project_all(filters: &Filters, pictures: &[Planes]) -> Vec<Vec<f32>> {
    let mut all = vec![Vec::new(); filters.count()];
    for picture in pictures {
        let stride = thin(picture.size, pictures.len(), PATCHES);
        let Some(values) = project_inside(Level::new(), &picture.data, picture.size, stride, filters) else {
            continue;
        };
        let patches = values.len() / filters.count();
        all.iter_mut().zip(values.chunks_exact(patches)).for_each(|(all, values)| all.extend(values));
    }
    all
}

fn sorted(sorter: &mut Sorter, values: &[f32]) -> Vec<f32> {
    sorter.order(values).map(|(value, _)| value).collect()
}

/// Values at the middles of `count` equal shares of a sorted sequence, by linear interpolation.
pub(crate) fn quantiles(sorted: &[f32], count: usize) -> Vec<f32> {
    let last = sorted.len() - 1;
    let at = |i: usize| {
        let place = ((i as f64 + 0.5) / count as f64 * sorted.len() as f64 - 0.5).clamp(0.0, last as f64);
        let (below, part) = (place as usize, place.fract() as f32);
        sorted[below] * (1.0 - part) + sorted[last.min(below + 1)] * part
    };
    if count == sorted.len() { sorted.to_vec() } else { (0..count).map(at).collect() }
}

fn inverse_deviation(values: &[f32]) -> f32 {
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance =
        values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (1.0 / (variance.sqrt() + 1e-3)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_middles_of_equal_shares() {
        assert_eq!(quantiles(&[0.0, 1.0, 2.0, 3.0], 2), [0.5, 2.5]);
        assert_eq!(quantiles(&[0.0, 1.0, 2.0, 3.0], 4), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(quantiles(&[0.0, 1.0], 4), [0.0, 0.25, 0.75, 1.0]);
    }
}
