//! Models made by other programs, read into [`texnet_infer::Model`].

mod torch7;

use texnet_infer::Model;
use texnet_infer::model::ModelError;
use thiserror::Error;

/// A file of another program that holds no model, or one that we cannot run.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ImportError {
    /// The bytes are not the format they should be, or were cut short.
    #[error("{0}")]
    Format(String),
    /// A sound file of a network that [`texnet_infer::GeneratorSpec`] cannot describe.
    #[error("{0}")]
    Unsupported(String),
    /// The network's numbers do not make a model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Reads a generator that the code of 2016 (`texture_nets`) saved: a module tree in Torch7's binary format.
///
/// The result draws noise in `[0, 1)`, answers in [`texnet_infer::spec::OutputCoding::CaffeBgr`] and holds no
/// statistics: the stored running ones are ignored, since those nets were sampled with the statistics of the
/// batch. Where a normalisation was declared narrower than what it is applied to, its scale and shift run on
/// into the flat parameter buffer, as they did in Torch7.
///
/// # Errors
/// One sentence: where the bytes stop making sense, or which module at which place cannot be expressed.
pub fn torch7(bytes: &[u8]) -> Result<Model, ImportError> {
    torch7::import(bytes)
}
