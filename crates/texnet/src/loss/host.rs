//! Losses whose value and gradient are computed on the host, as terms of an objective on any device.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::{Loss, Term, total};

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

/// A loss of tensors on the CPU, measured on a tape of its own, so that others are measured at the same time.
pub struct Taped<L> {
    name: &'static str,
    loss: L,
    size: [usize; 2],
    device: Device,
}

impl<L> Taped<L> {
    /// The sum of all terms of a loss, for pictures of `[height, width]` pixels.
    pub fn new(name: &'static str, loss: L, size: [usize; 2], device: &Device) -> Self {
        Self { name, loss, size, device: device.clone().autodiff() }
    }
}

impl<L: Loss + Sync> HostLoss for Taped<L> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn measure(&self, pictures: &[f32], step: u64) -> Measured {
        let [height, width] = self.size;
        let shape = [pictures.len() / (3 * height * width), 3, height, width];
        let nothing = vec![0.0; pictures.len()];
        let data = TensorData::new(pictures.to_vec(), shape);
        let pictures = Tensor::<4>::from_data(data, &self.device).require_grad();
        let Some(sum) = total(&self.loss.terms(&pictures, step)) else {
            return Measured { value: 0.0, gradient: nothing };
        };
        let value = sum.clone().into_scalar::<f32>();
        let gradient = pictures.grad(&sum.backward());
        Measured { value, gradient: gradient.map_or(nothing, |gradient| values(&gradient)) }
    }
}

fn values(pictures: &Tensor<4>) -> Vec<f32> {
    let data = pictures.clone().detach().into_data().convert::<f32>();
    data.try_into_vec().expect("values that were just converted")
}

/// The measured value as a tensor of shape `[1]` that passes the measured gradient on to the pictures.
fn differentiable(pictures: &Tensor<4>, Measured { value, gradient }: Measured) -> Tensor<1> {
    let gradient = Tensor::<4>::from_data(TensorData::new(gradient, pictures.shape()), &pictures.device());
    linear(pictures, gradient, value)
}

/// A value as a tensor of shape `[1]` that passes a gradient on to a tensor.
pub(super) fn linear(to: &Tensor<4>, gradient: Tensor<4>, value: f32) -> Tensor<1> {
    // Linear with the right slope; the constant makes the value right.
    let linear = (to.clone() * gradient).sum();
    let offset = linear.clone().detach();
    linear - offset + value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::{Diversity, TotalVariation};

    const SIZE: [usize; 2] = [6, 5];

    /// The value and the gradient of a loss to so many pictures.
    fn of(loss: &dyn Loss, count: usize) -> (f32, Vec<f32>) {
        let numbers = (0..count * 90).map(|i| (i * 37 % 101) as f32 / 101.0).collect::<Vec<_>>();
        let data = TensorData::new(numbers, [count, 3, SIZE[0], SIZE[1]]);
        let pictures = Tensor::<4>::from_data(data, &Device::flex().autodiff()).require_grad();
        let sum = total(&loss.terms(&pictures, 0)).expect("a term");
        let value = sum.clone().into_scalar::<f32>();
        (value, values(&pictures.grad(&sum.backward()).expect("a gradient")))
    }

    fn close(a: &(f32, Vec<f32>), b: &(f32, Vec<f32>)) -> bool {
        let near = |a: f32, b: f32| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
        near(a.0, b.0) && a.1.iter().zip(&b.1).all(|(&a, &b)| near(a, b))
    }

    #[test]
    fn losses_on_tapes_of_their_own_are_measured_together_as_one_after_the_other() {
        let (smooth, diverse) = (TotalVariation { weight: 2.0 }, Diversity { weight: 1.0 });
        let taped = |count| {
            let losses = Together::default()
                .with(Taped::new("smooth", smooth, SIZE, &Device::flex()))
                .with(Taped::new("diverse", diverse, SIZE, &Device::flex()));
            of(&losses, count)
        };
        let [a, b] = [of(&smooth, 2), of(&diverse, 2)];
        let sum = (a.0 + b.0, a.1.iter().zip(&b.1).map(|(a, b)| a + b).collect());
        assert!(close(&taped(2), &sum) && sum.1.iter().any(|g| g.abs() > 1e-3), "{sum:?}");
        // One picture has no neighbours: a loss without terms adds nothing.
        assert!(close(&taped(1), &of(&smooth, 1)));
    }
}
