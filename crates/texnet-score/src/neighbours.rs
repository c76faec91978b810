//! The search for the patches of one picture in another: what `fit`, `cover` and `copy` have in common.
//!
//! Patches are seen at half resolution. Products of all pairs are correlations of the one picture with patches of the
//! other; both kinds of distance follow from them and from the mean and energy of each patch. Since the patches that are
//! looked for have mean zero, products of flat patches are small and exact, and rounding does not blur what is the same.

use rayon::prelude::*;
use texnet_infer::{Image, Level};
use texnet_kernels::learn::projection::{Filters, project_inside};

use crate::draw::{Places, Stream};

/// Most patches that are searched: all of those of a picture of 1024x1024. Of larger ones a window in the middle is
/// searched, not a sample of all, which would miss the place where a patch fits exactly.
const BANK: usize = 1 << 18;
/// Patches that are looked for: as many as keep the number of pairs below [`PAIRS`], within these limits.
const QUERIES: [usize; 2] = [256, 4096];
/// Pairs of patches: 1750 are looked for in a picture of 256x256 pixels, which keeps `fit` within 1 % or so.
const PAIRS: usize = 24_000_000;
/// Patches that are looked for at a time.
const TOGETHER: usize = 16;

/// All patches of a picture at half its size.
#[derive(Debug)]
pub(crate) struct Bank {
    image: Image,
    side: usize,
    /// Mean of every patch, row after row.
    pub(crate) mean: Vec<f32>,
    /// Sum of the squared differences from the mean.
    pub(crate) energy: Vec<f32>,
}

/// A patch to look for.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Differences from the mean, `[3, side, side]`.
    values: Vec<f32>,
    pub(crate) mean: f32,
    pub(crate) energy: f32,
}

impl Bank {
    /// The patches of `side` times `side` pixels of the halved picture.
    pub(crate) fn new(image: &Image, side: usize) -> Self {
        let image = window(image.halved(), side);
        let count = (3 * side * side) as f64;
        let sums = |power: i32| {
            let planes = (0..3).map(|c| box_sums(&image, c, side, power)).reduce(|mut sum, plane| {
                sum.iter_mut().zip(plane).for_each(|(s, v)| *s += v);
                sum
            });
            planes.unwrap_or_default()
        };
        let (first, second) = (sums(1), sums(2));
        let mean = first.iter().map(|s| (s / count) as f32).collect();
        let energy = first.iter().zip(&second).map(|(s, ss)| (ss - s * s / count).max(0.0) as f32).collect();
        Self { image, side, mean, energy }
    }

    /// A sample of the patches of the halved `image`, to be looked for here.
    pub(crate) fn queries(&self, image: &Image) -> Vec<Query> {
        let image = image.halved();
        let count = (PAIRS / self.mean.len()).clamp(QUERIES[0], QUERIES[1]);
        let size = [image.height(), image.width()].map(|s| s - self.side + 1);
        let places = Places::sample(Stream::Queries, size, count);
        places.at.iter().map(|&place| Query::cut(&image, place, self.side)).collect()
    }

    /// The least distance of each query to a patch of the bank. `distance` gives it from the query, the place of a
    /// patch and their product, the sum of value times value.
    pub(crate) fn nearest(
        &self,
        queries: &[Query],
        distance: impl Fn(&Query, usize, f32) -> f32 + Sync,
    ) -> Vec<f32> {
        let found = |queries: &[Query]| {
            let products = self.products(queries);
            let rows = queries.iter().zip(products.chunks_exact(self.mean.len()));
            let least = |(query, row): (&Query, &[f32])| {
                let all = row.iter().enumerate().map(|(place, &product)| distance(query, place, product));
                all.fold(f32::INFINITY, f32::min)
            };
            rows.map(least).collect::<Vec<f32>>()
        };
        queries.par_chunks(TOGETHER).flat_map_iter(found).collect()
    }

    fn products(&self, queries: &[Query]) -> Vec<f32> {
        let weights = queries.iter().flat_map(|query| query.values.iter().copied()).collect();
        let filters = Filters { channels: 3, side: self.side, weights };
        let size = [self.image.height(), self.image.width()];
        project_inside(Level::new(), self.image.data(), size, 1, &filters).unwrap_or_default()
    }
}

impl Query {
    fn cut(image: &Image, [y, x]: [usize; 2], side: usize) -> Self {
        let rows = (0..3).flat_map(|c| (y..y + side).map(move |row| (c, row)));
        let mut values: Vec<f32> =
            rows.flat_map(|(c, row)| image.row(c, row)[x..x + side].iter().copied()).collect();
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        values.iter_mut().for_each(|v| *v = (f64::from(*v) - mean) as f32);
        let energy = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
        Self { values, mean: mean as f32, energy: energy as f32 }
    }
}

/// The picture, or a window of its middle with at most [`BANK`] patches.
fn window(image: Image, side: usize) -> Image {
    let size = [image.height(), image.width()];
    let [rows, columns] = size.map(|s| s - side + 1);
    let factor = (BANK as f64 / (rows as f64 * columns as f64)).sqrt();
    if factor >= 1.0 {
        return image;
    }
    let high = ((rows as f64 * factor) as usize).clamp(1, rows.min(BANK));
    let wide = (BANK / high).clamp(1, columns);
    let [top, left] = [(rows - high) / 2, (columns - wide) / 2];
    image.part(top..top + high + side - 1, left..left + wide + side - 1)
}

/// Sums of the values of a channel, to this power, over all squares of `side` times `side` pixels.
fn box_sums(image: &Image, c: usize, side: usize, power: i32) -> Vec<f64> {
    let [rows, columns] = [image.height(), image.width()].map(|s| s - side + 1);
    let along = |y: usize| -> Vec<f64> {
        let values: Vec<f64> = image.row(c, y).iter().map(|&v| f64::from(v).powi(power)).collect();
        values.windows(side).map(|window| window.iter().sum()).collect()
    };
    let lines: Vec<Vec<f64>> = (0..image.height()).map(along).collect();
    let place = |y: usize, x: usize| lines[y..y + side].iter().map(|line| line[x]).sum();
    (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))).map(|(y, x)| place(y, x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texture;

    #[test]
    fn means_energies_and_products_are_those_of_the_patches() {
        let image = texture(4, 37, 41);
        let bank = Bank::new(&image, 8);
        let small = image.halved();
        let queries = bank.queries(&texture(5, 33, 30));
        let columns = small.width() - 7;
        let products = bank.products(&queries[..3]);
        for (place, y, x) in [(0, 0, 0), (columns + 5, 1, 5), (bank.mean.len() - 1, 10, 12)] {
            let patch = Query::cut(&small, [y, x], 8);
            assert!((patch.mean - bank.mean[place]).abs() < 1e-6);
            assert!((patch.energy - bank.energy[place]).abs() < 1e-5);
            for (i, query) in queries[..3].iter().enumerate() {
                let product: f32 = query.values.iter().zip(&patch.values).map(|(a, b)| a * b).sum();
                assert!((products[i * bank.mean.len() + place] - product).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn of_a_large_picture_a_window_of_its_middle_is_searched() {
        let count = |height, width| Bank::new(&Image::new(height, width), 8).mean.len();
        assert_eq!(count(64, 50), 25 * 18);
        for [height, width] in [[1100, 1400], [16, 600_000], [600_000, 16], [24, 300_000]] {
            assert!((BANK - 2000..=BANK).contains(&count(height, width)), "{height}x{width}");
        }
    }
}
