//! A discriminator of single places: two convolutions of 1x1 over features.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};

use crate::draw::{Draw, Stream};
use crate::sums::{dot, sum};
use crate::train::adam::{Adam, Moments};

/// Channels between the two convolutions.
const HIDDEN: usize = 32;
/// Length of the weights of the second convolution: how steep scores may be. With 1, faint lines pass.
const STEEPNESS: f32 = 3.0;
/// Slope of the rectifier between them below zero.
const LEAK: f32 = 0.2;
/// How it learns.
const ADAM: Adam = Adam { beta1: 0.5, beta2: 0.99, epsilon: 1e-8 };

/// Tells features of an exemplar, whose scores should be above 1, from those of pictures, which should be below -1.
///
/// The weights of every hidden channel have length 1, those of the score 3, which keeps scores from being too steep.
#[derive(Debug, Clone, PartialEq)]
pub struct Discriminator {
    /// Weights of the first convolution, `[HIDDEN, channels]`, its biases, weights of the second, its bias.
    values: Vec<Vec<f32>>,
    moments: Moments,
}

/// What a discriminator says of features.
pub(super) struct Verdict {
    /// One for each place.
    scores: Vec<f32>,
    /// Between the convolutions, behind the rectifier: `[HIDDEN, places]`.
    hidden: Vec<f32>,
}

impl Verdict {
    /// What it says of some of the places.
    fn at(&self, places: Range<usize>) -> Self {
        let scores = self.scores[places.clone()].to_vec();
        let rows = self.hidden.chunks_exact(self.scores.len());
        Self { scores, hidden: rows.flat_map(|row| &row[places.clone()]).copied().collect() }
    }

    /// How far each score is below that of an exemplar; 0 above it.
    fn lacks(&self) -> impl Iterator<Item = f32> {
        self.scores.iter().map(|score| (1.0 - score).max(0.0))
    }

    /// Half of the mean square of what scores lack: what is worst counts most, and what passes not at all.
    pub(super) fn error(&self) -> f32 {
        0.5 * self.lacks().map(|lack| lack * lack).sum::<f32>() / self.scores.len() as f32
    }
}

impl Discriminator {
    /// With random weights, of features of so many channels.
    pub(crate) fn new(channels: usize, seed: u64) -> Self {
        let mut draw = Draw::new(seed, Stream::Weights, 0);
        let mut random = |count: usize| (0..count).map(|_| draw.normal()).collect();
        let values = vec![random(HIDDEN * channels), vec![0.0; HIDDEN], random(HIDDEN), vec![0.0]];
        let mut this = Self { moments: Moments::new(&values), values };
        this.normalise();
        this
    }

    /// Steps made, and all numbers: values, then the averages of gradients and of their squares.
    pub(crate) fn numbers(&self) -> (u64, Vec<f32>) {
        let Moments { steps, first, second } = &self.moments;
        let lists = [&self.values, first, second];
        (*steps, lists.into_iter().flatten().flatten().copied().collect())
    }

    /// From what [`numbers`](Self::numbers) gave; none if their count is not that of a discriminator.
    pub(crate) fn from_numbers(steps: u64, numbers: &[f32]) -> Option<Self> {
        let channels = (numbers.len() / 3).checked_sub(2 * HIDDEN + 1)? / HIDDEN;
        let sizes = [HIDDEN * channels, HIDDEN, HIDDEN, 1];
        if channels == 0 || numbers.len() != 3 * sizes.iter().sum::<usize>() {
            return None;
        }
        let mut rest = numbers.iter().copied();
        let mut list = || sizes.map(|size| rest.by_ref().take(size).collect()).to_vec();
        Some(Self { values: list(), moments: Moments { steps, first: list(), second: list() } })
    }

    /// The half of so many places that its next step learns from.
    fn half(&self, places: usize) -> Range<usize> {
        let middle = places / 2;
        if self.moments.steps.is_multiple_of(2) { 0..middle } else { middle..places }
    }

    fn normalise(&mut self) {
        let [first, _, second, _] = &mut self.values[..] else { return };
        let channels = first.len() / HIDDEN;
        for weights in first.chunks_exact_mut(channels) {
            set_length(weights, 1.0);
        }
        set_length(second, STEEPNESS);
    }

