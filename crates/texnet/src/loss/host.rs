//! Losses whose value and gradient are computed on the host, as terms of an objective on any device.

use burn::tensor::{Tensor, TensorData};

/// A number that depends on pictures, and its gradient to them.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The number.
    pub value: f32,
    /// As many values as the pictures have.
    pub gradient: Vec<f32>,
}

/// The measured value as a tensor of shape `[1]` that passes the measured gradient on to the pictures.
pub fn differentiable(pictures: &Tensor<4>, measure: impl FnOnce(&[f32]) -> Measured) -> Tensor<1> {
    let shape = pictures.shape();
    let plain = pictures.clone().detach().into_data();
    let Measured { value, gradient } = measure(&plain.iter::<f32>().collect::<Vec<f32>>());
    let gradient = Tensor::<4>::from_data(TensorData::new(gradient, shape), &pictures.device());
    // Linear in the pictures with the right slope; the constant makes the value right.
    let linear = (pictures.clone() * gradient).sum();
    let offset = linear.clone().detach();
    linear - offset + value
}
