//! Planes with a margin, and the gradient of making one.

use rayon::prelude::*;

use super::taps::SLACK;
use crate::pad::Border;

/// Values that are copied by one thread before another is asked to help.
const PARALLEL: usize = 1 << 15;

/// Planes `[channels, height, width]` in memory, rows one after the other.
#[derive(Debug, Clone)]
pub struct Padded {
    pub(crate) data: Vec<f32>,
    /// Rows and columns with the margin.
    pub(crate) size: [usize; 2],
}

impl Border {
    /// Which of `size` rows (or columns) stands `offset` behind the first, which may be negative; none for zeros.
    #[must_use]
    pub fn index(self, offset: isize, size: usize) -> Option<usize> {
        let last = size as isize - 1;
        if (0..=last).contains(&offset) {
            return Some(offset as usize);
        }
        match self {
            Self::Zero => None,
            Self::Circular => Some(offset.rem_euclid(size as isize) as usize),
            Self::Replicate => Some(offset.clamp(0, last) as usize),
            Self::Reflect if last == 0 => Some(0),
            Self::Reflect => {
                let phase = offset.rem_euclid(2 * last);
                Some(phase.min(2 * last - phase) as usize)
            }
        }
    }
}

impl Padded {
    /// The planes with `margin` more rows and columns on every side.
    #[must_use]
    pub fn new(planes: &[f32], [height, width]: [usize; 2], margin: usize, border: Border) -> Self {
        let size = [height + 2 * margin, width + 2 * margin];
        let channels = planes.len() / (height * width);
        let mut data = vec![0.0; channels * size[0] * size[1] + SLACK];
        let columns = Margins::new(margin, width, border);
        let fill = |(padded, plane): (&mut [f32], &[f32])| {
            for (y, out) in padded.chunks_exact_mut(size[1]).enumerate() {
                if let Some(y) = border.index(y as isize - margin as isize, height) {
                    columns.fill(out, &plane[y * width..(y + 1) * width]);
                }
            }
        };
        let work = data.par_chunks_exact_mut(size[0] * size[1]).zip(planes.par_chunks_exact(height * width));
        work.with_min_len((PARALLEL / (height * width)).max(1)).for_each(fill);
        Self { data, size }
    }

    /// Where the row `y` of plane `c` begins.
    #[must_use]
    pub(crate) fn offset(&self, c: usize, y: usize) -> usize {
        (c * self.size[0] + y) * self.size[1]
    }

    /// The values of one padded plane.
    #[cfg(test)]
    pub(crate) fn plane(&self, c: usize) -> &[f32] {
        &self.data[self.offset(c, 0)..self.offset(c + 1, 0)]
    }
}

/// What stands left and right of a row.
struct Margins {
    left: Vec<Option<usize>>,
    right: Vec<Option<usize>>,
}

impl Margins {
    fn new(margin: usize, width: usize, border: Border) -> Self {
        let at = |x: usize| border.index(x as isize - margin as isize, width);
        Self {
            left: (0..margin).map(at).collect(),
            right: (margin + width..width + 2 * margin).map(at).collect(),
        }
    }

    fn fill(&self, out: &mut [f32], row: &[f32]) {
        let (left, rest) = out.split_at_mut(self.left.len());
        let (middle, right) = rest.split_at_mut(row.len());
        let value = |x: &Option<usize>| x.map_or(0.0, |x| row[x]);
        left.iter_mut().zip(&self.left).for_each(|(v, x)| *v = value(x));
        middle.copy_from_slice(row);
        right.iter_mut().zip(&self.right).for_each(|(v, x)| *v = value(x));
    }
}

/// The adjoint of [`Padded::new`] for one plane: what lies in the margin is added to where it came from.
pub(crate) fn fold(
    padded: &[f32],
    margin: usize,
    border: Border,
    [height, width]: [usize; 2],
    out: &mut [f32],
) {
    out.fill(0.0);
    for (y, row) in padded.chunks_exact(width + 2 * margin).enumerate() {
        let Some(y) = border.index(y as isize - margin as isize, height) else { continue };
        for (x, value) in row.iter().enumerate() {
            if let Some(x) = border.index(x as isize - margin as isize, width) {
                out[y * width + x] += value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BORDERS: [Border; 4] = [Border::Circular, Border::Reflect, Border::Replicate, Border::Zero];

    #[test]
    fn one_pixel_of_margin_is_that_of_inference() {
        for border in BORDERS {
            for size in 1..6 {
                for padded in 0..size + 2 {
                    assert_eq!(
                        border.index(padded as isize - 1, size),
                        border.source(padded, size),
                        "{border:?} {size}"
                    );
                }
            }
        }
    }

    #[test]
    fn folding_is_the_adjoint_of_padding() {
        let value = |i: usize| ((i * 37 + 11) % 23) as f32 - 11.0;
        for border in BORDERS {
            for (size, margin) in [([4, 5], 2), ([3, 3], 1), ([2, 3], 4), ([1, 6], 1)] {
                let plane: Vec<f32> = (0..size[0] * size[1]).map(value).collect();
                let padded = Padded::new(&plane, size, margin, border);
                let other: Vec<f32> = (0..padded.plane(0).len()).map(|i| value(i + 5)).collect();
                let mut folded = vec![0.0; plane.len()];
                fold(&other, margin, border, size, &mut folded);
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                assert_eq!(
                    dot(padded.plane(0), &other),
                    dot(&plane, &folded),
                    "{border:?} {size:?} {margin}"
                );
            }
        }
    }
}
