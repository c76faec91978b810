//! The model file: safetensors, with the spec and the origin of the model in its metadata.
//!
//! Any safetensors reader sees the tensors under the names of [`GeneratorSpec::parameters`] and
//! [`GeneratorSpec::statistics`]. The metadata has three keys: `format` (`texnet 1`), `spec` and `summary`,
//! both JSON. The same model gives the same bytes: everything is written in the order of names.
//!
//! The reader trusts nothing: sizes are compared with the bytes at hand and with the spec before any tensor is
//! allocated. It is our own because the header is small, and because sums of claimed sizes must not wrap.

use std::collections::BTreeMap;

use half::f16;
use serde::{Deserialize, Serialize};

use crate::model::{Model, ModelError, Precision, Summary, Tensor, Weights};
use crate::spec::GeneratorSpec;

#[cfg(test)]
mod tests;

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
/// Bytes of the number in front of the header.
const LENGTH_BYTES: usize = 8;
/// Longest header in bytes; the largest network that a spec can describe needs some 200 thousand.
const MAX_HEADER: usize = 4 << 20;

#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    metadata: BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    /// When the bytes are no safetensors, no texnet model, of a newer version, or when the tensors are not those
    /// of the spec: one sentence that names the culprit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let (header, data) = read_header(bytes)?;
        check_version(&header.metadata)?;
        let spec: GeneratorSpec = read_json(&header.metadata, "spec")?;
        spec.validate()?;
        let summary: Summary = read_json(&header.metadata, "summary")?;
        let weights = read_tensors(&spec, &header.tensors, data)?;
        Self::new(spec, weights, summary)
    }

    /// Writes a model file; the same model and precision give the same bytes.
    ///
    /// With [`Precision::F16`] a parameter moves by at most 2^-11 of itself, or by 2^-25 if it is smaller than
    /// 2^-14. Statistics, and tensors with values beyond the range of 16 bits (65504), stay in 32 bits.
    #[must_use]
    pub fn to_bytes(&self, precision: Precision) -> Vec<u8> {
        let mut data = Vec::new();
        let statistics: Vec<String> = self.spec().statistics().into_iter().map(|(name, _)| name).collect();
        let write = |(name, tensor): (&String, &Tensor)| {
            let start = data.len();
            let half = precision == Precision::F16 && !statistics.contains(name) && fits_half(tensor);
            write_values(tensor, half, &mut data);
            let dtype = if half { "F16" } else { "F32" }.to_string();
            (name.clone(), Entry { dtype, shape: tensor.shape.clone(), data_offsets: [start, data.len()] })
        };
        let tensors = self.weights().iter().map(write).collect();
        let mut bytes = header_bytes(&Header { metadata: self.metadata(), tensors });
        bytes.append(&mut data);
        bytes
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let spec = serde_json::to_string(self.spec()).expect("a spec is plain numbers and words");
        let summary = serde_json::to_string(&self.summary).expect("a summary is a map of strings");
        let entries = [("format", format!("texnet {VERSION}")), ("spec", spec), ("summary", summary)];
        entries.map(|(key, value)| (key.to_string(), value)).into()
    }
}

/// The header with its length in front, padded with spaces to a multiple of eight bytes.
fn header_bytes(header: &Header) -> Vec<u8> {
    let mut json = serde_json::to_vec(header).expect("a header is plain numbers and strings");
    json.resize(json.len().next_multiple_of(LENGTH_BYTES), b' ');
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut json);
    bytes
}

fn fits_half(tensor: &Tensor) -> bool {
    tensor.data.iter().all(|&v| f16::from_f32(v).is_finite())
}

fn write_values(tensor: &Tensor, half: bool, data: &mut Vec<u8>) {
    if half {
        data.extend(tensor.data.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()));
    } else {
        data.extend(tensor.data.iter().flat_map(|v| v.to_le_bytes()));
    }
}

fn format_error<T>(message: impl Into<String>) -> Result<T, ModelError> {
    Err(ModelError::Format(message.into()))
}

fn tensor_error<T>(message: impl Into<String>) -> Result<T, ModelError> {
    Err(ModelError::Tensor(message.into()))
}

