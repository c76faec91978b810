//! The loop: pairs of views, contrast, gradient, step.

use anyhow::ensure;
use burn::tensor::{Device, Tensor};
use texnet::generator::Parameters;
use texnet::train::adam::Moments;
use texnet::train::schedule::Schedule;
use texnet::train::{Descent, Optimiser};

use crate::contrast::contrasts;
use crate::crops::Source;
use crate::net::{TAPS, pictures};

/// Decay of the averages that are reported.
const REMEMBERED: f32 = 0.98;

/// How a network is trained.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) steps: u64,
    pub(crate) rate: f32,
    pub(crate) optimiser: Optimiser,
}

/// How well textures are told apart at each depth, lately.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) step: u64,
    pub(crate) loss: f32,
    pub(crate) accuracy: [f32; TAPS.len()],
}

/// Trains for all steps; `on_step` sees the parameters after each.
pub(crate) fn learn(
    recipe: Recipe,
    source: &Source,
    parameters: &mut Parameters,
    mut on_step: impl FnMut(&Parameters, Progress) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let device = Device::flex().autodiff();
    let schedule = Schedule { rate: recipe.rate, ..Schedule::default() };
    let descent = Descent { optimiser: recipe.optimiser, beta1: 0.9, beta2: 0.99 };
    let mut moments = Moments::new(&parameters.values);
    let mut progress = Progress { step: 0, loss: 0.0, accuracy: [0.0; TAPS.len()] };
    let mut next = source.batch(0);
    for step in 0..recipe.steps {
        let batch = std::mem::take(&mut next);
        let (gradients, ahead) =
            rayon::join(|| gradients(parameters, batch, &device, &mut progress), || source.batch(step + 1));
        next = ahead;
        ensure!(progress.loss.is_finite(), "the loss is not finite at step {step}: choose a smaller --rate");
        let rate = schedule.at(step, recipe.steps);
        descent.step(parameters, gradients, &mut moments, rate);
        progress.step = step + 1;
        on_step(parameters, progress)?;
    }
    Ok(())
}

/// The gradient of the sum over all depths to every parameter.
fn gradients(
    parameters: &Parameters,
    batch: Vec<f32>,
    device: &Device,
    progress: &mut Progress,
) -> Vec<Vec<f32>> {
    let leaves = parameters.leaves(device);
    let contrasts = contrasts(&leaves, pictures(batch, device));
    let keep = if progress.step == 0 { 0.0 } else { REMEMBERED };
    let mut sum = Tensor::zeros([1], device);
    let mut loss = 0.0;
    for (contrast, accuracy) in contrasts.into_iter().zip(&mut progress.accuracy) {
        *accuracy = keep * *accuracy + (1.0 - keep) * contrast.accuracy;
        loss += contrast.loss.clone().into_scalar::<f32>() / TAPS.len() as f32;
        sum = sum + contrast.loss;
    }
    progress.loss = keep * progress.loss + (1.0 - keep) * loss;
    let mut gradients = sum.backward();
    let gradient = |(name, _): &(String, Vec<usize>)| {
        let gradient = leaves.get(name).grad_remove(&mut gradients);
        gradient.map_or_else(Vec::new, |g| g.into_data().iter::<f32>().collect())
    };
    parameters.shapes.iter().map(gradient).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net;

    #[test]
    fn a_few_steps_tell_textures_apart_better() {
        let source = Source::with(2, Vec::new(), 0);
        let mut losses = Vec::new();
        let recipe = Recipe { steps: 10, rate: 0.004, optimiser: Optimiser::Muon };
        let mut last = 0.0;
        learn(recipe, &source, &mut net::initial(0), |_, progress| {
            // The loss of a step from the averages before and after it.
            let keep = if losses.is_empty() { 0.0 } else { REMEMBERED };
            losses.push((progress.loss - keep * last) / (1.0 - keep));
            last = progress.loss;
            Ok(())
        })
        .expect("ten steps");
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
        assert!(mean(&losses[7..]) < 0.9 * mean(&losses[..3]), "{losses:?}");
    }
}
