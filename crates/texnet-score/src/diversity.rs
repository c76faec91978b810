//! `diversity`: whether pictures of one texture differ from each other.
//!
//! The mean absolute difference of pixels at the same place, over all pairs of pictures. What it could be depends on the
//! texture's contrast, so it is also told relative to that of unrelated pictures with the same colours: the mean
//! difference between a pixel of one and a pixel of the other at places that have nothing to do with each other.

use rayon::prelude::*;
use serde::Serialize;
use texnet_infer::Image;

/// How much pictures differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Diversity {
    /// How many pictures were compared, two or more.
    pub pictures: usize,
    /// Mean absolute difference of pixels at the same place, sRGB in `[0, 1]`, x1000.
    pub diversity: f64,
    /// The same, divided by what unrelated pictures of these colours have: about 1 where nothing is shared, 0 where all
    /// pictures are the same. 1 for pictures that all have one and the same colour everywhere.
    pub relative: f64,
}

/// How much pictures differ from each other, mean over all pairs; `None` unless there are two or more, all of one size
/// with at least one pixel.
#[must_use]
pub fn diversity(pictures: &[&Image]) -> Option<Diversity> {
    let size = |image: &Image| [image.height(), image.width()];
    let first = pictures.first()?;
    let same = pictures.iter().all(|image| size(image) == size(first));
    if pictures.len() < 2 || !same || first.data().is_empty() {
        return None;
    }
    let sorted: Vec<[Vec<f32>; 3]> = pictures.par_iter().map(|image| sorted(image)).collect();
    let pairs: Vec<[usize; 2]> =
        (0..pictures.len()).flat_map(|i| (i + 1..pictures.len()).map(move |j| [i, j])).collect();
    let differences: Vec<[f64; 2]> = pairs
        .par_iter()
        .map(|&[i, j]| [apart(pictures[i], pictures[j]), unrelated(&sorted[i], &sorted[j])])
        .collect();
    let mean = |k: usize| differences.iter().map(|d| d[k]).sum::<f64>() / pairs.len() as f64;
    let relative = if mean(1) > 0.0 { mean(0) / mean(1) } else { 1.0 };
    Some(Diversity { pictures: pictures.len(), diversity: 1000.0 * mean(0), relative })
}

fn apart(a: &Image, b: &Image) -> f64 {
    let pairs = a.data().iter().zip(b.data());
    pairs.map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / a.data().len() as f64
}

/// The values of each channel, the smallest first.
fn sorted(image: &Image) -> [Vec<f32>; 3] {
    [0, 1, 2].map(|c| {
        let mut values = image.plane(c).to_vec();
        values.sort_unstable_by(f32::total_cmp);
        values
    })
}

/// The mean absolute difference over all pairs of a value of one and a value of the other; mean of the channels.
fn unrelated(a: &[Vec<f32>; 3], b: &[Vec<f32>; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| all_pairs(a, b)).sum::<f64>() / 3.0
}

/// Of sorted values, as many of one as of the other: the integral of F (1 - G) + G (1 - F) over their distribution functions.
fn all_pairs(a: &[f32], b: &[f32]) -> f64 {
    let count = a.len() as f64;
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    let mut last = f64::from(a[0].min(b[0]));
    while i < a.len() || j < b.len() {
        let from_a = j == b.len() || (i < a.len() && a[i] <= b[j]);
        let value = f64::from(if from_a { a[i] } else { b[j] });
        let (below, other) = (i as f64 / count, j as f64 / count);
        sum += (value - last) * (below * (1.0 - other) + other * (1.0 - below));
        last = value;
        if from_a { i += 1 } else { j += 1 }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texture;

    #[test]
    fn the_mean_over_all_pairs_is_that_of_two_loops() {
        let (a, b) = (sorted(&texture(1, 12, 9)), sorted(&texture(2, 12, 9)));
        let pairs = a[1].iter().flat_map(|a| b[1].iter().map(move |b| f64::from((a - b).abs())));
        let plain = pairs.sum::<f64>() / (108.0 * 108.0);
        assert!((all_pairs(&a[1], &b[1]) - plain).abs() < 1e-6);
    }

    #[test]
    fn unrelated_pictures_have_one_and_the_same_picture_nothing() {
        let pictures = [1, 2, 3, 4].map(|seed| texture(seed, 160, 160));
        let all = diversity(&pictures.each_ref()).expect("four of one size");
        assert!(all.pictures == 4 && (all.relative - 1.0).abs() < 0.1, "{all:?}");
        let plain = apart(&pictures[0], &pictures[1]);
        let two = diversity(&[&pictures[0], &pictures[1]]).expect("two of one size");
        assert!((two.diversity - 1000.0 * plain).abs() < 1e-9);
        let same = diversity(&[&pictures[0], &pictures[0]]).expect("two of one size");
        assert_eq!((same.diversity, same.relative), (0.0, 0.0));
    }

    #[test]
    fn one_picture_or_different_sizes_have_none_and_flat_ones_are_as_diverse_as_can_be() {
        let (a, b) = (Image::new(4, 5), Image::new(5, 4));
        assert_eq!(diversity(&[]), None);
        assert_eq!(diversity(&[&a]), None);
        assert_eq!(diversity(&[&a, &b]), None);
        assert_eq!(diversity(&[&Image::new(0, 3), &Image::new(0, 3)]), None);
        assert_eq!(diversity(&[&a, &a]).map(|d| d.relative), Some(1.0));
    }
}