    fn first(&self, device: &Device) -> Tensor<2> {
        matrix(self.values[0].clone(), device)
    }

    /// What it says of features `[channels, places]`.
    pub(super) fn judge(&self, features: &Tensor<2>) -> Verdict {
        let [_, places] = features.dims();
        let mut hidden = vector(self.first(&features.device()).matmul(features.clone()));
        let mut scores = vec![self.values[3][0]; places];
        let weights = self.values[1].iter().zip(&self.values[2]);
        for (row, (bias, second)) in hidden.chunks_exact_mut(places).zip(weights) {
            for (value, score) in row.iter_mut().zip(&mut scores) {
                let linear = *value + bias;
                *value = linear.max(LEAK * linear);
                *score += second * *value;
            }
        }
        Verdict { scores, hidden }
    }

    /// The gradient to what comes out of the first convolution, `[HIDDEN, places]`, of one to the score of each place.
    fn inner(&self, verdict: &Verdict, outer: &[f32]) -> Vec<f32> {
        let mut inner = verdict.hidden.clone();
        for (row, second) in inner.chunks_exact_mut(outer.len()).zip(&self.values[2]) {
            let [steep, flat] = [*second, LEAK * second];
            for (value, outer) in row.iter_mut().zip(outer) {
                *value = outer * if *value > 0.0 { steep } else { flat };
            }
        }
        inner
    }

    /// The gradient of the error to all features, `[channels, places]`.
    pub(super) fn gradient(&self, verdict: &Verdict, device: &Device) -> Tensor<2> {
        let places = verdict.scores.len() as f32;
        let outer: Vec<f32> = verdict.lacks().map(|lack| -lack / places).collect();
        let inner = self.inner(verdict, &outer);
        self.first(device).transpose().matmul(matrix(inner, device))
    }

    /// The gradient of the mean hinge `max(0, 1 - sign * score)` to all values.
    fn hinge(&self, features: &Tensor<2>, verdict: &Verdict, sign: f32) -> Vec<Vec<f32>> {
        let places = verdict.scores.len();
        let outer = |score: &f32| if sign * score < 1.0 { -sign / places as f32 } else { 0.0 };
        let outer: Vec<f32> = verdict.scores.iter().map(outer).collect();
        let inner = self.inner(verdict, &outer);
        let sums = inner.chunks_exact(places).map(sum).collect();
        let second = verdict.hidden.chunks_exact(places).map(|row| dot(row, &outer)).collect();
        let first = matrix(inner, &features.device()).matmul(features.clone().transpose());
        vec![vector(first), sums, second, vec![sum(&outer)]]
    }

    /// One step of this size towards telling an exemplar's features from a picture's, of which it has said something.
    /// Halves of the places take turns, which costs half and teaches as much.
    pub(super) fn learn(
        &mut self,
        exemplar: &Tensor<2>,
        picture: &Tensor<2>,
        of_picture: &Verdict,
        rate: f32,
    ) {
        let [real, painted] = [exemplar, picture].map(|all| self.half(all.dims()[1]));
        let exemplar = exemplar.clone().slice_dim(1, real);
        let picture = picture.clone().slice_dim(1, painted.clone());
        let mut gradients = self.hinge(&exemplar, &self.judge(&exemplar), 1.0);
        let of_picture = self.hinge(&picture, &of_picture.at(painted), -1.0);
        let pairs = gradients.iter_mut().flatten().zip(of_picture.iter().flatten());
        pairs.for_each(|(sum, gradient)| *sum += gradient);
        ADAM.step(&mut self.values, &gradients, &mut self.moments, rate);
        self.normalise();
    }
}

/// Makes weights so long.
fn set_length(weights: &mut [f32], length: f32) {
    let factor = length / weights.iter().map(|w| w * w).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    weights.iter_mut().for_each(|w| *w *= factor);
}

fn matrix(values: Vec<f32>, device: &Device) -> Tensor<2> {
    let columns = values.len() / HIDDEN;
    Tensor::from_data(TensorData::new(values, [HIDDEN, columns]), device)
}

