//! Windows of a plane, and whether they are the same.

use texnet_infer::{Image, Plane, Window};

pub(crate) fn window(plane: &Plane, x: i64, y: i64, width: usize, height: usize) -> Image {
    plane.window(Window { x, y, width, height }).expect("a window of the plane")
}

pub(crate) fn crop(image: &Image, x: usize, y: usize, width: usize, height: usize) -> Image {
    Image::from_fn(height, width, |row, column| image.pixel(y + row, x + column))
}

pub(crate) fn bits(image: &Image) -> Vec<u32> {
    image.data().iter().map(|v| v.to_bits()).collect()
}

pub(crate) fn assert_same(a: &Image, b: &Image, what: &str) {
    assert_eq!([a.height(), a.width()], [b.height(), b.width()], "{what}");
    assert!(bits(a) == bits(b), "{what}: bits differ");
}
