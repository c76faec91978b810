//! `repetition`: how far the picture repeats itself more than the exemplar does.
//!
//! A picture is correlated with itself, shifted by every lag up to half of its sides: Pearson's coefficient over what
//! overlaps, of all three channels, at half resolution. A motif that returns gives a peak. A picture that is
//! merely smooth, or has stripes, or is darker on one side, has a high ridge around lag zero, and no peak; so a peak
//! is measured by its prominence: how far it stands above the highest pass that leads to it from lag zero. The
//! figure is the highest prominence, minus that of the exemplar, whose own regularity is no fault.
//!
//! 0.8 to 1: a tile, repeated, of a texture without order; 0.4 of one that is regular itself; within 0.1 of zero: nothing
//! that could not be chance. Below zero: less regular than the exemplar, or much larger, since the coefficients of small
//! pictures vary more by chance.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rustfft::FftDirection;
use rustfft::num_complex::Complex64;
use texnet_infer::Image;

use crate::fourier::Grid;

/// Variance of an overlap, per value, below which nothing can be said: a tenth of a step of 8 bits, squared.
const FLAT: f64 = 1.5e-7;

/// The highest prominence of a peak of the autocorrelation, from 0 to 2.
pub(crate) fn repetition(image: &Image) -> f64 {
    let lags = Lags::new(&image.halved());
    prominence(&lags)
}

/// Coefficients of a picture with itself, at lags of `0..rows` down and `-reach..=reach` to the right; the others
/// follow by symmetry.
#[derive(Debug)]
struct Lags {
    rows: usize,
    reach: usize,
    values: Vec<f64>,
}

impl Lags {
    fn new(image: &Image) -> Self {
        let size = [image.height(), image.width()];
        let [rows, reach] = [size[0] / 2 + 1, size[1] / 2];
        let planes = centred(image);
        let products = products(&planes, size);
        let sums = planes.each_ref().map(|plane| Integral::new(plane, size, |v| v));
        let squares = planes.each_ref().map(|plane| Integral::new(plane, size, |v| v * v));
        let value =
            |dy: usize, dx: i64| coefficient(products.at(dy, dx), [dy as i64, dx], size, &sums, &squares);
        let lags = (0..rows).flat_map(|dy| (-(reach as i64)..=reach as i64).map(move |dx| (dy, dx)));
        Self { rows, reach, values: lags.map(|(dy, dx)| value(dy, dx)).collect() }
    }

    fn columns(&self) -> usize {
        2 * self.reach + 1
    }

    /// The up to eight lags beside a lag.
    fn neighbours(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let (y, x) = ((place / self.columns()) as i64, (place % self.columns()) as i64);
        let (rows, columns) = (self.rows as i64, self.columns() as i64);
        let around = (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| (y + dy, x + dx)));
        let inside = around.filter(move |&(y, x)| (0..rows).contains(&y) && (0..columns).contains(&x));
        inside.map(move |(y, x)| (y * columns + x) as usize)
    }
}

/// The coefficient at a lag, from the sum of products over the overlap.
fn coefficient(
    product: f64,
    [dy, dx]: [i64; 2],
    [height, width]: [usize; 2],
    sums: &[Integral; 3],
    squares: &[Integral; 3],
) -> f64 {
    let (high, wide) = (height - dy as usize, width - dx.unsigned_abs() as usize);
    let count = (high * wide) as f64;
    // The overlap as it lies in the picture, and in the shifted one.
    let corners = [[0, (-dx).max(0) as usize], [dy as usize, dx.max(0) as usize]];
    let (mut covariance, mut variances) = (product, [0.0; 2]);
    for (sum, square) in sums.iter().zip(squares) {
        let means = corners.map(|corner| sum.over(corner, [high, wide]) / count);
        covariance -= count * means[0] * means[1];
        for (variance, (corner, mean)) in variances.iter_mut().zip(corners.into_iter().zip(means)) {
            *variance += square.over(corner, [high, wide]) - count * mean * mean;
        }
    }
    let flat = variances.iter().any(|variance| *variance < 3.0 * count * FLAT);
    if flat { 0.0 } else { covariance / (variances[0] * variances[1]).sqrt() }
}

/// The channels, each minus its mean.
fn centred(image: &Image) -> [Vec<f64>; 3] {
    [0, 1, 2].map(|c| {
        let values = image.plane(c);
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        values.iter().map(|&v| f64::from(v) - mean).collect()
    })
}

/// Sums over the overlap of the products of all channels, at all lags.
struct Products(Grid);

fn products(planes: &[Vec<f64>; 3], [height, width]: [usize; 2]) -> Products {
    // Room for the largest lag, so that nothing comes round.
    let size = [height, width].map(|side| smooth(side + side / 2 + 1));
    let padded = |value: &dyn Fn(usize) -> Complex64| {
        let at = |y: usize, x: usize| if y < height && x < width { value(y * width + x) } else { 0.0.into() };
        Grid::from_fn(size, at).transformed(FftDirection::Forward)
    };
    // Two channels share a transform: the real part of the autocorrelation of a + ib is that of a plus that of b.
    let mut powers = padded(&|i| Complex64::new(planes[0][i], planes[1][i]));
    let third = padded(&|i| Complex64::new(planes[2][i], 0.0));
    powers.values.iter_mut().zip(third.values).for_each(|(p, t)| *p = (p.norm_sqr() + t.norm_sqr()).into());
    let mut products = powers.transformed(FftDirection::Inverse);
    let count = products.values.len() as f64;
    products.values.iter_mut().for_each(|v| *v /= count);
    Products(products)
}

