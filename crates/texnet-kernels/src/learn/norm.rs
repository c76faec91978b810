//! Normalisation with live statistics, its scale and shift, and the activation after it, as one operation.
//!
//! `out = activation(gamma * (x - mean) / sqrt(variance + epsilon) + beta)` on planes `[n, channels, height, width]`,
//! with the moments of each plane (instance norm, Ulyanov et al. 2017) or of a channel over the batch (batch norm,
//! Ioffe and Szegedy 2015).

use fearless_simd::Level;
use rayon::prelude::*;

use super::sums::{sum, sums_of};
use crate::vectorized;

/// What the moments are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Each picture.
    Instance,
    /// All pictures of the batch.
    Batch,
}

/// Shape and constants of a normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormShape {
    /// Channels.
    pub channels: usize,
    /// Values of a plane.
    pub plane: usize,
    /// What the moments are taken over.
    pub group: Group,
    /// Added to the variance.
    pub epsilon: f64,
    /// Slope of the activation below zero; none when absent.
    pub slope: Option<f32>,
}

/// What the gradient needs of the forward pass besides the features: numbers of every plane.
#[derive(Debug, Clone, Default)]
pub struct Moments {
    /// The mean.
    pub mean: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    pub inverse: Vec<f32>,
}

/// The gradients of a normalisation.
#[derive(Debug, Clone)]
pub struct Gradients {
    /// To the features.
    pub x: Vec<f32>,
    /// To the scale, `[channels]`.
    pub gamma: Vec<f32>,
    /// To the shift, `[channels]`.
    pub beta: Vec<f32>,
}

/// The result, and what its gradient needs.
#[must_use]
pub fn forward(
    level: Level,
    shape: NormShape,
    x: &[f32],
    gamma: &[f32],
    beta: &[f32],
) -> (Vec<f32>, Moments) {
    let of_plane = |x| {
        vectorized(
            level,
            #[inline(always)]
            || plane_moments(x),
        )
    };
    let moments = pooled(shape, x.par_chunks_exact(shape.plane).map(of_plane).collect());
    let moments = Moments {
        mean: moments.iter().map(|m| m[0] as f32).collect(),
        inverse: moments.iter().map(|m| (1.0 / (m[1] + shape.epsilon).sqrt()) as f32).collect(),
    };
    let mut out = vec![0.0; x.len()];
    let planes = out.par_chunks_exact_mut(shape.plane).zip(x.par_chunks_exact(shape.plane));
    planes.enumerate().for_each(|(i, (out, x))| {
        let plane = Plane::new(shape, &moments, [gamma, beta], i);
        vectorized(
            level,
            #[inline(always)]
            || x.iter().zip(out).for_each(|(x, out)| *out = plane.apply(*x)),
        );
    });
    (out, moments)
}

/// The gradients from that to the result.
#[must_use]
pub fn backward(
    level: Level,
    shape: NormShape,
    [x, gamma, beta]: [&[f32]; 3],
    moments: &Moments,
    gradient: &[f32],
) -> Gradients {
    let plane = |i: usize| Plane::new(shape, moments, [gamma, beta], i);
    let planes = gradient.par_chunks_exact(shape.plane).zip(x.par_chunks_exact(shape.plane));
    let of_plane = |(i, (g, x)): (usize, (&[f32], &[f32]))| {
        vectorized(
            level,
            #[inline(always)]
            || plane(i).sums(g, x),
        )
    };
    let sums: Vec<[f64; 2]> = planes.clone().enumerate().map(of_plane).collect();
    let [beta, gamma] = [0, 1].map(|part| per_channel(shape, &sums, part));
    let means = pooled_sums(shape, &sums);
    let mut to_x = vec![0.0; gradient.len()];
    to_x.par_chunks_exact_mut(shape.plane).zip(planes).enumerate().for_each(|(i, (to_x, (g, x)))| {
        let (plane, means) = (plane(i), means[i].map(|m| m as f32));
        vectorized(
            level,
            #[inline(always)]
            || {
                to_x.iter_mut()
                    .zip(g.iter().zip(x))
                    .for_each(|(to_x, (g, x))| *to_x = plane.gradient(means, *g, *x))
            },
        );
    });
    Gradients { x: to_x, gamma, beta }
}

