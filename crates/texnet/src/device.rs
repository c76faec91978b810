//! Where tensors live: the only place that knows which devices were compiled in.

use burn::tensor::Device;
use thiserror::Error;

/// A device that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DeviceError(String);

/// The device of this name: `cpu`, or `auto`, which is the CPU.
///
/// # Errors
/// When the name is unknown, or the device was not compiled in.
pub fn parse(name: &str) -> Result<Device, DeviceError> {
    match name {
        "auto" | "cpu" => Ok(Device::flex()),
        _ => Err(DeviceError(format!("there is no device '{name}' in this build: use auto or cpu"))),
    }
}