impl Products {
    fn at(&self, dy: usize, dx: i64) -> f64 {
        let columns = self.0.size[1];
        self.0.values[dy * columns + dx.rem_euclid(columns as i64) as usize].re
    }
}

/// The least `2^a` or `3 * 2^a` that is no less, for a quick transform.
fn smooth(side: usize) -> usize {
    let power = side.next_power_of_two();
    if power / 4 * 3 >= side { power / 4 * 3 } else { power }
}

/// Sums over rectangles, from sums over those that begin at the origin.
struct Integral {
    columns: usize,
    sums: Vec<f64>,
}

impl Integral {
    fn new(plane: &[f64], [height, width]: [usize; 2], of: impl Fn(f64) -> f64) -> Self {
        let columns = width + 1;
        let mut sums = vec![0.0; (height + 1) * columns];
        for (y, row) in plane.chunks_exact(width).enumerate() {
            let mut sum = 0.0;
            for (x, &v) in row.iter().enumerate() {
                sum += of(v);
                sums[(y + 1) * columns + x + 1] = sums[y * columns + x + 1] + sum;
            }
        }
        Self { columns, sums }
    }

    fn over(&self, [y, x]: [usize; 2], [high, wide]: [usize; 2]) -> f64 {
        let at = |y: usize, x: usize| self.sums[y * self.columns + x];
        at(y + high, x + wide) - at(y, x + wide) - at(y + high, x) + at(y, x)
    }
}

/// A lag on the shore of what is flooded; the highest first.
#[derive(Debug, PartialEq)]
struct Shore(f64, usize);

impl Eq for Shore {}

impl Ord for Shore {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

impl PartialOrd for Shore {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How far any lag stands above the highest pass from lag zero to it. Going from lag zero always to the highest lag that
/// can be reached, the lowest so far is that pass.
fn prominence(lags: &Lags) -> f64 {
    let mut seen = vec![false; lags.values.len()];
    let mut shore = BinaryHeap::from([Shore(lags.values[lags.reach], lags.reach)]);
    seen[lags.reach] = true;
    let (mut pass, mut highest) = (f64::INFINITY, 0.0_f64);
    while let Some(Shore(value, place)) = shore.pop() {
        pass = pass.min(value);
        highest = highest.max(value - pass);
        for next in lags.neighbours(place) {
            if !std::mem::replace(&mut seen[next], true) {
                shore.push(Shore(lags.values[next], next));
            }
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{texture, tiled};

    #[test]
    fn coefficients_are_pearsons_over_the_overlap() {
        let image = texture(7, 21, 26);
        let lags = Lags::new(&image);
        for (dy, dx) in [(0_i64, 0_i64), (0, -5), (3, 4), (10, 13), (7, -13)] {
            let places = (0..21 - dy).flat_map(|y| (0..26).map(move |x| (y, x)));
            let pairs = places.filter(|&(_, x)| (0..26).contains(&(x + dx)));
            let pairs: Vec<_> = pairs
                .map(|(y, x)| {
                    (image.pixel(y as usize, x as usize), image.pixel((y + dy) as usize, (x + dx) as usize))
                })
                .collect();
            let (mut covariance, mut variances) = (0.0, [0.0; 2]);
            for c in 0..3 {
                let values = pairs.iter().map(|(a, b)| [a[c], b[c]].map(f64::from));
                let count = pairs.len() as f64;
                let sums = values.clone().fold([0.0; 2], |sums, v| [sums[0] + v[0], sums[1] + v[1]]);
                for v in values {
                    let [a, b] = [v[0] - sums[0] / count, v[1] - sums[1] / count];
                    covariance += a * b;
                    variances[0] += a * a;
                    variances[1] += b * b;
                }
            }
            let plain = covariance / (variances[0] * variances[1]).sqrt();
            let ours = lags.values[dy as usize * 27 + (dx + 13) as usize];
            assert!((ours - plain).abs() < 1e-9, "{dy} {dx}: {ours} {plain}");
        }
    }

    #[test]
    fn a_peak_counts_from_the_pass_that_leads_to_it() {
        let lags = |values: &[f64]| Lags { rows: 1, reach: values.len() / 2, values: values.to_vec() };
        assert_eq!(prominence(&lags(&[0.5, 0.75, 1.0, 0.75, 0.5])), 0.0);
        assert_eq!(prominence(&lags(&[0.5, 0.25, 1.0, 0.25, 0.5])), 0.25);
        assert_eq!(prominence(&lags(&[0.75, 0.0, 0.5, 0.25, 1.0, 0.25, 0.5, 0.0, 0.75])), 0.75);
        assert_eq!(prominence(&lags(&[1.0])), 0.0);
    }

    #[test]
    fn tiles_repeat_textures_and_stripes_and_ramps_do_not() {
        let image = texture(3, 128, 120);
        let alone = repetition(&image);
        assert!(alone < 0.5, "{alone}");
        for size in [[64, 60], [50, 44], [64, 37]] {
            let repeated = repetition(&tiled(&image, size, [128, 120]));
            assert!(repeated > 0.9, "{size:?}: {repeated}");
        }
        let ramp = Image::from_fn(100, 90, |y, x| [(y + 2 * x) as f32 / 300.0; 3]);
        assert!(repetition(&ramp) < 0.01);
        assert_eq!(repetition(&Image::new(40, 30)), 0.0);
    }
}
