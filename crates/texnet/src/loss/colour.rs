//! The colour space of losses without a network: that in which the exemplar's colours are uncorrelated and of equal variance.

use nalgebra::{Matrix3, Vector3};
use texnet_infer::Image;

use super::white::Planes;

/// Share of the largest variance that is added to all, so that noise in a colour that is missing is not blown up.
const RIDGE: f32 = 0.02;

/// `white = matrix * (colour - mean)`: principal components, scaled to variance one.
#[derive(Debug, Clone)]
pub(crate) struct Whitening {
    pub(crate) mean: Vector3<f32>,
    pub(crate) matrix: Matrix3<f32>,
}

impl Whitening {
    /// That of all pixels of some pictures.
    pub(crate) fn of(images: &[Image]) -> Self {
        let count: usize = images.iter().map(|i| i.height() * i.width()).sum();
        let mut sum = Vector3::<f64>::zeros();
        let mut products = Matrix3::<f64>::zeros();
        for image in images {
            for y in 0..image.height() {
                for x in 0..image.width() {
                    let pixel = Vector3::from(image.pixel(y, x)).cast::<f64>();
                    sum += pixel;
                    products += pixel * pixel.transpose();
                }
            }
        }
        let mean = sum / count as f64;
        let eigen = (products / count as f64 - mean * mean.transpose()).symmetric_eigen();
        let ridge = f64::from(RIDGE) * eigen.eigenvalues.max().max(0.0) + 1e-9;
        let scale = eigen.eigenvalues.map(|v| (v.max(0.0) + ridge).powf(-0.5));
        let matrix = Matrix3::from_diagonal(&scale) * eigen.eigenvectors.transpose();
        Self { mean: mean.cast(), matrix: matrix.cast() }
    }

    pub(crate) fn apply(&self, image: &Image) -> Planes {
        Planes { data: self.planes(image.data()), size: [image.height(), image.width()] }
    }

    /// Three planes of colour in the white space.
    pub(crate) fn planes(&self, rgb: &[f32]) -> Vec<f32> {
        let offset = self.matrix * self.mean;
        combine(rgb, &self.matrix, [-offset[0], -offset[1], -offset[2]])
    }

    /// The colours of three white planes: the inverse of [`Whitening::planes`].
    pub(crate) fn colours(&self, white: &[f32]) -> Vec<f32> {
        combine(white, &self.inverse(), self.mean.into())
    }

    /// The gradient to the white planes from that to their colours.
    pub(crate) fn colours_adjoint(&self, gradient: &[f32]) -> Vec<f32> {
        combine(gradient, &self.inverse().transpose(), [0.0; 3])
    }

    fn inverse(&self) -> Matrix3<f32> {
        // Variances are never zero: see RIDGE.
        self.matrix.try_inverse().unwrap_or_else(Matrix3::zeros)
    }

    /// The gradient to the colours from that to the white planes.
    pub(crate) fn adjoint(&self, gradient: &[f32]) -> Vec<f32> {
        combine(gradient, &self.matrix.transpose(), [0.0; 3])
    }
}

fn combine(planes: &[f32], matrix: &Matrix3<f32>, offset: [f32; 3]) -> Vec<f32> {
    let (red, rest) = planes.split_at(planes.len() / 3);
    let (green, blue) = rest.split_at(red.len());
    let mut out = Vec::with_capacity(planes.len());
    for c in 0..3 {
        let [r, g, b] = [matrix[(c, 0)], matrix[(c, 1)], matrix[(c, 2)]];
        let pixels = red.iter().zip(green).zip(blue);
        out.extend(pixels.map(|((x, y), z)| r * x + g * y + b * z + offset[c]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back_from_the_white_space_and_gradients_go_there_by_the_adjoint() {
        let image =
            Image::from_fn(8, 8, |y, x| [0.1 * y as f32, 0.3 + 0.05 * x as f32, 0.02 * (x * y) as f32]);
        let whitening = Whitening::of(std::slice::from_ref(&image));
        let back = whitening.colours(&whitening.planes(image.data()));
        assert!(back.iter().zip(image.data()).all(|(a, b)| (a - b).abs() < 1e-5));
        // The inner product of a step and a gradient is the same in both spaces.
        let gradient: Vec<f32> = (0..192).map(|i| (i as f32 * 1.7).sin()).collect();
        let step: Vec<f32> = (0..192).map(|i| (i as f32 * 0.9).cos()).collect();
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let moved = whitening.colours(&step);
        let still = whitening.colours(&[0.0; 192]);
        let colours: Vec<f32> = moved.iter().zip(&still).map(|(m, s)| m - s).collect();
        let [ours, wanted] =
            [product(&step, &whitening.colours_adjoint(&gradient)), product(&colours, &gradient)];
        assert!((ours - wanted).abs() < 1e-3 * wanted.abs().max(1.0), "{ours} {wanted}");
    }

    #[test]
    fn the_exemplar_becomes_white_and_a_grey_one_stays_finite() {
        let image = Image::from_fn(16, 16, |y, x| {
            let [a, b] = [(y * 7 % 16) as f32 / 16.0, (x * 5 % 16) as f32 / 16.0];
            [a, 0.5 * a + 0.3 * b, 0.2]
        });
        let white = Whitening::of(std::slice::from_ref(&image)).apply(&image);
        let planes: Vec<&[f32]> = white.data.chunks_exact(256).collect();
        let moment = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>() / 256.0;
        let variances: Vec<f32> = planes.iter().map(|p| moment(p, p)).collect();
        assert_eq!(variances.iter().filter(|v| (0.6..1.01).contains(*v)).count(), 2, "{variances:?}");
        assert!((0..3).all(|i| moment(planes[i], &vec![1.0; 256]).abs() < 1e-3));
        assert!(moment(planes[0], planes[1]).abs() < 1e-3);
        let grey = Image::from_fn(4, 4, |_, _| [0.5; 3]);
        assert!(Whitening::of(std::slice::from_ref(&grey)).apply(&grey).data.iter().all(|v| v.is_finite()));
    }
}
