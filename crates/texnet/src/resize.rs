//! Pictures at another size.

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Rgb};
use texnet_infer::Image;

/// The picture at `[height, width]`, by Lanczos resampling of three lobes.
///
/// # Panics
/// When a side is beyond 2^32.
#[must_use]
pub fn resize(image: &Image, [height, width]: [usize; 2]) -> Image {
    let side = |side: usize| u32::try_from(side).expect("sides of less than 2^32");
    let pixel = |x: u32, y: u32| Rgb(image.pixel(y as usize, x as usize));
    let pixels = ImageBuffer::<Rgb<f32>, Vec<f32>>::from_fn(side(image.width()), side(image.height()), pixel);
    let resized = imageops::resize(&pixels, side(width), side(height), FilterType::Lanczos3);
    Image::from_fn(height, width, |y, x| resized.get_pixel(side(x), side(y)).0.map(|v| v.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_stay_the_same_size_is_the_same_picture_and_ripples_vanish_when_they_cannot_be_shown() {
        let grey = Image::from_fn(9, 13, |_, _| [0.25, 0.5, 0.75]);
        let resized = resize(&grey, [20, 5]);
        assert!((0..20).all(|y| (0..5).all(|x| (resized.pixel(y, x)[2] - 0.75).abs() < 1e-5)));
        let image = Image::from_fn(8, 8, |y, x| [y as f32 / 8.0, x as f32 / 8.0, 0.5]);
        let same = resize(&image, [8, 8]);
        assert!(image.data().iter().zip(same.data()).all(|(a, b)| (a - b).abs() < 1e-6));
        let ripple = Image::from_fn(32, 32, |y, x| [((x + y) % 2) as f32; 3]);
        let small = resize(&ripple, [8, 8]);
        assert!((small.pixel(4, 4)[0] - 0.5).abs() < 0.05);
    }
}
