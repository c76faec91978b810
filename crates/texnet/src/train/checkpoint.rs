//! The state of a run as a file: safetensors, so that every number comes back to the last bit.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use safetensors::{Dtype, SafeTensors, View};
use thiserror::Error;

use super::adam::Moments;
use super::state::{Best, State};
use crate::generator::Parameters;
use crate::loss::adversarial::{Discriminator, Place};

/// A state that is not saved or not read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes.
    #[error("it holds no state of a run of this network: {0}")]
    Format(String),
}

/// Largest state that is read.
const MAX_BYTES: u64 = 1 << 30;

struct Numbers<'a> {
    shape: Vec<usize>,
    values: &'a [f32],
}

impl View for Numbers<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}

/// The parts of a state that are lists of values for every parameter.
fn lists(state: &State) -> [(&'static str, &Vec<Vec<f32>>); 4] {
    [
        ("values", &state.parameters.values),
        ("first", &state.moments.first),
        ("second", &state.moments.second),
        ("best", &state.best.values),
    ]
}

/// Writes a state into a file that appears whole or not at all.
///
/// # Errors
/// Those of the file system.
pub fn save(path: &Path, state: &State) -> Result<(), CheckpointError> {
    let scalars = [state.rate_factor, state.best.score];
    let mut tensors = vec![("scalars".to_owned(), Numbers { shape: vec![2], values: &scalars })];
    for (list, values) in lists(state) {
        let named = state.parameters.shapes.iter().zip(values);
        tensors.extend(named.map(|((name, shape), values)| {
            (format!("{list}.{name}"), Numbers { shape: shape.clone(), values })
        }));
    }
    let counters =
        [("step", state.step), ("steps averaged", state.moments.steps), ("best step", state.best.step)];
    let counters = counters.map(|(key, value)| (key.to_owned(), value.to_string()));
    let discriminators: Vec<_> =
        state.discriminators.iter().map(|(&place, d)| (discriminator_name(place), d.numbers())).collect();
    for (name, (_, values)) in &discriminators {
        tensors.push((name.clone(), Numbers { shape: vec![values.len()], values }));
    }
    let steps = discriminators.iter().map(|(name, (steps, _))| (name.clone(), steps.to_string()));
    let metadata: HashMap<_, _> = counters.into_iter().chain(steps).collect();
    let bytes = safetensors::serialize(tensors, Some(metadata))
        .map_err(|e| CheckpointError::Format(e.to_string()))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".texnet-").tempfile_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Reads a state; `like` tells which parameters the network has after so many steps.
///
/// # Errors
/// Those of the file system, and when the bytes are something else.
pub fn load(path: &Path, like: impl Fn(u64) -> Parameters) -> Result<State, CheckpointError> {
    if fs::metadata(path)?.len() > MAX_BYTES {
        return Err(CheckpointError::Format("it is too large".into()));
    }
    let bytes = fs::read(path)?;
    let format = |e: &dyn std::fmt::Display| CheckpointError::Format(e.to_string());
    let file = SafeTensors::deserialize(&bytes).map_err(|e| format(&e))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| format(&e))?;
    let counter = |key: &str| {
        let text = metadata.metadata().as_ref().and_then(|m| m.get(key));
        text.and_then(|t| t.parse::<u64>().ok()).ok_or_else(|| format(&format_args!("'{key}' is missing")))
    };
    let step = counter("step")?;
    let like = like(step);
    let list = |list: &str| -> Result<Vec<Vec<f32>>, CheckpointError> {
        like.shapes.iter().map(|(name, shape)| numbers(&file, &format!("{list}.{name}"), shape)).collect()
    };
    let scalars = numbers(&file, "scalars", &[2])?;
    Ok(State {
        step,
        parameters: Parameters { shapes: like.shapes.clone(), values: list("values")? },
        moments: Moments {
            steps: counter("steps averaged")?,
            first: list("first")?,
            second: list("second")?,
        },
        rate_factor: scalars[0],
        best: Best { step: counter("best step")?, score: scalars[1], values: list("best")? },
        discriminators: discriminators(&file, counter)?,
    })
}

const DISCRIMINATOR: &str = "discriminator";

/// The name of its numbers, and of its steps.
fn discriminator_name((octave, layer): Place) -> String {
    format!("{DISCRIMINATOR} {octave} {layer}")
}

/// Those that are saved: runs without any, and those of before there were any, have none.
fn discriminators(
    file: &SafeTensors<'_>,
    steps: impl Fn(&str) -> Result<u64, CheckpointError>,
) -> Result<BTreeMap<Place, Discriminator>, CheckpointError> {
    let place = |name: &str| -> Option<Place> {
        let (octave, layer) = name.strip_prefix(DISCRIMINATOR)?.trim_start().split_once(' ')?;
        Some((octave.parse().ok()?, layer.parse().ok()?))
    };
    let named = file.names().into_iter().filter_map(|name| Some((name, place(name)?)));
    let read = |(name, place): (&str, Place)| {
        let shape = file.tensor(name).map_err(|e| CheckpointError::Format(e.to_string()))?.shape().to_vec();
        let read = Discriminator::from_numbers(steps(name)?, &numbers(file, name, &shape)?);
        let read = read.ok_or_else(|| CheckpointError::Format(format!("'{name}' has another shape")))?;
        Ok((place, read))
    };
    named.map(read).collect()
}

fn numbers(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
    let view = file.tensor(name).map_err(|e| CheckpointError::Format(e.to_string()))?;
    if view.dtype() != Dtype::F32 || view.shape() != shape {
        return Err(CheckpointError::Format(format!("'{name}' has another shape")));
    }
    Ok(view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Layer;
    use texnet_infer::GeneratorSpec;

    fn state() -> State {
        let mut state = State::new(Parameters::initial(&GeneratorSpec::coarse_wide(2), [0.5; 3], 1));
        state.step = 17;
        state.rate_factor = 0.25;
        state.moments.steps = 12;
        state.moments.second[0][0] = 0.1 + f32::EPSILON;
        state.discriminators.insert((3, Layer::Relu2_2), Discriminator::new(7, 1));
        state
    }

    #[test]
    fn a_state_comes_back_to_the_last_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        save(&path, &state()).expect("saved");
        assert_eq!(load(&path, |_| state().parameters).expect("read"), state());
    }

    #[test]
    fn other_bytes_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        save(&path, &state()).expect("saved");
        let other = Parameters::initial(&GeneratorSpec::coarse_wide(3), [0.5; 3], 1);
        assert!(
            load(&path, |_| other.clone()).expect_err("another network").to_string().contains("no state")
        );
        let bytes = fs::read(&path).expect("bytes");
        for end in [0, 7, 100, bytes.len() - 1] {
            fs::write(&path, &bytes[..end]).expect("cut");
            assert!(load(&path, |_| state().parameters).is_err(), "{end} bytes");
        }
    }
}
