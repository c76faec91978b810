//! Fourier transforms of two-dimensional arrays of any size.

use rayon::prelude::*;
use rustfft::num_complex::Complex64;
use rustfft::{FftDirection, FftPlannerScalar};

/// An array of complex numbers, row after row.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    /// Rows and columns.
    pub(crate) size: [usize; 2],
    /// The values.
    pub(crate) values: Vec<Complex64>,
}

impl Grid {
    /// The values at each row and column.
    pub(crate) fn from_fn(size: [usize; 2], value: impl Fn(usize, usize) -> Complex64) -> Self {
        let places = (0..size[0]).flat_map(|y| (0..size[1]).map(move |x| (y, x)));
        Self { size, values: places.map(|(y, x)| value(y, x)).collect() }
    }

    /// The transform, not normalised in either direction.
    pub(crate) fn transformed(self, direction: FftDirection) -> Self {
        self.rows_transformed(direction).transposed().rows_transformed(direction).transposed()
    }

    fn rows_transformed(mut self, direction: FftDirection) -> Self {
        let fft = FftPlannerScalar::new().plan_fft(self.size[1], direction);
        self.values.par_chunks_mut(self.size[1]).for_each(|row| fft.process(row));
        self
    }

    fn transposed(self) -> Self {
        let [rows, columns] = self.size;
        let mut values = vec![Complex64::default(); rows * columns];
        let column = |(x, out): (usize, &mut [Complex64])| {
            out.iter_mut().enumerate().for_each(|(y, v)| *v = self.values[y * columns + x]);
        };
        values.par_chunks_mut(rows).enumerate().for_each(column);
        Self { size: [columns, rows], values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_over_waves_and_its_inverse_undoes_it() {
        let value = |y: usize, x: usize| Complex64::new((y * 7 % 5) as f64, (x * 3 % 4) as f64 - 1.0);
        let grid = Grid::from_fn([6, 5], value);
        let waves = grid.clone().transformed(FftDirection::Forward);
        for (i, j) in (0..6).flat_map(|i| (0..5).map(move |j| (i, j))) {
            let phase = |y: usize, x: usize| (i * y) as f64 / 6.0 + (j * x) as f64 / 5.0;
            let term = |y, x| value(y, x) * Complex64::cis(-std::f64::consts::TAU * phase(y, x));
            let sum: Complex64 = (0..6).flat_map(|y| (0..5).map(move |x| term(y, x))).sum();
            assert!((waves.values[i * 5 + j] - sum).norm() < 1e-9, "{i} {j}");
        }
        let back = waves.transformed(FftDirection::Inverse);
        assert!(back.values.iter().zip(&grid.values).all(|(a, b)| (a / 30.0 - b).norm() < 1e-12));
    }
}
