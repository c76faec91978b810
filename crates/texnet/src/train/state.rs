//! Everything that a run needs to go on as if it had never stopped.

use std::collections::BTreeMap;

use super::adam::Moments;
use crate::generator::Parameters;
use crate::loss::adversarial::{Discriminator, Place};

/// A run between two steps.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Steps made.
    pub step: u64,
    /// The network as it learns.
    pub parameters: Parameters,
    /// Adam's averages.
    pub moments: Moments,
    /// Factor on the learning rate: halved whenever learning diverged.
    pub rate_factor: f32,
    /// The best network so far.
    pub best: Best,
    /// What discriminators have learned.
    pub discriminators: BTreeMap<Place, Discriminator>,
}

/// The network that scored best.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// After how many steps.
    pub step: u64,
    /// Its score; infinite before the first.
    pub score: f32,
    /// Values of its parameters.
    pub values: Vec<Vec<f32>>,
}

impl State {
    /// A run before its first step.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let best = Best { step: 0, score: f32::INFINITY, values: parameters.values.clone() };
        Self {
            step: 0,
            moments: Moments::new(&parameters.values),
            rate_factor: 1.0,
            best,
            parameters,
            discriminators: BTreeMap::new(),
        }
    }
}
