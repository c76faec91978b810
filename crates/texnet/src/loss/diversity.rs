//! Diversity: pictures of a batch should differ (Ulyanov et al. 2017, "Improved Texture Networks", section 3).
//!
//! The entropy of the pictures, by the estimate of Kozachenko and Leonenko, is up to constants the mean logarithm of
//! the distance to the nearest neighbour within the batch. As in the authors' code, only that neighbour counts, and a
//! small number under the logarithm keeps its slope finite. Departure: squared distances are means over values, so
//! that a weight does not depend on the size of pictures; that shifts the logarithm by a constant.

use burn::tensor::{Bool, Int, Tensor};

use super::{Loss, Term};

/// Added to mean squared distances, of values in `[0, 1]`: a quarter of a step of 8 bits, squared.
const FLOOR: f64 = 1e-6;

/// Minus the mean logarithm of the distance to the nearest neighbour in the batch, times a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diversity {
    /// Its weight.
    pub weight: f32,
}

impl Loss for Diversity {
    /// One term; none for a single picture, which has no neighbour.
    fn terms(&self, pictures: &Tensor<4>, _step: u64) -> Vec<Term> {
        let [n, c, h, w] = pictures.dims();
        if n < 2 {
            return Vec::new();
        }
        let rows = pictures.clone().reshape([n, c * h * w]);
        let neighbours = rows.clone().select(0, nearest(rows.clone().without_autodiff()));
        let distances = (rows - neighbours).square().mean_dim(1).add_scalar(FLOOR).log().mul_scalar(0.5);
        vec![Term::new("diversity", distances.mean().mul_scalar(-self.weight))]
    }
}

/// For each row its nearest other row, of `[n, values]`.
fn nearest(rows: Tensor<2>) -> Tensor<1, Int> {
    let n = rows.dims()[0];
    let device = rows.device();
    // What all share would only cost digits in the differences of squares below.
    let rows = rows.clone() - rows.mean_dim(0);
    let norms = rows.clone().square().sum_dim(1);
    let products = rows.clone().matmul(rows.transpose());
    let distances = norms.clone() + norms.transpose() - products.mul_scalar(2);
    // True on the diagonal.
    let itself = Tensor::<2, Bool>::diag_mask([n, n], 0, &device).bool_not();
    distances.mask_fill(itself, f32::MAX).argmin(1).reshape([n])
}
