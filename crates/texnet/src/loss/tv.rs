//! Smoothness: total variation, in the squared form of the code of 2016 (Mahendran and Vedaldi 2015, beta = 2).

use burn::tensor::Tensor;

use super::{Loss, Term};

/// The mean squared difference of neighbours, right and below, times a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TotalVariation {
    /// Its weight.
    pub weight: f32,
}

impl Loss for TotalVariation {
    fn terms(&self, pictures: &Tensor<4>, _step: u64) -> Vec<Term> {
        let value = (variation(pictures, 2) + variation(pictures, 3)).mul_scalar(self.weight);
        vec![Term::new("total variation", value)]
    }
}

/// Mean squared difference of neighbours along an axis; zero where there are none.
fn variation(pictures: &Tensor<4>, axis: usize) -> Tensor<1> {
    let size = pictures.dims()[axis];
    if size < 2 {
        return pictures.clone().mul_scalar(0).sum();
    }
    let from = |start| pictures.clone().narrow(axis, start, size - 1);
    (from(1) - from(0)).square().mean()
}
