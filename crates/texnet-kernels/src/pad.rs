//! Borders of whole maps.

use std::ops::Range;

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
    pad_rows(input, border, 0..input.height() + 2)
}

/// Some rows of [`pad`]'s result.
#[must_use]
pub fn pad_rows(input: &Map, border: Border, rows: Range<usize>) -> Map {
    let [height, width] = [input.height(), input.width()];
    let mut out = Map::new(input.channels(), rows.len(), width + 2);
    for (y, padded_row) in rows.enumerate() {
        let Some(source) = border.source(padded_row, height) else { continue };
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
