//! `fit` and `cover`: whether every neighbourhood of the picture could be one of the exemplar, and the other way round.
//!
//! Neighbourhoods of 24x24 pixels, seen at half resolution, with their mean removed and divided by their contrast (the
//! standard deviation plus 0.05, so that flat ones do not become noise), look for the nearest in the other picture; the
//! figure is the mean of the mean squared differences. From the picture to the exemplar (`fit`) it shows shapes that the exemplar
//! does not have, from the exemplar to the picture (`cover`) what the picture lacks. Distributions of patches do not tell
//! that; a loss that draws patches to the nearest one flatters it, where patches have about this size.

use texnet_infer::Image;

use crate::neighbours::{Bank, Query};

/// Rows and columns of a neighbourhood, in pixels of the halved picture.
pub(crate) const SIDE: usize = 12;
/// Added to the contrast.
const FLOOR: f32 = 0.05;
const TERMS: f32 = (3 * SIDE * SIDE) as f32;

/// All neighbourhoods of a picture.
#[derive(Debug)]
pub(crate) struct Neighbourhoods {
    bank: Bank,
    /// One over the contrast of each, and its mean square when divided by it.
    normalised: Vec<[f32; 2]>,
}

impl Neighbourhoods {
    /// Of a picture with at least `2 * SIDE` rows and columns.
    pub(crate) fn new(image: &Image) -> Self {
        let bank = Bank::new(image, SIDE);
        let normalised = bank.energy.iter().map(|&energy| normalised(energy)).collect();
        Self { bank, normalised }
    }

    /// The mean distance of neighbourhoods of `image` to the nearest of these, x1000: 0 where all are here, about 2000
    /// where nothing is alike.
    pub(crate) fn distance_of(&self, image: &Image) -> f64 {
        let queries = self.bank.queries(image);
        let distance = |query: &Query, place: usize, product: f32| {
            let ([scale, square], [other_scale, other_square]) =
                (normalised(query.energy), self.normalised[place]);
            (square + other_square - 2.0 / TERMS * product * scale * other_scale).max(0.0)
        };
        let nearest = self.bank.nearest(&queries, distance);
        1000.0 * nearest.iter().map(|&d| f64::from(d)).sum::<f64>() / nearest.len() as f64
    }
}

fn normalised(energy: f32) -> [f32; 2] {
    let deviation = (energy / TERMS).sqrt();
    let scale = 1.0 / (deviation + FLOOR);
    [scale, (deviation * scale).powi(2)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{blurred, texture};

    /// All normalised neighbourhoods, one after the other.
    fn all(image: &Image) -> Vec<Vec<f64>> {
        let image = image.halved();
        let places =
            (0..=image.height() - SIDE).flat_map(|y| (0..=image.width() - SIDE).map(move |x| (y, x)));
        let one = |(y, x): (usize, usize)| {
            let value = |t: usize| f64::from(image.row(t / 144, y + t / 12 % 12)[x + t % 12]);
            let values: Vec<f64> = (0..3 * SIDE * SIDE).map(value).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
            values.iter().map(|v| (v - mean) / (variance.sqrt() + 0.05)).collect()
        };
        places.map(one).collect()
    }

    #[test]
    fn it_is_the_mean_over_all_neighbourhoods_of_the_distance_to_the_nearest() {
        let (a, b) = (texture(1, 40, 36), blurred(&texture(2, 35, 45)));
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 432.0;
        let (queries, bank) = (all(&b), all(&a));
        let least = |q: &Vec<f64>| bank.iter().map(|p| apart(q, p)).fold(f64::INFINITY, f64::min);
        let plain = 1000.0 * queries.iter().map(least).sum::<f64>() / queries.len() as f64;
        let ours = Neighbourhoods::new(&a).distance_of(&b);
        assert!((ours - plain).abs() < 1e-4 * plain, "{ours} {plain}");
    }

    #[test]
    fn brightness_does_not_count_and_flat_pictures_are_alike() {
        let a = texture(1, 40, 40);
        let brighter = Image::from_fn(40, 40, |y, x| a.pixel(y, x).map(|v| v + 0.3));
        assert!(Neighbourhoods::new(&a).distance_of(&brighter) < 0.01);
        let flat = |v| Image::from_fn(30, 30, |_, _| [v; 3]);
        assert!(Neighbourhoods::new(&flat(0.2)).distance_of(&flat(0.9)) < 0.01);
    }
}
