//! One step of a Gaussian pyramid (Burt and Adelson 1983): the binomial filter of five taps, then every other pixel.

use crate::pad::Border;

/// The taps, in sixteenths.
const TAPS: [f32; 5] = [1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];

/// Half the size, rounded up.
#[must_use]
pub fn reduced([height, width]: [usize; 2]) -> [usize; 2] {
    [height.div_ceil(2), width.div_ceil(2)]
}

/// Planes of half the size.
#[must_use]
pub fn reduce(planes: &[f32], size: [usize; 2], border: Border) -> Vec<f32> {
    let [height, width] = size;
    let [rows, columns] = reduced(size);
    let mut out = Vec::with_capacity(planes.len() / (height * width) * rows * columns);
    let sources = sources(width, border);
    let mut middle = vec![0.0; width];
    for plane in planes.chunks_exact(height * width) {
        for y in 0..rows {
            middle.fill(0.0);
            for (row, tap) in taps_of(y, height, border) {
                let row = &plane[row * width..(row + 1) * width];
                middle.iter_mut().zip(row).for_each(|(sum, v)| *sum += tap * v);
            }
            out.extend(
                sources.iter().map(|source| source.iter().map(|&(x, tap)| tap * middle[x]).sum::<f32>()),
            );
        }
    }
    out
}

/// The adjoint of [`reduce`]: adds the gradient to the reduced planes to that of the planes.
pub fn reduce_adjoint(gradient: &[f32], size: [usize; 2], border: Border, out: &mut [f32]) {
    let [height, width] = size;
    let [rows, columns] = reduced(size);
    let sources = sources(width, border);
    let mut middle = vec![0.0; width];
    let planes = gradient.chunks_exact(rows * columns).zip(out.chunks_exact_mut(height * width));
    for (gradient, plane) in planes {
        for (y, row) in gradient.chunks_exact(columns).enumerate() {
            middle.fill(0.0);
            for (value, source) in row.iter().zip(&sources) {
                source.iter().for_each(|&(x, tap)| middle[x] += tap * value);
            }
            for (row, tap) in taps_of(y, height, border) {
                let row = &mut plane[row * width..(row + 1) * width];
                row.iter_mut().zip(&middle).for_each(|(sum, v)| *sum += tap * v);
            }
        }
    }
}

/// Where a reduced row (or column) comes from, with the tap of each.
fn taps_of(y: usize, size: usize, border: Border) -> impl Iterator<Item = (usize, f32)> {
    let source = move |i: usize| border.index((2 * y + i) as isize - 2, size);
    TAPS.into_iter().enumerate().filter_map(move |(i, tap)| source(i).map(|at| (at, tap)))
}

fn sources(width: usize, border: Border) -> Vec<Vec<(usize, f32)>> {
    (0..width.div_ceil(2)).map(|x| taps_of(x, width, border).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_and_the_finest_ripple_goes() {
        for border in [Border::Circular, Border::Reflect, Border::Replicate] {
            assert!(reduce(&[0.5; 54], [6, 9], border).iter().all(|v| (v - 0.5).abs() < 1e-6));
        }
        let ripple: Vec<f32> = (0..64).map(|i| if (i / 8 + i) % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert!(reduce(&ripple, [8, 8], Border::Circular).iter().all(|v| v.abs() < 1e-6));
    }

    #[test]
    fn the_adjoint_is_the_transpose() {
        let values = |count: usize, seed: usize| -> Vec<f32> {
            (0..count).map(|i| ((i * 31 + seed) % 17) as f32 - 8.0).collect()
        };
        for border in [Border::Circular, Border::Reflect, Border::Zero] {
            for size in [[8, 6], [5, 7], [1, 2], [2, 9]] {
                let x = values(2 * size[0] * size[1], 3);
                let y = reduce(&x, size, border);
                let g = values(y.len(), 5);
                let mut back = vec![0.0; x.len()];
                reduce_adjoint(&g, size, border, &mut back);
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
                assert!((dot(&y, &g) - dot(&x, &back)).abs() < 1e-3, "{border:?} {size:?}");
            }
        }
    }
}
