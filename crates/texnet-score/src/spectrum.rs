//! `spec`: whether detail of every size has the strength that it has in the exemplar.
//!
//! The power spectrum of the grey picture under a Hann window, as means over 32 rings from 1/64 to 1/2 cycles per pixel;
//! two are compared ring by ring, in decibels. It sees blur, noise, dither and checkerboards. No loss of learning here
//! measures it.

use rustfft::FftDirection;
use rustfft::num_complex::Complex64;
use texnet_infer::Image;

use crate::fourier::Grid;

/// Rings.
const RINGS: usize = 32;
/// Where the rings begin and end, cycles per pixel.
const RANGE: [f64; 2] = [1.0 / 64.0, 0.5];
/// Power that counts as none.
const FLOOR: f64 = 1e-12;

/// The power of each ring in decibels; none where a small picture has no frequency.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spectrum([Option<f64>; RINGS]);

impl Spectrum {
    /// Of a picture with at least three rows and columns.
    pub(crate) fn new(image: &Image) -> Self {
        let [height, width] = [image.height(), image.width()];
        let windows = [hann(height), hann(width)];
        let grey = grey(image);
        let mean = grey.iter().sum::<f64>() / grey.len() as f64;
        let value = |y: usize, x: usize| (grey[y * width + x] - mean) * windows[0][y] * windows[1][x];
        let waves = Grid::from_fn([height, width], |y, x| Complex64::new(value(y, x), 0.0))
            .transformed(FftDirection::Forward);
        let weight: f64 = windows.iter().map(|window| window.iter().map(|w| w * w).sum::<f64>()).product();
        Self(rings(&waves).map(|power| power.map(|p| 10.0 * (p / weight + FLOOR).log10())))
    }

    /// The mean absolute difference in decibels, over the rings that both have.
    pub(crate) fn distance(&self, other: &Self) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        let apart: Vec<f64> = pairs.filter_map(|(a, b)| Some((a.as_ref()? - b.as_ref()?).abs())).collect();
        apart.iter().sum::<f64>() / apart.len() as f64
    }
}

/// Means of the three channels, row after row.
fn grey(image: &Image) -> Vec<f64> {
    let [red, green, blue] = [0, 1, 2].map(|c| image.plane(c));
    red.iter()
        .zip(green)
        .zip(blue)
        .map(|((&r, &g), &b)| (f64::from(r) + f64::from(g) + f64::from(b)) / 3.0)
        .collect()
}

/// The symmetric Hann window, zero at both ends.
fn hann(side: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU / (side - 1) as f64;
    (0..side).map(|i| 0.5 - 0.5 * (step * i as f64).cos()).collect()
}

/// The mean power of every ring that a frequency falls into.
fn rings(waves: &Grid) -> [Option<f64>; RINGS] {
    let [height, width] = waves.size;
    let frequency = |i: usize, side: usize| i.min(side - i) as f64 * (1.0 / side as f64);
    let (mut sums, mut counts) = ([0.0; RINGS], [0_u32; RINGS]);
    for (i, wave) in waves.values.iter().enumerate() {
        let radius = frequency(i / width, height).hypot(frequency(i % width, width));
        if let Some(ring) = ring(radius) {
            sums[ring] += wave.norm_sqr();
            counts[ring] += 1;
        }
    }
    std::array::from_fn(|ring| (counts[ring] > 0).then(|| sums[ring] / f64::from(counts[ring])))
}

/// The ring of a frequency: its lower edge belongs to it, the upper one to the next.
fn ring(radius: f64) -> Option<usize> {
    let step = (RANGE[1] - RANGE[0]) / RINGS as f64;
    let edge = |ring: usize| if ring == RINGS { RANGE[1] } else { ring as f64 * step + RANGE[0] };
    (0..RINGS).find(|&ring| edge(ring) <= radius && radius < edge(ring + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draw, Stream};
    use crate::testing::blurred;

    #[test]
    fn edges_of_rings_belong_to_the_ring_above() {
        assert_eq!(
            [0.0, 0.015, 1.0 / 64.0, 0.0307, 0.031].map(ring),
            [None, None, Some(0), Some(0), Some(1)]
        );
        assert_eq!([0.4999, 0.5, 0.7].map(ring), [Some(31), None, None]);
    }

    #[test]
    fn a_wave_is_found_in_its_ring_alone() {
        let wave = |x: usize| 0.5 + 0.4 * (std::f32::consts::TAU * 0.25 * x as f32).sin();
        let spectrum = Spectrum::new(&Image::from_fn(96, 80, |_, x| [wave(x); 3]));
        let power = spectrum.0.map(|p| p.expect("all rings of a picture of this size"));
        let highest = (0..RINGS).max_by(|&a, &b| power[a].total_cmp(&power[b]));
        assert_eq!(highest, ring(0.25));
        assert!(power[15] > power[10] + 60.0 && power[15] > power[20] + 60.0, "{power:?}");
    }

    fn noise(height: usize, width: usize) -> Image {
        let mut draw = Draw::new(Stream::Queries);
        let values: Vec<f32> = (0..height * width).map(|_| 0.5 + 0.1 * draw.normal() as f32).collect();
        Image::from_fn(height, width, |y, x| [values[width * y + x]; 3])
    }

    #[test]
    fn white_noise_is_flat_at_its_variance() {
        let Spectrum(power) = Spectrum::new(&noise(128, 128));
        assert!(power.iter().flatten().all(|p| (p + 20.0).abs() < 3.0), "{power:?}");
        let outer = power[16..].iter().flatten().sum::<f64>() / 16.0;
        assert!((outer + 20.0).abs() < 0.3, "{outer}");
    }

    #[test]
    fn strength_is_told_in_decibels_and_blur_weakens_detail() {
        let image = noise(64, 90);
        let faint = Image::from_fn(64, 90, |y, x| image.pixel(y, x).map(|v| 0.1 * v));
        let of = Spectrum::new;
        assert!((of(&image).distance(&of(&faint)) - 20.0).abs() < 1e-3);
        assert!(of(&image).distance(&of(&blurred(&image))) > 3.0);
        assert_eq!(of(&image).distance(&of(&image)), 0.0);
    }
}
