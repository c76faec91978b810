//! Changes of colour: small ones that a texture bears, and one that takes colour away as a way of telling textures apart.

use nalgebra::{Matrix3, Vector3};
use texnet::draw::Draw;
use texnet_infer::Image;

/// Added to the variances of colours, so that plain pictures are not blown up.
const RIDGE: f32 = 4e-4;

/// Mean and covariance of a picture's colours; the latter as its factor of Cholesky.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colours {
    mean: Vector3<f32>,
    factor: Matrix3<f32>,
}

impl Colours {
    pub(crate) fn of(image: &Image) -> Self {
        let count = (image.height() * image.width()) as f32;
        let pixels = || (0..image.height()).flat_map(|y| (0..image.width()).map(move |x| (y, x)));
        let colour = |(y, x)| Vector3::from(image.pixel(y, x));
        let mean = pixels().map(colour).sum::<Vector3<f32>>() / count;
        let product = |place| {
            let d: Vector3<f32> = colour(place) - mean;
            d * d.transpose()
        };
        let covariance = pixels().map(product).sum::<Matrix3<f32>>() / count + Matrix3::identity() * RIDGE;
        // Positive definite: see RIDGE.
        let factor = covariance.cholesky().map_or_else(Matrix3::identity, |cholesky| cholesky.l());
        Self { mean, factor }
    }
}

/// A picture with the colours' mean and covariance of another.
pub(crate) fn recoloured(image: &Image, wanted: &Colours) -> Image {
    let own = Colours::of(image);
    let inverse = own.factor.try_inverse().unwrap_or_else(Matrix3::identity);
    let matrix = wanted.factor * inverse;
    mapped(image, |colour| matrix * (colour - own.mean) + wanted.mean)
}

/// A picture a little brighter or darker, of a little more or less of each colour.
pub(crate) fn varied(image: &Image, draw: &mut Draw) -> Image {
    let gain = 0.08 * draw.normal();
    let gains = Vector3::from_fn(|_, _| (gain + 0.03 * draw.normal()).exp());
    let shift = 0.02 * draw.normal();
    mapped(image, |colour| colour.component_mul(&gains).add_scalar(shift))
}

/// With white noise of this deviation on every value.
pub(crate) fn grained(image: &Image, deviation: f32, draw: &mut Draw) -> Image {
    let values = image.data().iter().map(|v| v + deviation * draw.normal()).collect();
    Image::from_planes(image.height(), image.width(), values)
}

fn mapped(image: &Image, colour: impl Fn(Vector3<f32>) -> Vector3<f32>) -> Image {
    Image::from_fn(image.height(), image.width(), |y, x| colour(Vector3::from(image.pixel(y, x))).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recoloured_picture_has_the_moments_of_the_other() {
        let wave = |a: f32| {
            Image::from_fn(16, 16, |y, x| {
                let t = (y as f32 * 0.7 * a).sin();
                let u = (x as f32 * 1.1).cos();
                [0.5 + 0.3 * t, 0.4 + 0.2 * u, 0.3 + 0.1 * t - 0.1 * u * a]
            })
        };
        let wanted = Colours::of(&wave(1.7));
        let found = Colours::of(&recoloured(&wave(0.6), &wanted));
        assert!((found.mean - wanted.mean).norm() < 1e-4);
        assert!((found.factor - wanted.factor).norm() < 2e-2, "{} {}", found.factor, wanted.factor);
    }
}
