//! Pictures with another's spectrum and nothing else of it.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use texnet::draw::Draw;
use texnet_infer::Image;

/// A square picture with the spectrum, and the covariance of colours at every frequency, of another, and random phases:
/// what linear statistics cannot tell from it (Galerne et al. 2011).
pub(crate) fn random_phase(image: &Image, draw: &mut Draw) -> Image {
    let side = image.height();
    // The phases of white noise: they make a real picture of a real one.
    let turns: Vec<Complex<f32>> = {
        let noise: Vec<f32> = (0..side * side).map(|_| draw.normal()).collect();
        let mut turns = transformed(&noise, side);
        turns.iter_mut().for_each(|z| *z /= z.norm().max(f32::MIN_POSITIVE));
        turns[0] = Complex::new(1.0, 0.0);
        turns
    };
    let plane = |c: usize| {
        let mut spectrum = transformed(image.plane(c), side);
        spectrum.iter_mut().zip(&turns).for_each(|(z, turn)| *z *= turn);
        back(spectrum, side)
    };
    Image::from_planes(side, side, (0..3).flat_map(plane).collect())
}

fn transformed(values: &[f32], side: usize) -> Vec<Complex<f32>> {
    let mut z: Vec<Complex<f32>> = values.iter().map(|&v| Complex::new(v, 0.0)).collect();
    let fft = FftPlanner::new().plan_fft_forward(side);
    for _ in 0..2 {
        fft.process(&mut z);
        z = transposed(&z, side);
    }
    z
}

fn back(mut z: Vec<Complex<f32>>, side: usize) -> Vec<f32> {
    let fft = FftPlanner::new().plan_fft_inverse(side);
    for _ in 0..2 {
        fft.process(&mut z);
        z = transposed(&z, side);
    }
    let scale = 1.0 / (side * side) as f32;
    z.iter().map(|z| scale * z.re).collect()
}

fn transposed(z: &[Complex<f32>], side: usize) -> Vec<Complex<f32>> {
    (0..side * side).map(|i| z[i % side * side + i / side]).collect()
}

#[cfg(test)]
mod tests {
    use texnet::draw::Stream;

    use super::*;

    #[test]
    fn the_spectrum_stays_and_the_picture_does_not() {
        let image = Image::from_fn(16, 16, |y, x| {
            let v = if (y / 3 + x / 5) % 2 == 0 { 0.8 } else { 0.1 };
            [v, 0.5 * v, 0.3 + 0.01 * x as f32]
        });
        let other = random_phase(&image, &mut Draw::new(1, Stream::Picture, 0));
        let energy =
            |plane: &[f32]| -> Vec<f32> { transformed(plane, 16).iter().map(|z| z.norm()).collect() };
        for c in 0..3 {
            let [was, is] = [&image, &other].map(|i| energy(i.plane(c)));
            assert!(was.iter().zip(&is).all(|(a, b)| (a - b).abs() < 1e-3));
        }
        let moved = image.plane(0).iter().zip(other.plane(0)).filter(|(a, b)| (*a - *b).abs() > 0.05).count();
        assert!(moved > 100, "{moved}");
    }
}
