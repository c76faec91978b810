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
