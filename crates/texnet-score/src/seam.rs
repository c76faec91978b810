//! `seam`: whether the picture can be laid beside itself.
//!
//! The mean absolute difference between the last row and the first, divided by the mean between neighbouring rows inside;
//! the same for columns; the larger of the two. About 1: no seam; pictures that were not made as tiles have several
//! times as much, the more the smoother they are.

use texnet_infer::Image;

/// Added to both differences, a quarter of a step of 8 bits, so that flat pictures have no seam.
const FLOOR: f64 = 1e-3;

/// The ratio, above 0. The picture has at least two rows and columns.
pub(crate) fn seam(image: &Image) -> f64 {
    let [height, width] = [image.height(), image.width()];
    let rows: Vec<f64> = (0..height).map(|y| rows_apart(image, y, (y + 1) % height)).collect();
    let columns: Vec<f64> = (0..width).map(|x| columns_apart(image, x, (x + 1) % width)).collect();
    ratio(&rows).max(ratio(&columns))
}

/// The last, which lies across the border, in relation to the mean of the others.
fn ratio(differences: &[f64]) -> f64 {
    let (border, inside) = (differences[differences.len() - 1], &differences[..differences.len() - 1]);
    (border + FLOOR) / (inside.iter().sum::<f64>() / inside.len() as f64 + FLOOR)
}

fn rows_apart(image: &Image, y: usize, other: usize) -> f64 {
    let pairs = (0..3).flat_map(|c| image.row(c, y).iter().zip(image.row(c, other)));
    pairs.map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / (3 * image.width()) as f64
}

fn columns_apart(image: &Image, x: usize, other: usize) -> f64 {
    let rows = (0..3).flat_map(|c| (0..image.height()).map(move |y| image.row(c, y)));
    rows.map(|row| f64::from((row[x] - row[other]).abs())).sum::<f64>() / (3 * image.height()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texture;

    #[test]
    fn it_is_the_difference_across_the_border_over_that_inside() {
        // Rows 0, 0.25, 0.5, 0.75: steps of 0.25 inside, 0.75 across; columns do not differ.
        let image = Image::from_fn(4, 3, |y, _| [0.25 * y as f32; 3]);
        assert!((seam(&image) - 0.751 / 0.251).abs() < 1e-9);
        let turned = Image::from_fn(3, 4, |_, x| [0.25 * x as f32; 3]);
        assert!((seam(&turned) - 0.751 / 0.251).abs() < 1e-9);
        assert_eq!(seam(&Image::new(5, 5)), 1.0);
    }

    #[test]
    fn a_torus_has_no_seam_and_what_is_cut_from_it_has() {
        let torus = texture(6, 96, 80);
        let whole = seam(&torus);
        assert!((0.7..1.4).contains(&whole), "{whole}");
        let rolled = Image::from_fn(96, 80, |y, x| torus.pixel((y + 31) % 96, (x + 17) % 80));
        assert!((0.7..1.4).contains(&seam(&rolled)));
        let cut = Image::from_fn(77, 80, |y, x| torus.pixel(y, x));
        assert!(seam(&cut) > 2.0 * whole, "{}", seam(&cut));
    }
}
