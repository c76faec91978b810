//! Whether a picture shows a photograph, without any network: their brightness is compared window by window.
//!
//! Within a window brightness may be stretched and shifted, as a painter would; what counts is the correlation (the
//! normalised cross-correlation of stereo matching), and only where the photograph has contrast. Flat parts are free,
//! and that is where a style puts its strokes. Windows are of one size at every level of a Gaussian pyramid, so that
//! they see edges as well as masses of light and dark.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use texnet_infer::image::BRIGHTNESS;
use texnet_kernels::Border;
use texnet_kernels::learn::pyramid;
use thiserror::Error;

use super::host::{HostLoss, Measured};
use crate::photographs::Photographs;
use crate::profile::{Work, measured};

/// What is kept of a photograph. With VGG-19 as the teacher its features are compared, and the weight alone matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorrelationConfig {
    /// Weight of the loss.
    pub weight: f32,
    /// Share of every level of the pyramid, the picture itself the first.
    pub levels: Vec<f32>,
    /// Rows and columns of a window, odd.
    pub window: usize,
    /// Contrast, as a variance of brightness in `[0, 1]`, of which half of the correlation counts.
    pub contrast: f32,
}

impl Default for CorrelationConfig {
    fn default() -> Self {
        Self { weight: 1.0, levels: vec![0.0, 0.1, 0.5, 1.0, 1.0], window: 7, contrast: 1e-3 }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct CorrelationError(String);

impl CorrelationConfig {
    /// Without the levels at which pictures of this side are smaller than a window.
    pub(crate) fn fit(&mut self, side: usize) {
        let levels = (0..self.levels.len()).take_while(|level| side >> level >= self.window).count();
        self.levels.truncate(levels);
    }

    /// Says what is wrong with the numbers, for pictures of this side.
    ///
    /// # Errors
    /// One sentence: what was given, what is allowed.
    pub fn validate(&self, side: usize) -> Result<(), CorrelationError> {
        let coarsest = side >> self.levels.len().saturating_sub(1);
        let positive = |value: f32| value >= 0.0 && value.is_finite();
        if self.window.is_multiple_of(2) || self.window > coarsest || self.levels.is_empty() {
            return Err(CorrelationError(format!(
                "content.window is {} for {} levels of pictures of {side}, but an odd number of up to {coarsest}, the \
                 side of the last of one level or more, is needed",
                self.window,
                self.levels.len()
            )));
        }
        if !positive(self.weight) || !self.levels.iter().copied().all(positive) || self.contrast <= 0.0 {
            return Err(CorrelationError(format!(
                "content.weight is {}, content.levels {:?} and content.contrast {}, but weights from 0 on and a contrast \
                 above 0 are needed",
                self.weight, self.levels, self.contrast
            )));
        }
        Ok(())
    }
}

/// `weight` times the mean over levels, by their shares, and pixels of `confidence * (1 - correlation)`.
#[derive(Debug)]
pub struct LocalCorrelation {
    config: CorrelationConfig,
    photographs: Arc<Photographs>,
}

impl LocalCorrelation {
    /// The loss against the photographs of each step.
    #[must_use]
    pub fn new(config: CorrelationConfig, photographs: Arc<Photographs>) -> Self {
        Self { config, photographs }
    }
}

impl CorrelationConfig {
    /// The loss of a batch `[n, 3, height, width]` against photographs of the same shape, and its gradient.
    fn measure(&self, pictures: &[f32], photographs: &[f32], size: [usize; 2]) -> Measured {
        let pixels = size[0] * size[1];
        let pairs = pictures.par_chunks_exact(3 * pixels).zip(photographs.par_chunks_exact(3 * pixels));
        let one = |(picture, photograph): (&[f32], &[f32])| {
            self.compare(brightness(picture), brightness(photograph), size)
        };
        let shares: Vec<(f32, Vec<f32>)> = pairs.map(one).collect();
        let count = shares.len() as f32;
        let value = shares.iter().map(|(value, _)| value).sum::<f32>() / count;
        let colours = |gradient: Vec<f32>| {
            BRIGHTNESS
                .into_iter()
                .flat_map(move |b| gradient.iter().map(|g| g * b / count).collect::<Vec<_>>())
        };
        Measured { value, gradient: shares.into_iter().flat_map(|(_, g)| colours(g)).collect() }
    }

    /// Brightness against brightness at all levels.
    fn compare(&self, mut ours: Vec<f32>, mut theirs: Vec<f32>, size: [usize; 2]) -> (f32, Vec<f32>) {
        let total: f32 = self.levels.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let at = |level: usize| size.map(|side| side >> level);
        let (mut value, mut gradients) = (0.0, Vec::new());
        for (level, share) in self.levels.iter().enumerate() {
            if level > 0 {
                [ours, theirs] = [ours, theirs].map(|p| pyramid::reduce(&p, at(level - 1), Border::Circular));
            }
            let (v, gradient) = self.correlate(&ours, &theirs, at(level), self.weight * share / total);
            value += v;
            gradients.push(gradient);
        }
        (value, gathered(gradients, size))
    }

    /// The share of one level.
    fn correlate(&self, a: &[f32], b: &[f32], size: [usize; 2], weight: f32) -> (f32, Vec<f32>) {
        let mean = |values: &[f32]| window_mean(values, size, self.window);
        let floor = self.contrast;
        let [mean_a, mean_b] = [a, b].map(mean);
        let [aa, bb, ab] = [(a, a), (b, b), (a, b)].map(|(a, b)| mean(&product(a, b)));
        let scale = weight / a.len() as f32;
        // Gradients to the covariance and to the variance of a, window by window.
        let (mut to_covariance, mut to_variance) = (vec![0.0; a.len()], vec![0.0; a.len()]);
        let mut sum = 0.0;
        for i in 0..a.len() {
            let variance = |square: f32, mean: f32| (square - mean * mean).max(0.0);
            let (va, vb) = (variance(aa[i], mean_a[i]), variance(bb[i], mean_b[i]));
            let covariance = ab[i] - mean_a[i] * mean_b[i];
            let confidence = vb / (vb + floor);
            let root = ((va + floor) * (vb + floor)).sqrt();
            sum += f64::from(confidence * (1.0 - covariance / root));
            to_covariance[i] = -scale * confidence / root;
            to_variance[i] = 0.5 * scale * confidence * covariance / (root * (va + floor));
        }
        let spread = [mean(&to_covariance), mean(&product(&to_covariance, &mean_b))];
        let widened = [mean(&to_variance), mean(&product(&to_variance, &mean_a))];
        let gradient =
            |i: usize| b[i] * spread[0][i] - spread[1][i] + 2.0 * (a[i] * widened[0][i] - widened[1][i]);
        (scale * sum as f32, (0..a.len()).map(gradient).collect())
    }
}

fn product(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

fn brightness(rgb: &[f32]) -> Vec<f32> {
    let (red, rest) = rgb.split_at(rgb.len() / 3);
    let (green, blue) = rest.split_at(red.len());
    let [r, g, b] = BRIGHTNESS;
    red.iter().zip(green).zip(blue).map(|((x, y), z)| r * x + g * y + b * z).collect()
}

/// Means over windows of `side * side` pixels around each pixel of a torus; its own adjoint.
fn window_mean(plane: &[f32], [height, width]: [usize; 2], side: usize) -> Vec<f32> {
    let reach = side as isize / 2;
    let place = |i: isize, of: usize| i.rem_euclid(of as isize) as usize;
    let mut columns = vec![0.0; plane.len()];
    for (y, sums) in columns.chunks_exact_mut(width).enumerate() {
        for shift in -reach..=reach {
            let row = place(y as isize + shift, height);
            let row = &plane[row * width..(row + 1) * width];
            sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
        }
    }
    let share = 1.0 / (side * side) as f32;
    let mut out = Vec::with_capacity(plane.len());
    let mut wide = Vec::new();
    for row in columns.chunks_exact(width) {
        wide.clear();
        wide.extend((-reach..width as isize + reach).map(|x| row[place(x, width)]));
        out.extend(wide.windows(side).map(|window| share * window.iter().sum::<f32>()));
    }
    out
}

/// The gradient to the finest level from those to all.
fn gathered(mut gradients: Vec<Vec<f32>>, size: [usize; 2]) -> Vec<f32> {
    while gradients.len() > 1 {
        let coarse = gradients.pop().unwrap_or_default();
        let level = gradients.len() - 1;
        let size = size.map(|side| side >> level);
        pyramid::reduce_adjoint(&coarse, size, Border::Circular, &mut gradients[level]);
    }
    gradients.pop().unwrap_or_else(|| vec![0.0; size[0] * size[1]])
}

impl HostLoss for LocalCorrelation {
    fn name(&self) -> &'static str {
        "content"
    }

    /// The loss of a step's batch `[n, 3, side, side]`, and its gradient.
    fn measure(&self, pictures: &[f32], step: u64) -> Measured {
        let weight = self.config.weight * self.photographs.weight(step);
        let config = CorrelationConfig { weight, ..self.config.clone() };
        // Three products and eleven window means a level, each of two times seven sums.
        let work = Work::new(pictures.len() * 70, pictures.len() * 20);
        let size = [self.photographs.size(); 2];
        measured("content", work, || config.measure(pictures, &self.photographs.crops(step), size))
    }
}

#[cfg(test)]
mod tests {
    use texnet_infer::Image;

    use super::*;
    use crate::loss::golden::{self, Golden};

    const SIDE: usize = 32;

    fn loss(levels: &[f32]) -> LocalCorrelation {
        let photograph = Image::from_fn(40, 50, |y, x| {
            let wave = (0.9 * y as f32).sin() * (0.7 * x as f32 + 0.01 * (x * y) as f32).cos();
            [0.5 + 0.4 * wave, 0.5 + 0.3 * wave, 0.3 + 0.01 * x as f32]
        });
        let config = CorrelationConfig { levels: levels.into(), ..CorrelationConfig::default() };
        LocalCorrelation::new(config, Arc::new(Photographs::new(&[photograph], SIDE, 2, 3)))
    }

    #[test]
    fn a_photograph_shows_itself_in_any_contrast_and_its_negative_does_not() {
        let loss = loss(&[1.0, 1.0]);
        let value = |change: fn(f32) -> f32| {
            let pictures: Vec<f32> = loss.photographs.crops(0).into_iter().map(change).collect();
            loss.measure(&pictures, 0).value
        };
        let [itself, stretched, flat, negative] =
            [value(|v| v), value(|v| 0.1 + 1.5 * v), value(|_| 0.5), value(|v| 1.0 - v)];
        assert!(itself < 0.1 && stretched < 0.1, "{itself} {stretched}");
        assert!(flat > 8.0 * itself && negative > 1.8 * flat, "{itself} {flat} {negative}");
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let loss = loss(&[0.3, 1.0, 0.7]);
        let crops = loss.photographs.crops(0).into_iter().enumerate();
        let pictures: Vec<f32> = crops.map(|(i, v)| 0.7 * v + 0.2 * (i as f32 * 1.3).sin()).collect();
        let slope = golden::relative_slope(&pictures, 1e-3, |pictures| loss.measure(pictures, 0));
        assert!((slope - 1.0).abs() < 2e-3, "{slope}");
    }

    #[test]
    fn value_and_gradient_are_those_of_torch() {
        let config = CorrelationConfig { weight: 0.5, levels: vec![0.4, 1.0], window: 5, contrast: 1e-3 };
        let [ours, theirs] = [2, 3].map(|tensor| golden::picture(tensor, golden::PICTURE));
        let measured = config.measure(ours.data(), theirs.data(), golden::PICTURE);
        Golden::read().compare("correlation", &measured);
    }

    #[test]
    fn a_step_is_the_same_on_any_number_of_threads_and_no_other_steps() {
        let loss = loss(&[1.0, 1.0]);
        let pictures: Vec<f32> = (0..2 * 3 * SIDE * SIDE).map(|i| (i % 17) as f32 / 17.0).collect();
        golden::assert_repeatable(|step| loss.measure(&pictures, step));
    }

    #[test]
    fn window_means_are_those_of_plain_loops() {
        let (height, width, side) = (5, 7, 3);
        let plane: Vec<f32> = (0..35).map(|i| ((i * 11) % 17) as f32).collect();
        let means = window_mean(&plane, [height, width], side);
        for y in 0..height {
            for x in 0..width {
                let at = |dy: usize, dx: usize| {
                    plane[(y + height + dy - 1) % height * width + (x + width + dx - 1) % width]
                };
                let sum: f32 = (0..9).map(|i| at(i / 3, i % 3)).sum();
                assert!((means[y * width + x] - sum / 9.0).abs() < 1e-5);
            }
        }
    }
}
