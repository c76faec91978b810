//! What training minimises: named terms over a picture, added up.

pub mod host;
pub mod range;
pub mod sliced;

use burn::tensor::Tensor;

/// One part of an [`Objective`]: how far pictures are from what is wanted, in one or more named terms.
pub trait Loss: Send {
    /// The weighted terms of a batch of pictures of shape `[n, 3, h, w]`, sRGB-coded, nominally in `[0, 1]`.
    ///
    /// Whatever is drawn at random is a function of `step` alone, so that a step can be repeated.
    fn terms(&self, pictures: &Tensor<4>, step: u64) -> Vec<Term>;
}

/// A summand of an objective.
#[derive(Debug, Clone)]
pub struct Term {
    /// What users read: `sliced`, `gram relu3_1`.
    pub name: String,
    /// Its share of the total, of shape `[1]`, differentiable.
    pub value: Tensor<1>,
}

impl Term {
    /// A term of this name.
    pub fn new(name: impl Into<String>, value: Tensor<1>) -> Self {
        Self { name: name.into(), value }
    }
}

/// The sum of several losses.
#[derive(Default)]
pub struct Objective {
    losses: Vec<Box<dyn Loss>>,
}

impl Objective {
    /// One more loss.
    #[must_use]
    pub fn with(mut self, loss: impl Loss + 'static) -> Self {
        self.losses.push(Box::new(loss));
        self
    }

    /// All terms, in order; their sum is what training minimises.
    #[must_use]
    pub fn terms(&self, pictures: &Tensor<4>, step: u64) -> Vec<Term> {
        self.losses.iter().flat_map(|loss| loss.terms(pictures, step)).collect()
    }
}

/// The sum of terms; none when there are none.
#[must_use]
pub fn total(terms: &[Term]) -> Option<Tensor<1>> {
    terms.iter().map(|term| term.value.clone()).reduce(|a, b| a + b)
}
