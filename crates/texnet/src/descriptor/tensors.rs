//! Named tensors in files of PyTorch and in safetensors, as 32-bit numbers.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use half::{bf16, f16};
use pytorch_reader::{DType, PytorchReader};
use safetensors::{Dtype, SafeTensors};

use super::stack::ConvWeights;

/// Largest safetensors file, in bytes: twice VGG-19 with its classifier.
const MAX_BYTES: u64 = 1 << 30;

/// Tensors of a file by name.
pub(super) trait Tensors {
    fn names(&self) -> Vec<String>;

    /// Outermost first.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// Row-major; the shape says how many.
    fn numbers(&self, name: &str) -> Result<Vec<f32>, String>;

    /// What the file says of the coding of pictures.
    fn coding(&self) -> Option<&str>;
}

/// Opens a file of either kind and hands its tensors over.
pub(super) fn with<T>(path: &Path, read: impl Fn(&dyn Tensors) -> Result<T, String>) -> Result<T, String> {
    let unreadable = |error| format!("the file cannot be read ({error}): name a readable file");
    let mut file = File::open(path).map_err(unreadable)?;
    let mut start = Vec::new();
    file.by_ref().take(9).read_to_end(&mut start).map_err(unreadable)?;
    // A safetensors file begins with the length of its JSON header and the header's brace.
    if start.get(8) != Some(&b'{') {
        let what = "no state dict of PyTorch and no safetensors file, or was cut short";
        let reader = PytorchReader::new(path);
        return read(&reader.map_err(|error| format!("the file is {what} ({error}): get it again"))?);
    }
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("the file is larger than 1 GiB, which VGG-19 is not: name a file of its weights".into());
    }
    of_bytes(&bytes, read)
}

/// Hands the tensors of a safetensors file over.
pub(super) fn of_bytes<T>(
    bytes: &[u8],
    read: impl Fn(&dyn Tensors) -> Result<T, String>,
) -> Result<T, String> {
    let broken = |error| format!("the file is no safetensors file, or was cut short ({error}): get it again");
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
    read(&Safe { tensors, metadata: metadata.metadata().clone().into_iter().flatten().collect() })
}

/// The convolution `stem`, of a weight of this shape. Numbers are read only once the shape is the one expected.
pub(super) fn conv(tensors: &dyn Tensors, stem: &str, shape: &[usize; 4]) -> Result<ConvWeights, String> {
    let weight = numbers(tensors, &format!("{stem}.weight"), shape)?;
    Ok(ConvWeights { weight, bias: numbers(tensors, &format!("{stem}.bias"), &shape[..1])? })
}

fn numbers(tensors: &dyn Tensors, name: &str, expected: &[usize]) -> Result<Vec<f32>, String> {
    let shape = tensors.shape(name).ok_or_else(|| format!("'{name}' is missing"))?;
    if shape != expected {
        return Err(format!("'{name}' has the shape {shape:?}, but {expected:?} is needed"));
    }
    tensors.numbers(name)
}

impl Tensors for PytorchReader {
    fn names(&self) -> Vec<String> {
        self.keys()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.get(name).map(|tensor| tensor.shape().to_vec())
    }

    fn numbers(&self, name: &str) -> Result<Vec<f32>, String> {
        let tensor = self.get(name).ok_or_else(|| format!("'{name}' is missing"))?;
        let bytes = tensor.read().map_err(|error| format!("the file is broken ({error}): get it again"))?;
        match tensor.dtype() {
            DType::F64 => Ok(decode(&bytes, |b| f64::from_le_bytes(b) as f32)),
            DType::F32 => Ok(decode(&bytes, f32::from_le_bytes)),
            DType::F16 => Ok(decode(&bytes, |b| f16::from_le_bytes(b).to_f32())),
            DType::BF16 => Ok(decode(&bytes, |b| bf16::from_le_bytes(b).to_f32())),
            other => Err(format!("'{name}' is of {other:?}, not of floating-point numbers")),
        }
    }

    fn coding(&self) -> Option<&str> {
        None
    }
}

struct Safe<'a> {
    tensors: SafeTensors<'a>,
    metadata: HashMap<String, String>,
}

impl Tensors for Safe<'_> {
    fn names(&self) -> Vec<String> {
        self.tensors.names().into_iter().map(str::to_owned).collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors.tensor(name).ok().map(|tensor| tensor.shape().to_vec())
    }

    fn numbers(&self, name: &str) -> Result<Vec<f32>, String> {
        let tensor = self.tensors.tensor(name).map_err(|_| format!("'{name}' is missing"))?;
        let bytes = tensor.data();
        match tensor.dtype() {
            Dtype::F64 => Ok(decode(bytes, |b| f64::from_le_bytes(b) as f32)),
            Dtype::F32 => Ok(decode(bytes, f32::from_le_bytes)),
            Dtype::F16 => Ok(decode(bytes, |b| f16::from_le_bytes(b).to_f32())),
            Dtype::BF16 => Ok(decode(bytes, |b| bf16::from_le_bytes(b).to_f32())),
            other => Err(format!("'{name}' is of {other:?}, not of floating-point numbers")),
        }
    }

    fn coding(&self) -> Option<&str> {
        self.metadata.get("coding").map(String::as_str)
    }
}

fn decode<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| number(*chunk)).collect()
}
