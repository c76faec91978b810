//! A step down the gradient: Muon for the weights that a normalisation follows, Adam for everything else.

use serde::{Deserialize, Serialize};

use super::adam::{Adam, Moments};
use super::muon::{self, Matrix};
use crate::generator::Parameters;

/// How steps follow from gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Adam, as in the paper.
    Adam,
    /// Muon for the weights of convolutions with a normalisation behind them, which keep their length; Adam for the rest.
    Muon,
}

/// Root mean square of Muon's steps, relative to the learning rate.
const MUON_SHARE: f32 = 0.25;

/// A way down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Descent {
    /// How steps follow from gradients.
    pub optimiser: Optimiser,
    /// Decay of the average of the gradient.
    pub beta1: f32,
    /// Decay of Adam's average of its square.
    pub beta2: f32,
}

impl Descent {
    /// One step of size `rate`; a parameter whose gradient is empty stays.
    pub fn step(
        self,
        parameters: &mut Parameters,
        mut gradients: Vec<Vec<f32>>,
        moments: &mut Moments,
        rate: f32,
    ) {
        if self.optimiser == Optimiser::Muon {
            let normalised = parameters.normalised();
            muon::step(matrices(&normalised, parameters, &gradients, moments), self.beta1, MUON_SHARE * rate);
            gradients.iter_mut().zip(normalised).filter(|(_, done)| *done).for_each(|(g, _)| g.clear());
        }
        let adam = Adam { beta1: self.beta1, beta2: self.beta2, epsilon: 1e-8 };
        adam.step(&mut parameters.values, &gradients, moments, rate);
    }
}

/// The chosen parameters as matrices, with what their steps need.
fn matrices<'a>(
    chosen: &[bool],
    parameters: &'a mut Parameters,
    gradients: &'a [Vec<f32>],
    moments: &'a mut Moments,
) -> Vec<Matrix<'a>> {
    let Parameters { shapes, values } = parameters;
    let learned = values.iter_mut().zip(&mut moments.first).zip(gradients);
    let mut matrices = Vec::new();
    for ((chosen, (_, shape)), ((weights, average), gradient)) in chosen.iter().zip(shapes).zip(learned) {
        if *chosen && !gradient.is_empty() {
            matrices.push(Matrix { rows: shape[0], weights, average, gradient });
        }
    }
    matrices
}

#[cfg(test)]
mod tests {
    use texnet_infer::GeneratorSpec;

    use super::*;

    /// Whether a step changed a parameter, but not its length.
    fn kept(parameters: &Parameters) -> Vec<(bool, &str)> {
        let descent = Descent { optimiser: Optimiser::Muon, beta1: 0.9, beta2: 0.99 };
        let gradients: Vec<Vec<f32>> =
            parameters.values.iter().map(|v| (0..v.len()).map(|i| (i % 5) as f32 - 1.5).collect()).collect();
        let mut after = parameters.clone();
        descent.step(&mut after, gradients, &mut Moments::new(&parameters.values), 0.01);
        let length = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>().sqrt();
        let names = parameters.shapes.iter().map(|(name, _)| name.as_str());
        let kept = |(before, after): (&Vec<f32>, &Vec<f32>)| {
            before != after && (length(after) / length(before) - 1.0).abs() < 1e-4
        };
        parameters.values.iter().zip(&after.values).map(kept).zip(names).collect()
    }

    #[test]
    fn what_is_normalised_keeps_its_length_with_live_and_with_frozen_statistics() {
        let spec = GeneratorSpec::coarse_wide(2);
        let live = Parameters::initial(&spec, [0.5; 3], 1);
        let frozen = live.frozen(&spec, 1).expect("finite numbers");
        for parameters in [&live, &frozen] {
            for (kept, name) in kept(parameters) {
                let convolution = name.ends_with(".weight") && !name.starts_with("head.");
                assert_eq!(kept, convolution, "{name}");
            }
        }
    }
}
