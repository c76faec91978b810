//! What the tests of the losses that compare patches share: the numbers that `tools/patches_golden.py` froze, finite
//! differences, repetition.

use nalgebra::{Matrix3, Vector3};
use serde_json::Value;
use texnet_infer::Image;
use texnet_kernels::learn::projection::Filters;

use super::colour::Whitening;
use super::host::Measured;
use crate::draw::{Draw, Stream};

/// Rows and columns of the exemplar and of the picture; levels.
pub(crate) const EXEMPLAR: [usize; 2] = [24, 20];
pub(crate) const PICTURE: [usize; 2] = [16, 12];
pub(crate) const LEVELS: usize = 2;

/// Largest error of a value, relative to it, and of a gradient, relative to the largest.
const TOLERANCE: f64 = 1e-4;

fn mix(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x21F0_AAAD);
    let x = (x ^ (x >> 15)).wrapping_mul(0x735A_2D97);
    x ^ (x >> 15)
}

/// The script's numbers in `[-1, 1)`.
pub(crate) fn numbers(tensor: u32, count: usize) -> Vec<f32> {
    let start = mix(tensor);
    let number = |i: u32| (mix(start.wrapping_add(i)) >> 8) as f32 * (-24_f32).exp2() * 2.0 - 1.0;
    (0..count as u32).map(number).collect()
}

pub(crate) fn picture(tensor: u32, [height, width]: [usize; 2]) -> Image {
    let values = numbers(tensor, 3 * height * width).into_iter().map(|v| 0.5 + 0.3 * v).collect();
    Image::from_planes(height, width, values)
}

pub(crate) fn filters(tensor: u32, count: usize, side: usize) -> Filters {
    Filters { channels: 3, side, weights: numbers(tensor, count * 3 * side * side) }
}

/// Noise over stripes.
pub(crate) fn image(seed: u64, side: usize) -> Image {
    let mut draw = Draw::new(seed, Stream::Noise, 0);
    let values =
        (0..3 * side * side).map(|i| 0.4 + 0.15 * draw.normal() + 0.1 * ((i / 5 % 2) as f32)).collect();
    Image::from_planes(side, side, values)
}

/// Slopes by central differences of this step along random directions, relative to those of the gradient: their
/// regression, which is 1 when the gradient is right.
pub(crate) fn relative_slope(pictures: &[f32], step: f32, measure: impl Fn(&[f32]) -> Measured) -> f64 {
    let gradient = measure(pictures).gradient;
    let mut draw = Draw::new(2, Stream::Crop, 0);
    let (mut products, mut squares) = (0.0, 0.0);
    for _ in 0..24 {
        let direction: Vec<f32> = pictures.iter().map(|_| draw.normal()).collect();
        let moved = |step: f32| {
            let moved: Vec<f32> = pictures.iter().zip(&direction).map(|(p, d)| p + step * d).collect();
            f64::from(measure(&moved).value)
        };
        let slope = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
        let ours: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
        products += slope * ours;
        squares += ours * ours;
    }
    products / squares
}

/// A step is the same on any number of threads, and no other step's.
pub(crate) fn assert_repeatable(measure: impl Fn(u64) -> Measured + Sync) {
    let on = |step, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| measure(step))
    };
    let [a, b] = [on(5, 1), on(5, 3)];
    assert!(a.value == b.value && a.gradient == b.gradient);
    assert!(on(6, 1).value != a.value);
}

pub(crate) struct Golden(Value);

impl Golden {
    pub(crate) fn read() -> Self {
        let text = include_str!("../../tests/data/patches_golden.json");
        Self(serde_json::from_str(text).expect("JSON"))
    }

    /// Torch's: the signs and the order of principal components are a matter of taste.
    pub(crate) fn whitening(&self) -> Whitening {
        let numbers = |value: &Value| -> Vec<f32> { list(value).into_iter().map(|v| v as f32).collect() };
        let rows: Vec<f32> = self.0["matrix"].as_array().expect("rows").iter().flat_map(numbers).collect();
        Whitening {
            mean: Vector3::from_row_slice(&numbers(&self.0["mean"])),
            matrix: Matrix3::from_row_slice(&rows),
        }
    }

    pub(crate) fn compare(&self, name: &str, measured: &Measured) {
        let value = self.0[name]["value"].as_f64().expect("a number");
        let gradient = list(&self.0[name]["gradient"]);
        let ours = f64::from(measured.value);
        assert!((ours - value).abs() <= TOLERANCE * value, "{name}: {ours} instead of {value}");
        let largest = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        assert_eq!(measured.gradient.len(), gradient.len());
        for (i, (&ours, wanted)) in measured.gradient.iter().zip(&gradient).enumerate() {
            let error = (f64::from(ours) - wanted).abs();
            assert!(error <= TOLERANCE * largest, "{name}: gradient {i} is {ours} instead of {wanted}");
        }
    }
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|v| v.as_f64().expect("a number")).collect()
}

#[test]
fn colours_are_whitened_as_torch_whitens_them() {
    let torch = Golden::read().whitening();
    let ours = Whitening::of(&[picture(1, EXEMPLAR)]);
    assert!((torch.mean - ours.mean).norm() < 1e-6);
    // The inverse covariance, which no sign and no order changes.
    let [a, b] = [&torch, &ours].map(|w| w.matrix.transpose() * w.matrix);
    assert!((a - b).norm() < 1e-4 * a.norm(), "{a} and {b}");
}
