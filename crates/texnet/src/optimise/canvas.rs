//! The picture while it is optimised: how it begins, doubles and ends.

use texnet_infer::Image;
use texnet_kernels::Border;
use texnet_kernels::learn::pyramid;

use crate::draw::{Draw, Stream};
use crate::loss::colour::Whitening;
use crate::loss::sliced::quantiles;

/// A picture at one of the sizes of a run.
#[derive(Debug, Clone)]
pub struct Canvas {
    /// Planes of RGB, sRGB-coded; nothing holds them within `[0, 1]`.
    pub(crate) values: Vec<f32>,
    pub(crate) size: [usize; 2],
    /// How often the size was halved.
    pub(crate) halvings: usize,
}

impl Canvas {
    /// Normal noise with the mean colour of the exemplars and the covariance of their colours.
    pub(crate) fn noise(exemplars: &[Image], size: [usize; 2], halvings: usize, seed: u64) -> Self {
        let mut draw = Draw::new(seed, Stream::Picture, 0);
        let white: Vec<f32> = (0..3 * size[0] * size[1]).map(|_| draw.normal()).collect();
        Self { values: Whitening::of(exemplars).colours(&white), size, halvings }
    }

    /// Twice as large, as a torus: the adjoint of the pyramid's step, which reduces it to about what it was.
    pub(crate) fn doubled(&self) -> Self {
        let size = self.size.map(|side| 2 * side);
        let mut values = vec![0.0; 4 * self.values.len()];
        pyramid::reduce_adjoint(&self.values, size, Border::Circular, &mut values);
        values.iter_mut().for_each(|v| *v *= 4.0);
        Self { values, size, halvings: self.halvings - 1 }
    }

    /// The picture at the full size, its values in `[0, 1]`.
    #[must_use]
    pub fn image(&self) -> Image {
        if self.halvings > 0 {
            return self.doubled().image();
        }
        let values = self.values.iter().map(|v| v.clamp(0.0, 1.0)).collect();
        Image::from_planes(self.size[0], self.size[1], values)
    }

    /// Gives every channel the exemplars' distribution of values, without changing the order of its pixels.
    pub(crate) fn match_histogram(&mut self, exemplars: &[Image]) {
        let plane = self.size[0] * self.size[1];
        for (c, values) in self.values.chunks_exact_mut(plane).enumerate() {
            let mut wanted: Vec<f32> = exemplars.iter().flat_map(|e| e.plane(c)).copied().collect();
            wanted.sort_unstable_by(f32::total_cmp);
            let mut order: Vec<usize> = (0..plane).collect();
            order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
            order.into_iter().zip(quantiles(&wanted, plane)).for_each(|(place, v)| values[place] = v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar() -> Image {
        Image::from_fn(32, 24, |y, x| {
            let [a, b] = [(y * 7 % 16) as f32 / 16.0, (x * 5 % 16) as f32 / 16.0];
            [0.2 + 0.6 * a, 0.3 * a + 0.4 * b, 0.7 - 0.5 * b]
        })
    }

    /// Means of the channels, and of the products of every two.
    fn moments(planes: &[f32]) -> Vec<f32> {
        let count = planes.len() / 3;
        let plane = |c: usize| &planes[c * count..(c + 1) * count];
        let mean = |v: &mut dyn Iterator<Item = f32>| v.sum::<f32>() / count as f32;
        let means = (0..3).map(|c| mean(&mut plane(c).iter().copied()));
        let pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)];
        let products = pairs.map(|(a, b)| mean(&mut plane(a).iter().zip(plane(b)).map(|(a, b)| a * b)));
        means.chain(products).collect()
    }

    #[test]
    fn noise_has_the_mean_and_covariance_of_the_exemplars_colours() {
        let exemplar = exemplar();
        let canvas = Canvas::noise(std::slice::from_ref(&exemplar), [128, 128], 0, 3);
        let pairs = moments(&canvas.values).into_iter().zip(moments(exemplar.data()));
        for (ours, wanted) in pairs {
            assert!((ours - wanted).abs() < 0.01, "{ours} instead of {wanted}");
        }
    }

    #[test]
    fn doubling_keeps_constants_and_moves_with_a_picture_that_is_shifted_around() {
        let canvas = |values: Vec<f32>| Canvas { values, size: [6, 4], halvings: 1 };
        let flat = canvas(vec![0.3; 72]).doubled();
        assert!(
            flat.values.iter().all(|v| (v - 0.3).abs() < 1e-6) && flat.size == [12, 8] && flat.halvings == 0
        );
        let place = |c: usize, y: usize, x: usize| ((c * 24 + y * 4 + x) as f32 * 0.7).sin();
        let shifted = |dy: usize, dx: usize| {
            let value = |i: usize| place(i / 24, (i / 4 + dy) % 6, (i + dx) % 4);
            canvas((0..72).map(value).collect()).doubled().values
        };
        let (still, moved) = (shifted(0, 0), shifted(5, 3));
        for (i, value) in moved.into_iter().enumerate() {
            let (c, y, x) = (i / 96, (i / 8 + 10) % 12, (i + 6) % 8);
            assert!((value - still[c * 96 + y * 8 + x]).abs() < 1e-6);
        }
    }

    #[test]
    fn a_matched_histogram_is_the_exemplars_and_keeps_the_order() {
        let exemplar = exemplar();
        let mut canvas = Canvas::noise(std::slice::from_ref(&exemplar), [32, 24], 0, 1);
        let before = canvas.values.clone();
        canvas.match_histogram(std::slice::from_ref(&exemplar));
        let sorted = |values: &[f32]| {
            let mut values = values.to_vec();
            values.sort_unstable_by(f32::total_cmp);
            values
        };
        assert_eq!(sorted(&canvas.values[..768]), sorted(&exemplar.data()[..768]));
        let rises = |i: usize, j: usize| before[i] > before[j] || canvas.values[i] <= canvas.values[j];
        assert!((0..767).all(|i| rises(i, i + 1) && rises(i + 1, i)));
    }
}
