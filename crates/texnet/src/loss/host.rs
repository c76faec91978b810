//! Losses whose value and gradient are computed on the host, as terms of an objective on any device.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::{Loss, Term};

/// A number that depends on pictures, and its gradient to them.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The number.
    pub value: f32,
    /// As many values as the pictures have.
    pub gradient: Vec<f32>,
}

/// A loss that is measured on the host.
pub trait HostLoss: Send + Sync {
    /// What users read.
    fn name(&self) -> &'static str;

    /// The loss of a batch of pictures `[n, 3, h, w]`; whatever is drawn at random is a function of `step` alone.
    fn measure(&self, pictures: &[f32], step: u64) -> Measured;
}

/// Losses that are measured at the same time.
#[derive(Default)]
pub struct Together(Vec<Box<dyn HostLoss>>);

impl Together {
    /// One more.
    #[must_use]
    pub fn with(mut self, loss: impl HostLoss + 'static) -> Self {
        self.0.push(Box::new(loss));
        self
    }
}

impl Loss for Together {
    fn terms(&self, pictures: &Tensor<4>, step: u64) -> Vec<Term> {
        let values = values(pictures);
        let measured: Vec<Measured> = self.0.par_iter().map(|loss| loss.measure(&values, step)).collect();
        let named = self.0.iter().map(|loss| loss.name()).zip(measured);
        named.map(|(name, measured)| Term::new(name, differentiable(pictures, measured))).collect()
    }
}

impl<L: HostLoss> Loss for L {
    fn terms(&self, pictures: &Tensor<4>, step: u64) -> Vec<Term> {
        let measured = self.measure(&values(pictures), step);
        vec![Term::new(self.name(), differentiable(pictures, measured))]
    }
}

fn values(pictures: &Tensor<4>) -> Vec<f32> {
    let data = pictures.clone().detach().into_data().convert::<f32>();
    data.try_into_vec().expect("values that were just converted")
}

/// The measured value as a tensor of shape `[1]` that passes the measured gradient on to the pictures.
fn differentiable(pictures: &Tensor<4>, Measured { value, gradient }: Measured) -> Tensor<1> {
    let gradient = Tensor::<4>::from_data(TensorData::new(gradient, pictures.shape()), &pictures.device());
    // Linear in the pictures with the right slope; the constant makes the value right.
    let linear = (pictures.clone() * gradient).sum();
    let offset = linear.clone().detach();
    linear - offset + value
}