/// The header, and the bytes of the tensors behind it, which the header's offsets cover without gap or overlap.
fn read_header(bytes: &[u8]) -> Result<(Header, &[u8]), ModelError> {
    let not_ours = || ModelError::Format("this is no safetensors file: give a texnet model".into());
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>().ok_or_else(not_ours)?;
    if rest.first() != Some(&b'{') {
        return Err(not_ours());
    }
    let length = u64::from_le_bytes(*length);
    let within = usize::try_from(length).ok().filter(|&n| n <= rest.len());
    let Some(length) = within else {
        return format_error(format!(
            "the file claims a header of {length} bytes, but only {} follow: it was cut short or damaged",
            rest.len()
        ));
    };
    if length > MAX_HEADER {
        return format_error(format!("the header has {length} bytes, but up to {MAX_HEADER} are allowed"));
    }
    let (json, data) = rest.split_at(length);
    let header: Header = serde_json::from_slice(json)
        .map_err(|e| ModelError::Format(format!("the file's safetensors header is damaged: {e}")))?;
    check_layout(&header.tensors, data.len())?;
    Ok((header, data))
}

/// Tensors must lie behind one another and fill the data to its end.
fn check_layout(tensors: &BTreeMap<String, Entry>, available: usize) -> Result<(), ModelError> {
    let mut ranges: Vec<_> = tensors.iter().map(|(name, entry)| (entry.data_offsets, name)).collect();
    ranges.sort_unstable();
    let mut position = 0;
    for ([start, end], name) in ranges {
        if start != position || end < start || end > available {
            return format_error(format!(
                "tensor '{}' claims bytes {start} to {end}, but {position} to at most {available} are its \
                 place: the file was cut short or damaged",
                name.escape_debug()
            ));
        }
        position = end;
    }
    if position != available {
        return format_error(format!(
            "{available} bytes of tensors are there, but the header names {position}"
        ));
    }
    Ok(())
}

fn check_version(metadata: &BTreeMap<String, String>) -> Result<(), ModelError> {
    let format = metadata.get("format").map_or("", String::as_str);
    let Some(version) = format.strip_prefix("texnet ").and_then(|v| v.parse::<u32>().ok()) else {
        return format_error(
            "this safetensors file is no texnet model: its metadata has no key 'format' that says 'texnet 1'",
        );
    };
    if !(1..=VERSION).contains(&version) {
        return format_error(format!(
            "the model has format {version}, but formats up to {VERSION} are known here: use a newer texnet"
        ));
    }
    Ok(())
}

fn read_json<T: for<'de> Deserialize<'de>>(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<T, ModelError> {
    let Some(json) = metadata.get(key) else {
        return format_error(format!("the model's metadata has no key '{key}': the file is damaged"));
    };
    serde_json::from_str(json)
        .map_err(|e| ModelError::Format(format!("the model's metadata key '{key}' is damaged: {e}")))
}

/// All tensors, once every name, shape, type and size is known to be right.
fn read_tensors(
    spec: &GeneratorSpec,
    tensors: &BTreeMap<String, Entry>,
    data: &[u8],
) -> Result<Weights, ModelError> {
    let statistics: BTreeMap<_, _> = spec.statistics().into_iter().collect();
    let parameters: BTreeMap<_, _> = spec.parameters().into_iter().collect();
    for (name, entry) in tensors {
        match (parameters.get(name), statistics.get(name)) {
            (Some(shape), _) => check_entry(name, entry, shape, &["F32", "F16"])?,
            (None, Some(shape)) => check_entry(name, entry, shape, &["F32"])?,
            (None, None) => {
                let name = name.escape_debug();
                return tensor_error(format!("tensor '{name}' is not part of the described network"));
            }
        }
    }
    Ok(tensors.iter().map(|(name, entry)| (name.clone(), read_tensor(entry, data))).collect())
}

fn check_entry(name: &str, entry: &Entry, shape: &[usize], dtypes: &[&str]) -> Result<(), ModelError> {
    if entry.shape != shape {
        return tensor_error(format!(
            "tensor '{name}' has shape {:?}, but the network needs {shape:?}",
            entry.shape
        ));
    }
    if !dtypes.contains(&entry.dtype.as_str()) {
        return tensor_error(format!(
            "tensor '{name}' has type {}, but {} is needed",
            entry.dtype.escape_debug(),
            dtypes.join(" or ")
        ));
    }
    // The shape is the spec's, whose channels are limited: no product wraps.
    let needed = shape.iter().product::<usize>() * bytes_per_value(entry);
    let [start, end] = entry.data_offsets;
    if end - start != needed {
        return tensor_error(format!("tensor '{name}' has {} bytes, but needs {needed}", end - start));
    }
    Ok(())
}

fn bytes_per_value(entry: &Entry) -> usize {
    if entry.dtype == "F16" { 2 } else { 4 }
}

/// One tensor; [`check_layout`] and [`check_entry`] have been passed.
fn read_tensor(entry: &Entry, data: &[u8]) -> Tensor {
    let [start, end] = entry.data_offsets;
    let bytes = &data[start..end];
    let data = match bytes_per_value(entry) {
        2 => bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        _ => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
    };
    Tensor { shape: entry.shape.clone(), data }
}
