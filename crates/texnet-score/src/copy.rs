//! `copy`: how much of the picture stands in the exemplar.
//!
//! The share of patches of 16x16 pixels, seen at half resolution, that differ from one of the exemplar by less than a
//! twentieth of their own variance. Methods that paste patches have nearly 1; a network that has learned motifs by heart
//! has more than one that has not. Neither good nor bad by itself.
//!
//! Pixels are halved in pairs that begin at even places, so that fine grain, copied an odd number of pixels away, is
//! not found.

use texnet_infer::Image;

use crate::neighbours::{Bank, Query};

/// Rows and columns of a patch, in pixels of the halved picture.
const SIDE: usize = 8;
const TERMS: f32 = (3 * SIDE * SIDE) as f32;
/// Largest squared difference of a copy, relative to the patch's own from its mean.
const ALMOST: f32 = 0.05;
/// Added to the patch's own.
const FLOOR: f32 = 1e-6;

/// All patches of the exemplar.
#[derive(Debug)]
pub(crate) struct Patches(Bank);

impl Patches {
    /// Of an exemplar with at least `2 * SIDE` rows and columns.
    pub(crate) fn new(exemplar: &Image) -> Self {
        Self(Bank::new(exemplar, SIDE))
    }

    /// The share of patches of `image` that are here, from 0 to 1.
    pub(crate) fn share_of(&self, image: &Image) -> f64 {
        let Self(bank) = self;
        let queries = bank.queries(image);
        let distance = |query: &Query, place: usize, product: f32| {
            let means = TERMS * (query.mean - bank.mean[place]).powi(2);
            (query.energy + bank.energy[place] - 2.0 * product + means).max(0.0)
        };
        let nearest = bank.nearest(&queries, distance);
        let copies = nearest.iter().zip(&queries).filter(|(d, query)| **d < ALMOST * (query.energy + FLOOR));
        copies.count() as f64 / queries.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texture;

    fn by_hand(exemplar: &Image, image: &Image) -> f64 {
        let all = |image: &Image| -> Vec<Vec<f64>> {
            let image = image.halved();
            let places = (0..=image.height() - 8).flat_map(|y| (0..=image.width() - 8).map(move |x| (y, x)));
            let value = |y: usize, x: usize, t: usize| f64::from(image.row(t / 64, y + t / 8 % 8)[x + t % 8]);
            places.map(|(y, x)| (0..192).map(|t| value(y, x, t)).collect()).collect()
        };
        let (bank, queries) = (all(exemplar), all(image));
        let copied = |query: &&Vec<f64>| {
            let mean = query.iter().sum::<f64>() / 192.0;
            let own = query.iter().map(|v| (v - mean).powi(2)).sum::<f64>() + 1e-6;
            let apart =
                |patch: &Vec<f64>| patch.iter().zip(*query).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            bank.iter().map(apart).fold(f64::INFINITY, f64::min) < 0.05 * own
        };
        queries.iter().filter(copied).count() as f64 / queries.len() as f64
    }

    #[test]
    fn it_is_the_share_of_patches_that_are_found() {
        let (a, other) = (texture(1, 50, 50), texture(2, 50, 50));
        // The left half is the exemplar's, fading into another picture.
        let mixed = Image::from_fn(46, 42, |y, x| {
            let part = (x as f32 / 42.0 - 0.3).clamp(0.0, 1.0);
            [0, 1, 2].map(|c| (1.0 - part) * a.pixel(y + 2, x + 4)[c] + part * other.pixel(y, x)[c])
        });
        let (ours, plain) = (Patches::new(&a).share_of(&mixed), by_hand(&a, &mixed));
        assert!((ours - plain).abs() < 1e-9 && ours > 0.2 && ours < 0.9, "{ours} {plain}");
    }

    #[test]
    fn what_is_almost_flat_is_found_exactly() {
        let faint = Image::from_fn(40, 40, |y, x| [0.8 + 1e-4 * texture(1, 40, 40).pixel(y, x)[0]; 3]);
        assert_eq!(Patches::new(&faint).share_of(&faint), 1.0);
        assert_eq!(Patches::new(&Image::new(20, 20)).share_of(&Image::new(20, 20)), 1.0);
        let white = Image::from_fn(20, 20, |_, _| [1.0; 3]);
        assert_eq!(Patches::new(&white).share_of(&Image::new(20, 20)), 0.0);
    }
}
