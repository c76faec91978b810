//! Where tensors live: the only place that knows which devices were compiled in.

use burn::tensor::Device;
use thiserror::Error;

/// A device that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DeviceError(String);

/// The kinds of devices that this build knows, as [`parse`] takes them.
pub const KINDS: &[&str] = &[
    "cpu",
    #[cfg(feature = "cuda")]
    "cuda",
    #[cfg(feature = "wgpu")]
    "wgpu",
];

/// The device of this name: `cpu`, `cuda` or `wgpu`, the latter two with `:N` for another than the first, or `auto`.
///
/// `auto` is the CPU in every build: the default losses are measured there, and its networks are too small to gain
/// from moving. A GPU pays with VGG-19.
///
/// # Errors
/// When the name is unknown, the device was not compiled in, or this machine has none.
pub fn parse(name: &str) -> Result<Device, DeviceError> {
    let name = if name == "auto" { "cpu" } else { name };
    let (kind, number) = name.split_once(':').unwrap_or((name, "0"));
    let number: Option<usize> = number.parse().ok();
    let (Some(number), true) = (number, KINDS.contains(&kind)) else {
        let known = KINDS.join(", ");
        return Err(DeviceError(format!("there is no device '{name}' in this build: use auto, {known}")));
    };
    let devices = found(kind);
    let count = devices.len();
    devices.into_iter().nth(number).ok_or_else(|| {
        let there = if count == 0 { "none".into() } else { format!("{count}, counted from 0") };
        DeviceError(format!("'{name}' was asked for, but this machine has {there}: use --device cpu"))
    })
}

/// The devices of a kind that this machine has.
#[must_use]
pub fn found(kind: &str) -> Vec<Device> {
    match kind {
        "cpu" => vec![Device::flex()],
        #[cfg(feature = "cuda")]
        "cuda" => Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec(),
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        for name in ["auto", "cpu", "cpu:0"] {
            assert_eq!(parse(name), Ok(Device::flex()), "{name}");
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_one_sentence() {
        for name in ["", "gpu", "cpu:x", "cpu:", "tpu:0"] {
            let error = parse(name).expect_err(name).to_string();
            assert!(error.contains("use auto, cpu"), "{error}");
        }
        for kind in KINDS {
            let error = parse(&format!("{kind}:99")).expect_err(kind).to_string();
            assert!(error.contains("this machine has"), "{error}");
        }
    }
}
