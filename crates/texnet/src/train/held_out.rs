//! The held-out score: the objective on noise and filters that stay the same all through a run.

use burn::tensor::{Device, Tensor};

use crate::generator::{Generator, Parameters};
use crate::loss::{Objective, total};

/// Pictures that are scored.
const PICTURES: u64 = 4;
/// Draws of filters, each on a picture of its own, counted down from the largest step.
const FIRST_STEP: u64 = 1 << 50;
/// Seeds that no step draws: those have 48 bits.
const FIRST_SEED: u64 = 1 << 60;

/// The mean objective over fixed pictures.
pub(crate) fn score(
    generator: &Generator,
    parameters: &Parameters,
    objective: &Objective,
    size: [usize; 2],
    device: &Device,
) -> f32 {
    let leaves = parameters.leaves(device);
    mean(objective, |i| {
        let noise = generator.noise(&[FIRST_SEED + i], size, device);
        generator.forward(&leaves, &noise, None)
    })
}

/// The mean objective over the draws of filters that no step makes, of one picture for each.
pub(crate) fn mean(objective: &Objective, picture: impl Fn(u64) -> Tensor<4>) -> f32 {
    let of_picture = |i: u64| {
        let sum = total(&objective.terms(&picture(i), FIRST_STEP + i));
        sum.map_or(0.0, |sum| sum.into_scalar::<f32>())
    };
    (0..PICTURES).map(of_picture).sum::<f32>() / PICTURES as f32
}
