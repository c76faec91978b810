//! Pictures for the tests.

use texnet_infer::Image;

use crate::draw::{Draw, Stream};

/// A coloured texture on a torus: sixty random waves.
pub(crate) fn texture(seed: usize, height: usize, width: usize) -> Image {
    let mut draw = Draw::new(Stream::Queries);
    (0..400 * seed).for_each(|_| _ = draw.uniform());
    let mut waves = [[0.0_f32; 6]; 60];
    for wave in &mut waves {
        let turns =
            |draw: &mut Draw, side: usize| ((draw.uniform() - 0.5) * side as f64 / 4.0).round() as f32;
        *wave = [
            turns(&mut draw, height) / height as f32,
            turns(&mut draw, width) / width as f32,
            0.0,
            0.0,
            0.0,
            0.0,
        ];
        wave[2..].iter_mut().for_each(|v| *v = draw.uniform() as f32);
    }
    Image::from_fn(height, width, |y, x| {
        let mut pixel = [0.5; 3];
        for [down, right, phase, colour @ ..] in &waves {
            let angle = std::f32::consts::TAU * (down * y as f32 + right * x as f32 + phase);
            pixel.iter_mut().zip(colour).for_each(|(v, c)| *v += 0.04 * c * angle.sin());
        }
        pixel
    })
}

/// Means of 3x3 pixels on the torus.
pub(crate) fn blurred(image: &Image) -> Image {
    let (h, w) = (image.height(), image.width());
    Image::from_fn(h, w, |y, x| {
        let around = (0..9).map(|i| image.pixel((y + h + i / 3 - 1) % h, (x + w + i % 3 - 1) % w));
        around.fold([0.0; 3], |sum, p| [0, 1, 2].map(|c| sum[c] + p[c] / 9.0))
    })
}

/// The top left corner of this size, repeated.
pub(crate) fn tiled(image: &Image, [rows, columns]: [usize; 2], [height, width]: [usize; 2]) -> Image {
    Image::from_fn(height, width, |y, x| image.pixel(y % rows, x % columns))
}
