//! Torch7 models: bytes to values ([`read`]), values to modules ([`modules`]), modules to the parts of a pyramid
//! ([`pyramid`]), parts to a spec and weights ([`translate`]).

mod modules;
mod pyramid;
mod read;
mod tensor;
mod translate;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod writer;

use texnet_infer::Model;

use super::ImportError;

/// See [`super::torch7`].
pub(super) fn import(bytes: &[u8]) -> Result<Model, ImportError> {
    let file = read::File::read(bytes)?;
    let ops = modules::flatten(&file)?;
    let pyramid = pyramid::Pyramid::parse(ops)?;
    translate::translate(&file, &pyramid, bytes.len())
}

fn format_error<T>(message: impl Into<String>) -> Result<T, ImportError> {
    Err(ImportError::Format(message.into()))
}

fn unsupported<T>(message: impl Into<String>) -> Result<T, ImportError> {
    Err(ImportError::Unsupported(message.into()))
}
