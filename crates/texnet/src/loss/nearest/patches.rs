//! The patches of an exemplar, and the principal components that patches are found by.

use nalgebra::DMatrix;
use texnet_infer::Level;
use texnet_kernels::learn::projection::{Filters, Grid, project, project_inside};

use super::NearestConfig;
use super::places::{Corner, cut};
use crate::draw::Draw;
use crate::loss::white::{Planes, thin};

/// Patches of the exemplar that a search may find, at most.
const PATCHES: usize = 1 << 16;
/// Patches that the components are estimated from.
const SAMPLES: usize = 4096;

/// The exemplar's patches at one level.
#[derive(Debug, Clone)]
pub(super) struct Exemplar {
    pictures: Vec<Planes>,
    /// What patches are found by: `[components, 3 * side * side]`.
    components: Filters,
    side: usize,
    /// `[patches, components]`.
    table: Vec<f32>,
    /// Of every patch.
    corners: Vec<Corner>,
    /// Mean squared distance of the patches from their mean; that of their components.
    pub(super) variance: f32,
    pub(super) found_variance: f32,
}

impl Exemplar {
    /// None when a picture is smaller than a patch.
    pub(super) fn new(config: &NearestConfig, pictures: Vec<Planes>, draw: &mut Draw) -> Option<Self> {
        let fits = |p: &Planes| p.size.iter().all(|&size| size >= config.side + 2);
        if !pictures.iter().all(fits) {
            return None;
        }
        Self::with(principal(config, &pictures, draw), pictures)
    }

    /// Of patches that are found by these components.
    pub(super) fn with(components: Filters, pictures: Vec<Planes>) -> Option<Self> {
        let (count, side) = (components.count(), components.side);
        let mut table = Vec::new();
        let mut corners = Vec::new();
        for (i, picture) in pictures.iter().enumerate() {
            let stride = thin(picture.size, pictures.len(), PATCHES);
            let values = project_inside(Level::new(), &picture.data, picture.size, stride, &components)?;
            table.extend(transposed(&values, count));
            let columns = (picture.size[1] - side) / stride + 1;
            let corner = |p: usize| [i, p / columns * stride, p % columns * stride];
            corners.extend((0..values.len() / count).map(corner));
        }
        let patches = corners.iter().flat_map(|&[picture, y, x]| pictures[picture].patch(y, x, side));
        let variance = variance(patches, 3 * side * side);
        let found_variance = self::variance(table.iter().copied(), count);
        let components = Filters { channels: components.terms(), side: 1, ..components };
        Some(Self { pictures, components, side, table, corners, variance, found_variance })
    }

    /// The numbers of some patches, each drawn from all.
    pub(super) fn choose(&self, count: usize, draw: &mut Draw) -> Vec<usize> {
        (0..count).map(|_| draw.below(self.corners.len())).collect()
    }

    /// What some patches are found by: `[count, components]`.
    pub(super) fn described(&self, chosen: &[usize]) -> Vec<f32> {
        let terms = self.components.count();
        let mut out = Vec::with_capacity(chosen.len() * terms);
        chosen.iter().for_each(|&p| out.extend_from_slice(&self.table[p * terms..(p + 1) * terms]));
        out
    }

    /// What patches `[3 * side * side, patches]` are found by: `[components, patches]`.
    pub(super) fn describe(&self, patches: &[f32]) -> Vec<f32> {
        let grid = Grid { size: [1, patches.len() / self.components.channels], stride: 1, origin: [0, 0] };
        project(Level::new(), patches, grid, &self.components)
    }

    /// The values of some patches: `[3 * side * side, patches]`.
    pub(super) fn patches(&self, numbers: &[usize]) -> Vec<f32> {
        let corners: Vec<_> = numbers.iter().map(|&number| self.corners[number]).collect();
        cut(&self.pictures, &corners, self.side)
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.corners.len()
    }
}

/// Columns as rows; `rows` rows are given.
fn transposed(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    (0..values.len()).map(|i| values[i % rows * columns + i / rows]).collect()
}

/// The sum over `terms` of the variances of rows of so many values.
fn variance(values: impl Iterator<Item = f32>, terms: usize) -> f32 {
    let mut sums = vec![[0.0_f64; 2]; terms];
    let mut count = 0_usize;
    for v in values {
        let [sum, squares] = &mut sums[count % terms];
        *sum += f64::from(v);
        *squares += f64::from(v).powi(2);
        count += 1;
    }
    let rows = (count / terms) as f64;
    let of = |[sum, squares]: &[f64; 2]| squares / rows - (sum / rows).powi(2);
    (sums.iter().map(of).sum::<f64>() as f32).max(1e-6)
}

/// The directions in which the exemplar's patches vary most, colour and brightness included.
fn principal(config: &NearestConfig, pictures: &[Planes], draw: &mut Draw) -> Filters {
    let mut patch = || {
        let picture = &pictures[draw.below(pictures.len())];
        let [y, x] = picture.size.map(|size| draw.below(size - config.side + 1));
        picture.patch(y, x, config.side)
    };
    let samples: Vec<f32> = (0..SAMPLES).flat_map(|_| patch()).collect();
    let rows = DMatrix::from_row_slice(SAMPLES, samples.len() / SAMPLES, &samples);
    let mean = rows.row_mean();
    let moments = (rows.transpose() * &rows / SAMPLES as f32 - mean.transpose() * mean).map(f64::from);
    let eigen = moments.symmetric_eigen();
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let kept = order.iter().take(config.components);
    let weights =
        kept.flat_map(|&c| eigen.eigenvectors.column(c).iter().map(|&v| v as f32).collect::<Vec<_>>());
    Filters { channels: 3, side: config.side, weights: weights.collect() }
}
