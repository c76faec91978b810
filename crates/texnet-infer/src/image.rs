//! Pictures and windows: the exchange types of the workspace.

use std::ops::Range;

/// Shares of red, green and blue in the brightness of an sRGB-coded colour (ITU-R BT.601).
pub const BRIGHTNESS: [f32; 3] = [0.299, 0.587, 0.114];

/// An RGB picture as three planes, shape `[3, height, width]`: sRGB-coded values, nominally in `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    height: usize,
    width: usize,
    data: Vec<f32>,
}

impl Image {
    /// A black picture.
    #[must_use]
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width, data: vec![0.0; 3 * height * width] }
    }

    /// A picture from its three planes, one after the other.
    ///
    /// # Panics
    /// When `data` has another length than `3 * height * width`.
    #[must_use]
    pub fn from_planes(height: usize, width: usize, data: Vec<f32>) -> Self {
        assert_eq!(data.len(), 3 * height * width, "three planes of {height}x{width}");
        Self { height, width, data }
    }

    /// A picture whose pixel `[red, green, blue]` at row `y` and column `x` is `pixel(y, x)`.
    #[must_use]
    pub fn from_fn(height: usize, width: usize, pixel: impl Fn(usize, usize) -> [f32; 3]) -> Self {
        let mut image = Self::new(height, width);
        for y in 0..height {
            for x in 0..width {
                for (c, value) in pixel(y, x).into_iter().enumerate() {
                    image.data[(c * height + y) * width + x] = value;
                }
            }
        }
        image
    }

    /// A part of the picture.
    ///
    /// # Panics
    /// When it reaches beyond the picture.
    #[must_use]
    pub fn part(&self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let lines = (0..3).flat_map(|c| rows.clone().map(move |y| (c, y)));
        let values = lines.flat_map(|(c, y)| &self.row(c, y)[columns.clone()]);
        Self::from_planes(rows.len(), columns.len(), values.copied().collect())
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, plane after plane.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, plane after plane.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Channel `c` (0 red, 1 green, 2 blue), row after row.
    #[must_use]
    pub fn plane(&self, c: usize) -> &[f32] {
        let plane = self.height * self.width;
        &self.data[c * plane..(c + 1) * plane]
    }

    /// Row `y` of channel `c` (0 red, 1 green, 2 blue).
    #[must_use]
    pub fn row(&self, c: usize, y: usize) -> &[f32] {
        let start = (c * self.height + y) * self.width;
        &self.data[start..start + self.width]
    }

    /// Row `y` of channel `c` (0 red, 1 green, 2 blue).
    pub fn row_mut(&mut self, c: usize, y: usize) -> &mut [f32] {
        let start = (c * self.height + y) * self.width;
        &mut self.data[start..start + self.width]
    }

    /// `[red, green, blue]` at row `y` and column `x`.
    #[must_use]
    pub fn pixel(&self, y: usize, x: usize) -> [f32; 3] {
        [0, 1, 2].map(|c| self.data[(c * self.height + y) * self.width + x])
    }

    /// At half the size: see [`halved`].
    #[must_use]
    pub fn halved(&self) -> Self {
        let size = [self.height, self.width];
        let planes = [0, 1, 2].map(|c| halved(self.plane(c), size));
        Self::from_planes(self.height / 2, self.width / 2, planes.concat())
    }
}

/// Means of 2x2 of one channel; the last row or column of an odd side is left out.
#[must_use]
pub fn halved(plane: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let mut out = Vec::with_capacity((height / 2) * (width / 2));
    for y in 0..height / 2 {
        let [above, below] = [2 * y, 2 * y + 1].map(|y| plane[y * width..(y + 1) * width].chunks_exact(2));
        out.extend(above.zip(below).map(|(a, b)| 0.25 * ((a[0] + a[1]) + (b[0] + b[1]))));
    }
    out
}

/// A rectangle of the plane, in pixels: columns `x .. x + width`, rows `y .. y + height`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Leftmost column; may be negative.
    pub x: i64,
    /// Topmost row; may be negative.
    pub y: i64,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Window {
    /// The window of this size whose top left pixel is the origin of the plane.
    #[must_use]
    pub fn sized(width: usize, height: usize) -> Self {
        Self { x: 0, y: 0, width, height }
    }
}

/// The photograph that a style network dresses, read by rows so that it may live in any storage.
///
/// Beyond its edges the engine continues it by reflection.
pub trait Content: Sync {
    /// `[height, width]` in pixels, each at least 1.
    fn size(&self) -> [usize; 2];

    /// Writes the sRGB-coded values in `[0, 1]` of row `y` from column `x` on: `rgb[c][i]` is channel `c`
    /// of column `x + i`. The three slices have one length, and the row has that many columns left.
    fn read_row(&self, y: usize, x: usize, rgb: [&mut [f32]; 3]);

    /// Some of the rows as a picture in memory.
    fn rows(&self, rows: Range<usize>) -> Image {
        let [_, width] = self.size();
        let mut image = Image::new(rows.len(), width);
        for (y, row) in rows.clone().enumerate() {
            let mut planes = image.data.chunks_exact_mut((rows.len() * width).max(1));
            let rgb =
                [0; 3].map(|_| planes.next().map_or(&mut [][..], |p| &mut p[y * width..(y + 1) * width]));
            self.read_row(row, 0, rgb);
        }
        image
    }
}

impl Content for Image {
    fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    fn read_row(&self, y: usize, x: usize, rgb: [&mut [f32]; 3]) {
        for (c, out) in rgb.into_iter().enumerate() {
            out.copy_from_slice(&self.row(c, y)[x..x + out.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_pixels_of_its_rows_and_columns() {
        let image = Image::from_fn(5, 7, |y, x| [y as f32, x as f32, (y * x) as f32]);
        let part = image.part(1..4, 2..7);
        assert_eq!([part.height(), part.width()], [3, 5]);
        assert_eq!(part, Image::from_fn(3, 5, |y, x| image.pixel(y + 1, x + 2)));
    }
}
