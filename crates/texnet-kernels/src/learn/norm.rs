//! Normalisation with live statistics, its scale and shift, and the activation after it, as one operation.
//!
//! `out = activation(gamma * (x - mean) / sqrt(variance + epsilon) + beta)` on planes `[n, channels, height, width]`,
//! with the moments of each plane (instance norm, Ulyanov et al. 2017) or of a channel over the batch (batch norm,
//! Ioffe and Szegedy 2015).

use fearless_simd::Level;
use rayon::prelude::*;

use super::sums::{sum, sum_of};
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

/// What the gradient needs of the forward pass.
#[derive(Debug, Clone)]
pub struct Saved {
    /// `(x - mean) / sqrt(variance + epsilon)`.
    pub normalised: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)` of every plane.
    pub inverse: Vec<f32>,
}

impl Saved {
    /// Its slices.
    #[must_use]
    pub fn as_slices(&self) -> Normalised<'_> {
        Normalised { values: &self.normalised, inverse: &self.inverse }
    }
}

/// [`Saved`], borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Normalised<'a> {
    /// `(x - mean) / sqrt(variance + epsilon)`.
    pub values: &'a [f32],
    /// `1 / sqrt(variance + epsilon)` of every plane.
    pub inverse: &'a [f32],
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
pub fn forward(level: Level, shape: NormShape, x: &[f32], gamma: &[f32], beta: &[f32]) -> (Vec<f32>, Saved) {
    let moments: Vec<[f64; 2]> = x
        .par_chunks_exact(shape.plane)
        .map(|x| {
            vectorized(
                level,
                #[inline(always)]
                || plane_moments(x),
            )
        })
        .collect();
    let moments = pooled(shape, moments);
    let inverse: Vec<f32> = moments.iter().map(|m| (1.0 / (m[1] + shape.epsilon).sqrt()) as f32).collect();
    let (mut out, mut normalised) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let planes = out.par_chunks_exact_mut(shape.plane).zip(normalised.par_chunks_exact_mut(shape.plane));
    planes.zip(x.par_chunks_exact(shape.plane)).enumerate().for_each(|(i, ((out, normalised), x))| {
        let c = i % shape.channels;
        let affine = Affine { scale: gamma[c], shift: beta[c], slope: shape.slope.unwrap_or(1.0) };
        let (mean, inverse) = (moments[i][0] as f32, inverse[i]);
        vectorized(
            level,
            #[inline(always)]
            || apply(affine, mean, inverse, x, normalised, out),
        );
    });
    (out, Saved { normalised, inverse })
}

/// The gradients from that to the result.
#[must_use]
pub fn backward(
    level: Level,
    shape: NormShape,
    saved: Normalised<'_>,
    gamma: &[f32],
    beta: &[f32],
    gradient: &[f32],
) -> Gradients {
    let affine = |i: usize| {
        let c = i % shape.channels;
        Affine { scale: gamma[c], shift: beta[c], slope: shape.slope.unwrap_or(1.0) }
    };
    let planes = gradient.par_chunks_exact(shape.plane).zip(saved.values.par_chunks_exact(shape.plane));
    let sums: Vec<[f64; 2]> = planes
        .enumerate()
        .map(|(i, (g, normalised))| {
            vectorized(
                level,
                #[inline(always)]
                || plane_sums(affine(i), g, normalised),
            )
        })
        .collect();
    let [beta_gradient, gamma_gradient] = [0, 1].map(|part| per_channel(shape, &sums, part));
    let means = pooled_sums(shape, &sums);
    let mut x = vec![0.0; gradient.len()];
    let planes = x.par_chunks_exact_mut(shape.plane).zip(gradient.par_chunks_exact(shape.plane));
    planes.zip(saved.values.par_chunks_exact(shape.plane)).enumerate().for_each(
        |(i, ((x, g), normalised))| {
            let affine = affine(i);
            let factor = affine.scale * saved.inverse[i];
            let [mean, slope] = means[i].map(|m| m as f32);
            vectorized(
                level,
                #[inline(always)]
                || apply_gradient(affine, factor, [mean, slope], g, normalised, x),
            );
        },
    );
    Gradients { x, gamma: gamma_gradient, beta: beta_gradient }
}

/// Scale and shift, then the activation; a slope of 1 is none.
#[derive(Clone, Copy)]
struct Affine {
    scale: f32,
    shift: f32,
    slope: f32,
}

impl Affine {
    /// The derivative of the activation times `gradient`.
    #[inline(always)]
    fn through_activation(self, gradient: f32, normalised: f32) -> f32 {
        let before = normalised.mul_add(self.scale, self.shift);
        if before > 0.0 { gradient } else { gradient * self.slope }
    }
}

#[inline(always)]
fn plane_moments(x: &[f32]) -> [f64; 2] {
    let count = x.len() as f64;
    let mean = sum(x) / count;
    let centre = mean as f32;
    let [first, second] = [
        sum_of(x.len(), |i| x[i] - centre) / count,
        sum_of(x.len(), |i| (x[i] - centre) * (x[i] - centre)) / count,
    ];
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

#[inline(always)]
fn apply(affine: Affine, mean: f32, inverse: f32, x: &[f32], normalised: &mut [f32], out: &mut [f32]) {
    for i in 0..x.len().min(out.len()).min(normalised.len()) {
        let value = (x[i] - mean) * inverse;
        normalised[i] = value;
        let value = value.mul_add(affine.scale, affine.shift);
        out[i] = value.max(affine.slope * value);
    }
}

/// Sums of the gradient before the activation, and of it times the normalised values.
#[inline(always)]
fn plane_sums(affine: Affine, g: &[f32], normalised: &[f32]) -> [f64; 2] {
    let through = |i: usize| affine.through_activation(g[i], normalised[i]);
    [sum_of(g.len(), through), sum_of(g.len(), |i| through(i) * normalised[i])]
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

#[inline(always)]
fn apply_gradient(
    affine: Affine,
    factor: f32,
    [mean, slope]: [f32; 2],
    g: &[f32],
    normalised: &[f32],
    x: &mut [f32],
) {
    for i in 0..x.len().min(g.len()).min(normalised.len()) {
        let through = affine.through_activation(g[i], normalised[i]);
        x[i] = factor * (through - mean - normalised[i] * slope);
    }
}