fn vector(matrix: Tensor<2>) -> Vec<f32> {
    matrix.into_data().convert::<f32>().try_into_vec().expect("values that were just converted")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNELS: usize = 5;
    const PLACES: usize = 40;

    /// Features around a mean.
    fn features(seed: u64, mean: f32) -> Vec<f32> {
        let mut draw = Draw::new(seed, Stream::Noise, 0);
        (0..CHANNELS * PLACES).map(|i| mean * (i / PLACES) as f32 + draw.normal()).collect()
    }

    fn tensor(values: &[f32]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [CHANNELS, PLACES]), &Device::flex())
    }

    fn score(discriminator: &Discriminator, values: &[f32]) -> f32 {
        discriminator.judge(&tensor(values)).scores.iter().sum::<f32>() / PLACES as f32
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_error() {
        let (discriminator, values) = (Discriminator::new(CHANNELS, 3), features(1, 0.3));
        let verdict = discriminator.judge(&tensor(&values));
        let gradient = vector(discriminator.gradient(&verdict, &Device::flex()));
        for i in [0, 57, 111, 199] {
            let moved = |by: f32| {
                let mut values = values.clone();
                values[i] += by;
                discriminator.judge(&tensor(&values)).error()
            };
            let slope = (moved(0.01) - moved(-0.01)) / 0.02;
            assert!((slope - gradient[i]).abs() < 2e-4, "{i}: {slope} {}", gradient[i]);
        }
    }

    #[test]
    fn the_gradient_of_the_hinge_is_its_slope() {
        let (discriminator, values) = (Discriminator::new(CHANNELS, 3), features(1, 0.3));
        let hinge = |discriminator: &Discriminator, sign: f32| {
            let verdict = discriminator.judge(&tensor(&values));
            let hinges = verdict.scores.iter().map(|score| (1.0 - sign * score).max(0.0));
            hinges.sum::<f32>() / PLACES as f32
        };
        for sign in [1.0, -1.0] {
            let verdict = discriminator.judge(&tensor(&values));
            let gradients = discriminator.hinge(&tensor(&values), &verdict, sign);
            for (list, i) in [(0, 3), (0, 101), (1, 7), (2, 20), (3, 0)] {
                let moved = |by: f32| {
                    let mut other = discriminator.clone();
                    other.values[list][i] += by;
                    hinge(&other, sign)
                };
                let slope = (moved(2e-3) - moved(-2e-3)) / 4e-3;
                let found = gradients[list][i];
                assert!((slope - found).abs() < 2e-3 * (1.0 + found.abs()), "{list} {i}: {slope} {found}");
            }
        }
    }

    #[test]
    fn it_learns_to_tell_features_apart_and_cannot_where_they_are_alike() {
        let apart = |mean: f32| {
            let mut discriminator = Discriminator::new(CHANNELS, 3);
            let fresh = |seed: u64, mean: f32| tensor(&features(seed, mean));
            for step in 0..300 {
                let picture = fresh(2 * step, 0.0);
                let verdict = discriminator.judge(&picture);
                discriminator.learn(&fresh(2 * step + 1, mean), &picture, &verdict, 0.002);
            }
            score(&discriminator, &features(1001, mean)) - score(&discriminator, &features(1000, 0.0))
        };
        let [other, same] = [0.7, 0.0].map(apart);
        assert!(other > 1.5 && same.abs() < 0.5, "{other} {same}");
    }

    #[test]
    fn numbers_bring_it_back_and_others_are_refused() {
        let mut discriminator = Discriminator::new(CHANNELS, 3);
        let picture = tensor(&features(1, 0.0));
        discriminator.learn(&tensor(&features(2, 0.5)), &picture, &discriminator.judge(&picture), 0.002);
        let (steps, numbers) = discriminator.numbers();
        assert_eq!(Discriminator::from_numbers(steps, &numbers), Some(discriminator));
        for count in [0, 1, 3 * (2 * HIDDEN + 1), numbers.len() - 3] {
            assert_eq!(Discriminator::from_numbers(steps, &numbers[..count]), None, "{count}");
        }
    }
}
