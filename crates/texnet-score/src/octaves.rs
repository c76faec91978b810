//! A picture at half its size, again and again.

use texnet_infer::Image;

/// The picture, its half, quarter and so on: at most `count`, as long as both sides have at least `side` pixels.
pub(crate) fn octaves(image: &Image, count: usize, side: usize) -> Vec<Image> {
    let large = |image: &Image| image.height() >= side && image.width() >= side;
    let smaller = |image: &Image| Some(image.halved()).filter(large);
    std::iter::successors(Some(image.clone()).filter(large), smaller).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sides_lose_a_pixel_and_small_pictures_octaves() {
        let image = Image::from_fn(5, 7, |y, x| [y as f32, x as f32, 1.0]);
        let small = image.halved();
        assert_eq!([small.height(), small.width()], [2, 3]);
        assert_eq!(small.pixel(1, 2), [2.5, 4.5, 1.0]);
        let sizes =
            |side| octaves(&Image::new(29, 56), 4, side).iter().map(Image::height).collect::<Vec<_>>();
        assert_eq!(sizes(7), [29, 14, 7]);
        assert_eq!(sizes(1), [29, 14, 7, 3]);
        assert_eq!(sizes(30), [0; 0]);
    }
}
