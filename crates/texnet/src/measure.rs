//! What a picture tells about itself before anything is learned.

use texnet_infer::Image;

use crate::resize::resize;

/// Correlation at which neighbouring places count as another object.
const CORRELATED: f64 = 0.1;
/// Objects are not followed farther than this, in pixels.
const FARTHEST: usize = 64;
/// Objects that are larger than this along rows and along columns are not learned whole.
const LARGEST: f32 = 40.0;
/// Size at which they are.
const LEARNED: f32 = 16.0;

/// How large the objects of a texture are, in pixels: the distance over which its brightness stays correlated, along rows or
/// columns, whichever is longer: bands and bricks are large in one direction. Round objects are twice as wide. At most 64, and
/// half of the picture.
#[must_use]
pub fn object_size(image: &Image) -> f32 {
    let [rows, columns] = extents(image);
    rows.max(columns)
}

/// At which scale the objects of a texture are learned whole, and how many pixels they have; none if they are small enough,
/// or so large that the picture shows no more than a few.
#[must_use]
pub fn advised_scale(image: &Image) -> Option<(f32, f32)> {
    let size = shorter_extent(image);
    let most = image.height().min(image.width()) as f32 / 4.0;
    (size > LARGEST && size < most).then(|| (LEARNED / size, 2.0 * size))
}

/// Along rows or columns, whichever is shorter, followed as far as the picture allows.
fn shorter_extent(image: &Image) -> f32 {
    let [rows, columns] = extents(image);
    let half = [image.height() / 2, image.width() / 2];
    if rows.min(columns) < FARTHEST as f32 || half[0].min(half[1]) < 2 * FARTHEST {
        return rows.min(columns);
    }
    2.0 * shorter_extent(&resize(image, half))
}

/// The distances over which brightness stays correlated, along rows and along columns.
fn extents(image: &Image) -> [f32; 2] {
    let [height, width] = [image.height(), image.width()];
    let grey: Vec<f64> = (0..height * width)
        .map(|i| image.pixel(i / width, i % width).iter().map(|&v| f64::from(v)).sum::<f64>() / 3.0)
        .collect();
    let mean = grey.iter().sum::<f64>() / grey.len() as f64;
    let centred: Vec<f64> = grey.iter().map(|v| v - mean).collect();
    let along = |step: [usize; 2], side: usize| {
        let limit = FARTHEST.min(side / 2);
        let power = correlation(&centred, [height, width], [0, 0]).max(1e-12);
        let falls =
            |d: &usize| correlation(&centred, [height, width], step.map(|s| s * d)) < CORRELATED * power;
        (1..limit).find(falls).unwrap_or(limit) as f32
    };
    [along([1, 0], height), along([0, 1], width)]
}

/// The mean product of values that lie `[rows, columns]` apart.
fn correlation(values: &[f64], [height, width]: [usize; 2], [rows, columns]: [usize; 2]) -> f64 {
    let line = |y: usize| {
        let here = &values[y * width..(y + 1) * width - columns];
        let there = &values[(y + rows) * width + columns..(y + rows + 1) * width];
        here.iter().zip(there).map(|(a, b)| a * b).sum::<f64>()
    };
    let sum: f64 = (0..height - rows).map(line).sum();
    sum / ((height - rows) * (width - columns)) as f64
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A square of blocks of so many rows and columns, of random greys.
    pub(crate) fn blocks([rows, columns]: [usize; 2], side: usize) -> Image {
        Image::from_fn(side, side, |y, x| {
            let [a, b] = [(y / rows) as u32, (x / columns) as u32];
            let mixed = (a.wrapping_mul(2_654_435_761) ^ b.wrapping_mul(40_503)).wrapping_mul(97);
            [(mixed >> 7 & 255) as f32 / 255.0; 3]
        })
    }

    #[test]
    fn larger_objects_measure_larger() {
        let [small, large] = [[4, 4], [16, 16]].map(|sides| object_size(&blocks(sides, 96)));
        assert!(small < 6.0 && large >= 12.0, "{small} {large}");
    }

    #[test]
    fn long_objects_are_large() {
        let [wide, high] = [[4, 24], [24, 4]].map(|sides| object_size(&blocks(sides, 96)));
        assert!(wide >= 16.0 && high >= 16.0, "{wide} {high}");
    }

    #[test]
    fn a_scale_is_advised_where_objects_are_large_in_both_directions() {
        for sides in [[24, 24], [24, 200], [200, 24]] {
            assert_eq!(advised_scale(&blocks(sides, 1024)), None, "{sides:?}");
        }
        let slope = Image::from_fn(1024, 1024, |y, x| [(y + x) as f32 / 2048.0; 3]);
        assert_eq!(advised_scale(&slope), None);
        for side in [60, 150] {
            let (scale, size) = advised_scale(&blocks([side; 2], 1024)).expect("an advice");
            let learned = scale * side as f32;
            assert!((12.0..30.0).contains(&learned) && size > side as f32, "{side} {scale} {size}");
        }
    }

    #[test]
    fn a_slope_is_followed_to_a_limit() {
        let slope = |side| Image::from_fn(side, side, |_, x| [x as f32 / side as f32; 3]);
        assert_eq!([32, 512].map(|side| object_size(&slope(side))), [16.0, 64.0]);
    }
}
