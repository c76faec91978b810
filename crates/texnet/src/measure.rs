//! What a picture tells about itself before anything is learned.

use texnet_infer::Image;

/// Correlation at which neighbouring places count as another object.
const CORRELATED: f64 = 0.3;

/// How large the objects of a texture are, in pixels: the distance over which its brightness stays correlated, the
/// geometric mean of that along rows and columns. Round objects are three to four times as wide.
#[must_use]
pub fn object_size(image: &Image) -> f32 {
    let [height, width] = [image.height(), image.width()];
    let grey: Vec<f64> = (0..height * width)
        .map(|i| image.pixel(i / width, i % width).iter().map(|&v| f64::from(v)).sum::<f64>() / 3.0)
        .collect();
    let mean = grey.iter().sum::<f64>() / grey.len() as f64;
    let centred: Vec<f64> = grey.iter().map(|v| v - mean).collect();
    let along = |step: [usize; 2], limit: usize| {
        let power = correlation(&centred, [height, width], [0, 0]).max(1e-12);
        let falls =
            |d: &usize| correlation(&centred, [height, width], step.map(|s| s * d)) < CORRELATED * power;
        (1..limit / 2).find(falls).unwrap_or(limit / 2) as f32
    };
    (along([1, 0], height) * along([0, 1], width)).sqrt()
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
mod tests {
    use super::*;

    #[test]
    fn larger_objects_measure_larger() {
        let blocks = |side: usize| {
            Image::from_fn(96, 96, |y, x| {
                let [a, b] = [(y / side) as u32, (x / side) as u32];
                [((a.wrapping_mul(2_654_435_761) ^ b.wrapping_mul(40_503)).wrapping_mul(97) >> 7 & 255)
                    as f32
                    / 255.0; 3]
            })
        };
        let [small, large] = [object_size(&blocks(4)), object_size(&blocks(16))];
        assert!(small < 6.0 && large > 8.0, "{small} {large}");
    }
}
