//! Patches: cut from tori, described by principal components, and pasted back.

use nalgebra::DMatrix;
use texnet_infer::Level;
use texnet_kernels::learn::projection::{Filters, Grid, project, project_inside};

use super::NearestConfig;
use crate::draw::Draw;
use crate::loss::white::{Planes, thin};

/// Patches of the exemplar that a search may find, at most.
const PATCHES: usize = 1 << 16;
/// Patches that the components are estimated from.
const SAMPLES: usize = 4096;

/// The exemplar's patches at one level.
#[derive(Debug, Clone)]
pub(super) struct Exemplar {
    /// `[components, 3 * side * side]`, and its transpose.
    components: Filters,
    transposed: Filters,
    /// `[patches, components]`.
    table: Vec<f32>,
    /// Mean squared distance of the patches from their mean.
    pub(super) variance: f32,
}

impl Exemplar {
    /// None when a picture is smaller than a patch.
    pub(super) fn new(config: &NearestConfig, pictures: &[Planes], draw: &mut Draw) -> Option<Self> {
        let fits = |p: &Planes| p.size.iter().all(|&size| size >= config.side + 2);
        if !pictures.iter().all(fits) {
            return None;
        }
        Self::with(principal(config, pictures, draw), pictures)
    }

    /// Of patches that are described by these components.
    pub(super) fn with(components: Filters, pictures: &[Planes]) -> Option<Self> {
        let count = components.count();
        let mut table = Vec::new();
        for picture in pictures {
            let stride = thin(picture.size, pictures.len(), PATCHES);
            let values = project_inside(Level::new(), &picture.data, picture.size, stride, &components)?;
            table.extend(transposed(&values, count));
        }
        let terms = components.terms();
        let rows = Filters { channels: terms, side: 1, weights: components.weights };
        let transposed = Filters { channels: count, side: 1, weights: transposed(&rows.weights, count) };
        Some(Self { variance: variance(&table, count), components: rows, transposed, table })
    }

    /// All patches, `[patches, components]`.
    #[cfg(test)]
    pub(super) fn all(&self) -> &[f32] {
        &self.table
    }

    /// Some patches, each drawn from all: `[count, components]`.
    pub(super) fn choose(&self, count: usize, draw: &mut Draw) -> Vec<f32> {
        let terms = self.components.count();
        let patches = self.table.len() / terms;
        let mut chosen = Vec::with_capacity(count * terms);
        for _ in 0..count {
            let patch = draw.below(patches);
            chosen.extend_from_slice(&self.table[patch * terms..(patch + 1) * terms]);
        }
        chosen
    }

    /// `[components, patches]` of `[3 * side * side, patches]`.
    pub(super) fn describe(&self, patches: &[f32]) -> Vec<f32> {
        product(&self.components, patches)
    }

    /// The gradient to patches from that to their components.
    pub(super) fn describe_adjoint(&self, gradient: &[f32]) -> Vec<f32> {
        product(&self.transposed, gradient)
    }
}

fn product(rows: &Filters, columns: &[f32]) -> Vec<f32> {
    let grid = Grid { size: [1, columns.len() / rows.channels], stride: 1, origin: [0, 0] };
    project(Level::new(), columns, grid, rows)
}

/// Columns as rows; `rows` rows are given.
fn transposed(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    (0..values.len()).map(|i| values[i % rows * columns + i / rows]).collect()
}

fn variance(table: &[f32], terms: usize) -> f32 {
    let rows = (table.len() / terms) as f64;
    let mut sums = vec![[0.0_f64; 2]; terms];
    for row in table.chunks_exact(terms) {
        for (sum, &v) in sums.iter_mut().zip(row) {
            *sum = [sum[0] + f64::from(v), sum[1] + f64::from(v).powi(2)];
        }
    }
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

/// Patches of a batch of tori.
#[derive(Debug)]
pub(super) struct Places {
    size: [usize; 2],
    side: usize,
    /// Picture, and row and column of the corner.
    corners: Vec<[usize; 3]>,
}

impl Places {
    /// `count` places anywhere in `pictures` pictures.
    pub(super) fn draw(
        count: usize,
        pictures: usize,
        size: [usize; 2],
        side: usize,
        draw: &mut Draw,
    ) -> Self {
        let corner = |_| [pictures, size[0], size[1]].map(|below| draw.below(below));
        Self::at((0..count).map(corner).collect(), size, side)
    }

    /// The places of these corners: picture, row, column.
    pub(super) fn at(corners: Vec<[usize; 3]>, size: [usize; 2], side: usize) -> Self {
        Self { size, side, corners }
    }

    /// Where a patch's value lies in its picture, for every place in turn.
    fn sources(&self, term: usize) -> impl Iterator<Item = (usize, usize)> {
        let ([height, width], side) = (self.size, self.side);
        let [c, ky, kx] = [term / (side * side), term / side % side, term % side];
        let at = move |&[picture, y, x]: &[usize; 3]| {
            (picture, (c * height + (y + ky) % height) * width + (x + kx) % width)
        };
        self.corners.iter().map(at)
    }

    /// `[3 * side * side, places]`.
    pub(super) fn cut(&self, pictures: &[Vec<f32>]) -> Vec<f32> {
        let terms = 3 * self.side * self.side;
        (0..terms).flat_map(|t| self.sources(t).map(|(picture, at)| pictures[picture][at])).collect()
    }

    /// The adjoint of [`Places::cut`].
    pub(super) fn paste(&self, gradient: &[f32], pictures: usize) -> Vec<Vec<f32>> {
        let mut out = vec![vec![0.0; 3 * self.size[0] * self.size[1]]; pictures];
        for (t, row) in gradient.chunks_exact(self.corners.len()).enumerate() {
            self.sources(t).zip(row).for_each(|((picture, at), g)| out[picture][at] += g);
        }
        out
    }
}
