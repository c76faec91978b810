//! A trained generator: its spec, its tensors, and where it came from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::noise::{Column, RowKey, Uniform};
use crate::spec::{GeneratorSpec, SpecError};

/// A dense tensor of f32, last dimension fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sizes, slowest dimension first.
    pub shape: Vec<usize>,
    /// Values; as many as the product of the sizes.
    pub data: Vec<f32>,
}

/// Named tensors.
pub type Weights = BTreeMap<String, Tensor>;

/// Where a model came from, in words: `("source", "bricks.t7")`, `("steps", "4000")` and so on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Summary(pub BTreeMap<String, String>);

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits: exact.
    F32,
    /// 16 bits: half the file, relative error up to 2^-11.
    F16,
}

/// A trained generator. Every tensor that the spec asks for is there, in its shape, and finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    spec: GeneratorSpec,
    weights: Weights,
    /// Where it came from.
    pub summary: Summary,
}

/// A model that does not hold together, or a file that holds none.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ModelError {
    /// The spec describes no network.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A tensor is missing, superfluous, misshapen or not finite.
    #[error("{0}")]
    Tensor(String),
    /// The bytes are no model file.
    #[error("{0}")]
    Format(String),
}

impl Model {
    /// A model from its parts.
    ///
    /// # Errors
    /// When the spec is not valid, or the tensors are not exactly [`GeneratorSpec::parameters`], with all or
    /// none of [`GeneratorSpec::statistics`].
    pub fn new(spec: GeneratorSpec, weights: Weights, summary: Summary) -> Result<Self, ModelError> {
        spec.validate()?;
        let mut expected = spec.parameters();
        let statistics = spec.statistics();
        if statistics.iter().any(|(name, _)| weights.contains_key(name)) {
            expected.extend(statistics);
        }
        for (name, shape) in &expected {
            check_tensor(name, shape, weights.get(name))?;
        }
        if weights.len() != expected.len() {
            let known = |name: &&String| expected.iter().any(|(n, _)| n == *name);
            let extra = weights.keys().find(|name| !known(name)).map_or("", String::as_str);
            return Err(ModelError::Tensor(format!("tensor '{extra}' is not part of the described network")));
        }
        Ok(Self { spec, weights, summary })
    }

    /// A network that has learned nothing: weights uniform with variance `2 / fan-in` (He et al. 2015), which
    /// keeps features in range even without normalisation; scales 1, everything else 0.
    ///
    /// # Errors
    /// When the spec is not valid.
    pub fn untrained(spec: GeneratorSpec, seed: u64) -> Result<Self, ModelError> {
        spec.validate()?;
        let tensor = |(i, (name, shape)): (usize, (String, Vec<usize>))| {
            let bound = (6.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
            let range = Uniform { low: -bound, high: bound, factor: 1.0 };
            let key = RowKey::new(seed, i, 0, 0);
            let value = |j: usize| match name.rsplit('.').next() {
                Some("weight") => key.value(Column::new(j as i64), range),
                Some("gamma") => 1.0,
                _ => 0.0,
            };
            let data = (0..shape.iter().product()).map(value).collect();
            (name, Tensor { shape, data })
        };
        let weights = spec.parameters().into_iter().enumerate().map(tensor).collect();
        Self::new(spec, weights, Summary::default())
    }

    /// The architecture.
    #[must_use]
    pub fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    /// All tensors by name.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The values of a tensor that the spec asks for.
    ///
    /// # Panics
    /// When the spec does not ask for it.
    #[must_use]
    pub fn values(&self, name: &str) -> &[f32] {
        &self.weights[name].data
    }

    /// Whether the model holds calibrated statistics (or needs none), so that it can paint a plane.
    #[must_use]
    pub fn is_calibrated(&self) -> bool {
        self.spec.statistics().iter().all(|(name, _)| self.weights.contains_key(name))
    }

    /// How many numbers were learned.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.spec.parameters().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}

fn check_tensor(name: &str, shape: &[usize], tensor: Option<&Tensor>) -> Result<(), ModelError> {
    let fail = |message| Err(ModelError::Tensor(message));
    let Some(tensor) = tensor else {
        return fail(format!("tensor '{name}' of shape {shape:?} is missing"));
    };
    if tensor.shape != shape || tensor.data.len() != shape.iter().product::<usize>() {
        return fail(format!(
            "tensor '{name}' has shape {:?}, but the network needs {shape:?}",
            tensor.shape
        ));
    }
    if tensor.data.iter().any(|v| !v.is_finite()) {
        return fail(format!("tensor '{name}' holds values that are not finite"));
    }
    Ok(())
}