/// What happens to the values of one plane.
#[derive(Clone, Copy)]
struct Plane {
    mean: f32,
    inverse: f32,
    scale: f32,
    shift: f32,
    /// Of the activation below zero; 1 is no activation.
    slope: f32,
}

impl Plane {
    fn new(shape: NormShape, moments: &Moments, [gamma, beta]: [&[f32]; 2], i: usize) -> Self {
        let c = i % shape.channels;
        Self {
            mean: moments.mean[i],
            inverse: moments.inverse[i],
            scale: gamma[c],
            shift: beta[c],
            slope: shape.slope.unwrap_or(1.0),
        }
    }

    #[inline(always)]
    fn normalised(self, x: f32) -> f32 {
        (x - self.mean) * self.inverse
    }

    #[inline(always)]
    fn apply(self, x: f32) -> f32 {
        let value = self.normalised(x).mul_add(self.scale, self.shift);
        value.max(self.slope * value)
    }

    /// The derivative of the activation times `gradient`.
    #[inline(always)]
    fn through_activation(self, gradient: f32, normalised: f32) -> f32 {
        let before = normalised.mul_add(self.scale, self.shift);
        if before > 0.0 { gradient } else { gradient * self.slope }
    }

    /// Sums of the gradient before the activation, and of it times the normalised values.
    #[inline(always)]
    fn sums(self, g: &[f32], x: &[f32]) -> [f64; 2] {
        sums_of(
            [g, x],
            #[inline(always)]
            |[g, x]| {
                let normalised = self.normalised(x);
                let through = self.through_activation(g, normalised);
                [through, through * normalised]
            },
        )
    }

    /// The gradient to a value, with the means of [`Plane::sums`].
    #[inline(always)]
    fn gradient(self, [mean, slope]: [f32; 2], g: f32, x: f32) -> f32 {
        let normalised = self.normalised(x);
        let through = self.through_activation(g, normalised);
        self.scale * self.inverse * (through - mean - normalised * slope)
    }
}

#[inline(always)]
fn plane_moments(x: &[f32]) -> [f64; 2] {
    let count = x.len() as f64;
    let mean = sum(x) / count;
    let centre = mean as f32;
    let [first, second] = sums_of(
        [x],
        #[inline(always)]
        |[x]| [x - centre, (x - centre) * (x - centre)],
    )
    .map(|sum| sum / count);
    // The centre was rounded.
    [mean, (second - first * first).max(0.0)]
}

/// Moments of what each plane is normalised with.
fn pooled(shape: NormShape, moments: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    if shape.group == Group::Instance {
        return moments;
    }
    let batch = (moments.len() / shape.channels) as f64;
    let channel = |c: usize| {
        let of_channel = || moments.iter().skip(c).step_by(shape.channels);
        let mean = of_channel().map(|m| m[0]).sum::<f64>() / batch;
        [mean, of_channel().map(|m| m[1] + (m[0] - mean).powi(2)).sum::<f64>() / batch]
    };
    let channels: Vec<[f64; 2]> = (0..shape.channels).map(channel).collect();
    (0..moments.len()).map(|i| channels[i % shape.channels]).collect()
}

fn per_channel(shape: NormShape, sums: &[[f64; 2]], part: usize) -> Vec<f32> {
    let channel = |c: usize| sums.iter().skip(c).step_by(shape.channels).map(|s| s[part]).sum::<f64>() as f32;
    (0..shape.channels).map(channel).collect()
}

/// Means of the sums over what each plane was normalised with.
fn pooled_sums(shape: NormShape, sums: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let count = shape.plane as f64;
    match shape.group {
        Group::Instance => sums.iter().map(|s| s.map(|v| v / count)).collect(),
        Group::Batch => {
            let count = count * (sums.len() / shape.channels) as f64;
            let total = |c: usize, part: usize| {
                sums.iter().skip(c).step_by(shape.channels).map(|s| s[part]).sum::<f64>() / count
            };
            let channels: Vec<[f64; 2]> = (0..shape.channels).map(|c| [total(c, 0), total(c, 1)]).collect();
            (0..sums.len()).map(|i| channels[i % shape.channels]).collect()
        }
    }
}
