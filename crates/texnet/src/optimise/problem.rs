//! The objective of a picture at one size: its value, and the gradient to the picture.

use burn::tensor::{Device, Tensor, TensorData};
use texnet_infer::Image;

use super::config::OptimiseConfig;
use crate::loss::{Objective, total};
use crate::train::config::ConfigError;
use crate::train::held_out;

/// The objective somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Evaluation {
    /// The terms, by name.
    pub(crate) terms: Vec<(String, f32)>,
    /// Their sum.
    pub(crate) value: f64,
    /// The gradient to every value of the picture.
    pub(crate) gradient: Vec<f32>,
}

/// What is minimised at one size.
pub(crate) struct Problem {
    objective: Objective,
    size: [usize; 2],
    device: Device,
}

impl Problem {
    /// That of a picture whose size, and the exemplars', is halved so often.
    pub(crate) fn new(
        config: &OptimiseConfig,
        exemplars: &[Image],
        halvings: usize,
        device: &Device,
    ) -> Result<Self, ConfigError> {
        let exemplars = config.scaled(exemplars, halvings)?;
        let size = config.size_at(halvings);
        let objective = config.comparison(halvings).objective(&exemplars, size, 1, config.seed, device)?;
        Ok(Self { objective, size, device: device.clone() })
    }

    /// The objective of a picture, planes of RGB, with the draw of a step.
    pub(crate) fn evaluate(&mut self, values: &[f32], draw: u64) -> Evaluation {
        // On a thread of the pool: the work has hundreds of parallel parts, none of which is handed over then.
        rayon::scope(|_| self.evaluate_here(values, draw))
    }

    fn evaluate_here(&mut self, values: &[f32], draw: u64) -> Evaluation {
        let picture = self.picture(values, &self.device.clone().autodiff()).require_grad();
        let terms = self.objective.terms(&picture, draw);
        let gradient = total(&terms).and_then(|sum| picture.grad(&sum.backward()));
        let gradient = gradient.map(|g| g.into_data().iter::<f32>().collect());
        let read = |term: crate::loss::Term| (term.name, term.value.into_scalar::<f32>());
        let terms: Vec<(String, f32)> = terms.into_iter().map(read).collect();
        let value = terms.iter().map(|&(_, value)| f64::from(value)).sum();
        Evaluation { terms, value, gradient: gradient.unwrap_or_else(|| vec![0.0; values.len()]) }
    }

    /// The mean objective over draws that no step makes.
    pub(crate) fn score(&self, values: &[f32]) -> f32 {
        let picture = self.picture(values, &self.device);
        held_out::mean(&self.objective, |_| picture.clone())
    }

    fn picture(&self, values: &[f32], device: &Device) -> Tensor<4> {
        let [height, width] = self.size;
        Tensor::from_data(TensorData::new(values.to_vec(), [1, 3, height, width]), device)
    }
}
