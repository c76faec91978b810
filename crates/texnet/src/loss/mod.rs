//! What training minimises: named terms over a picture, added up.

pub mod adversarial;
pub(crate) mod colour;
mod content;
pub mod correlation;
mod diversity;
mod gram;
pub mod host;
pub mod nearest;
pub mod octaves;
mod perceptual;
pub mod range;
pub mod sliced;
pub mod temporal;
mod tv;
mod white;

use burn::tensor::Tensor;
use thiserror::Error;

use crate::descriptor::DescriptorError;

pub use content::{ContentConfig, content_distance};
pub use diversity::Diversity;
pub use gram::{GramConfig, GramDistance, gram};
pub use perceptual::Perceptual;
pub use tv::TotalVariation;

/// Why pictures cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LossError {
    /// They have no features.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// All pictures should show one photograph, and there is another number of them.
    #[error("there are {0} photographs, but all pictures show the same one: give one, or those of each step")]
    Photographs(usize),
    /// A photograph that pictures should show has another size.
    #[error(
        "the photograph is {}x{}, but pictures are {}x{}: give it their size",
        photograph[1], photograph[0], pictures[1], pictures[0]
    )]
    PhotographSize {
        /// Height and width of the photograph, in pixels.
        photograph: [usize; 2],
        /// Height and width of the pictures, in pixels.
        pictures: [usize; 2],
    },
}

/// The first of the steps that no run makes: they are of scores, from which nothing is learned.
pub(crate) const HELD_OUT: u64 = 1 << 50;

/// One part of an [`Objective`]: how far pictures are from what is wanted, in one or more named terms.
pub trait Loss: Send {
    /// The weighted terms of a batch of pictures of shape `[n, 3, h, w]`, sRGB-coded, nominally in `[0, 1]`.
    ///
    /// Whatever is drawn at random is a function of `step` alone, so that a step can be repeated.
    fn terms(&self, pictures: &Tensor<4>, step: u64) -> Vec<Term>;

    /// Whether pictures of `[height, width]` pixels can be judged; asked once, before the first step.
    ///
    /// # Errors
    /// They cannot: why, and what would help.
    fn check(&self, _size: [usize; 2]) -> Result<(), LossError> {
        Ok(())
    }
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

    /// Whether pictures of `[height, width]` pixels can be judged by all losses; asked once, before the first step.
    ///
    /// # Errors
    /// As [`Loss::check`], of the first loss that cannot.
    pub fn check(&self, size: [usize; 2]) -> Result<(), LossError> {
        self.losses.iter().try_for_each(|loss| loss.check(size))
    }
}

/// The sum of terms; none when there are none.
#[must_use]
pub fn total(terms: &[Term]) -> Option<Tensor<1>> {
    terms.iter().map(|term| term.value.clone()).reduce(|a, b| a + b)
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
