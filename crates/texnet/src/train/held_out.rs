//! The held-out score: the objective on noise and filters that stay the same all through a run.

use burn::tensor::{Device, Tensor};

use super::part::Part;
use crate::generator::Parameters;
use crate::loss::{HELD_OUT, Objective, total};

/// Pictures that are scored.
const PICTURES: u64 = 4;
/// Seeds that no step draws: those have 48 bits.
const FIRST_SEED: u64 = 1 << 60;

/// The mean objective over fixed pictures.
pub(super) fn score(part: &Part, parameters: &Parameters, device: &Device) -> f32 {
    let leaves = parameters.leaves(device);
    let batch = part.stage.config.batch as u64;
    mean(&part.objective, |i| {
        // The photographs of a step are as many as its pictures; noise alone is drawn for one.
        let seeds: Vec<u64> = match part.stage.spec.content {
            true => (0..batch).map(|j| FIRST_SEED + i * batch + j).collect(),
            false => vec![FIRST_SEED + i],
        };
        part.paint(&leaves, &seeds, HELD_OUT + i, device)
    })
}

/// The mean objective over the draws of filters that no step makes, of one picture for each.
pub(crate) fn mean(objective: &Objective, picture: impl Fn(u64) -> Tensor<4>) -> f32 {
    let of_picture = |i: u64| {
        let sum = total(&objective.terms(&picture(i), HELD_OUT + i));
        sum.map_or(0.0, |sum| sum.into_scalar::<f32>())
    };
    (0..PICTURES).map(of_picture).sum::<f32>() / PICTURES as f32
}
