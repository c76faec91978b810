//! Borders of whole maps.

use crate::map::Map;

/// What lies beyond the border of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// The opposite border.
    Circular,
    /// The mirror image, the border itself not repeated.
    Reflect,
    /// The nearest value.
    Replicate,
    /// Zeros.
    Zero,
}

impl Border {
    /// Which of `size` rows (or columns) stands at `padded` after one was added on either side; none for zeros.
    #[must_use]
    pub fn source(self, padded: usize, size: usize) -> Option<usize> {
        let last = size - 1;
        match (self, padded) {
            (_, p) if (1..=size).contains(&p) => Some(p - 1),
            (Self::Zero, _) => None,
            (Self::Circular, 0) | (Self::Replicate, 1..) => Some(last),
            (Self::Circular, _) | (Self::Replicate, 0) => Some(0),
            (Self::Reflect, 0) => Some(1.min(last)),
            (Self::Reflect, _) => Some(last.saturating_sub(1)),
        }
    }
}

/// One more row and column on every side.
#[must_use]
pub fn pad(input: &Map, border: Border) -> Map {
    let [height, width] = [input.height(), input.width()];
    let mut out = Map::new(input.channels(), height + 2, width + 2);
    for y in 0..height + 2 {
        let Some(source) = border.source(y, height) else { continue };
        for c in 0..input.channels() {
            let row = input.row(c, source);
            let padded = out.row_mut(c, y);
            padded[1..=width].copy_from_slice(row);
            padded[0] = border.source(0, width).map_or(0.0, |x| row[x]);
            padded[width + 1] = border.source(width + 1, width).map_or(0.0, |x| row[x]);
        }
    }
    out
}
