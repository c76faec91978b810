//! Muon (Jordan et al. 2024): steps that are equally long in every direction.
//!
//! A convolution's weights are a matrix: outputs by everything that each sums over. The average of their gradient is led by
//! few directions, which Adam, number by number, does not see. Here it is replaced by the nearest matrix whose rows are
//! orthonormal, so that rare directions are learned as fast as common ones.
//!
//! A normalisation behind a convolution takes away how long its weights are, and gradients are at right angles to
//! them: steps could only make them longer, and later steps the shorter by comparison. So they keep their length.

use rayon::prelude::*;
use texnet_kernels::{Level, vectorized};

use crate::sums::dot;

/// The weights of a convolution, and what their step depends on.
pub(crate) struct Matrix<'a> {
    /// Outputs: rows of the matrix.
    pub(crate) rows: usize,
    /// The matrix, row by row.
    pub(crate) weights: &'a mut [f32],
    /// Average of its gradient.
    pub(crate) average: &'a mut [f32],
    /// Its gradient.
    pub(crate) gradient: &'a [f32],
}

/// One step of all matrices, of a root mean square of `rate`; `beta` is the decay of the averages.
pub(crate) fn step(matrices: Vec<Matrix<'_>>, beta: f32, rate: f32) {
    matrices.into_par_iter().for_each(|matrix| matrix.step(beta, rate));
}

impl Matrix<'_> {
    fn step(self, beta: f32, rate: f32) {
        let ahead = |(average, g): (&mut f32, &f32)| {
            *average += (1.0 - beta) * (g - *average);
            // Nesterov's: as if the average had seen this gradient twice.
            *average + (1.0 - beta) * (g - *average)
        };
        let direction: Vec<f32> = self.average.iter_mut().zip(self.gradient).map(ahead).collect();
        let direction = orthogonal(&direction, self.rows);
        let columns = direction.len() / self.rows;
        let rate = rate * (self.rows.max(columns) as f32).sqrt();
        let before = length(self.weights);
        self.weights.iter_mut().zip(&direction).for_each(|(w, d)| *w -= rate * d);
        let shrink = before / length(self.weights).max(f32::MIN_POSITIVE);
        self.weights.iter_mut().for_each(|w| *w *= shrink);
    }
}

fn length(values: &[f32]) -> f32 {
    dot(values, values).sqrt()
}

/// Rounds of [`orthogonal`].
const ROUNDS: usize = 5;
/// A round makes `a s + b s^3 + c s^5` of a singular value `s`: chosen to raise small ones as fast as can be, at the cost
/// of ending anywhere from 0.7 to 1.2 (Jordan et al. 2024).
const QUINTIC: [f32; 3] = [3.4445, -4.7750, 2.0315];

/// A matrix of this many rows with the singular vectors of another, and singular values near 1, but for those that were
/// next to nothing.
fn orthogonal(matrix: &[f32], rows: usize) -> Vec<f32> {
    let scale = 1.0 / length(matrix).max(f32::MIN_POSITIVE);
    let unit: Vec<f32> = matrix.iter().map(|v| scale * v).collect();
    let columns = unit.len() / rows;
    let row = |i: usize| &unit[i * columns..][..columns];
    let [a, b, c] = QUINTIC;
    // With `gram` the product of the matrix by its transpose, all that happens happens to the left factor.
    let mut gram = symmetric(rows, |i, j| dot(row(i), row(j)));
    let mut left = symmetric(rows, |i, j| if i == j { 1.0 } else { 0.0 });
    for _ in 0..ROUNDS {
        let square = product(&gram, &gram, rows);
        let round = symmetric(rows, |i, j| {
            let at = i * rows + j;
            b * gram[at] + c * square[at] + if i == j { a } else { 0.0 }
        });
        left = product(&round, &left, rows);
        gram = product(&round, &product(&round, &gram, rows), rows);
    }
    product(&left, &unit, rows)
}

/// The square matrix that is symmetric and has these values below its diagonal.
fn symmetric(side: usize, value: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let mut matrix = vec![0.0; side * side];
    for i in 0..side {
        for j in 0..=i {
            let value = value(i, j);
            matrix[i * side + j] = value;
            matrix[j * side + i] = value;
        }
    }
    matrix
}

/// A square matrix times one of as many rows.
fn product(left: &[f32], right: &[f32], rows: usize) -> Vec<f32> {
    let columns = right.len() / rows;
    let mut out = vec![0.0; right.len()];
    vectorized(
        Level::new(),
        #[inline(always)]
        || {
            for (line, factors) in out.chunks_exact_mut(columns).zip(left.chunks_exact(rows)) {
                for (factor, row) in factors.iter().zip(right.chunks_exact(columns)) {
                    line.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
                }
            }
        },
    );
    out
}

#[cfg(test)]
mod tests;
