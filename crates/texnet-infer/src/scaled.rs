//! Pictures read at another size, row by row.

use std::ops::Range;
use std::sync::Arc;

use crate::image::Content;

/// How pictures of one size become those of another, by Catmull and Rom's cubic (1974; the kernel is widened where they
/// are reduced).
#[derive(Debug)]
pub struct Resizing {
    rows: Vec<Taps>,
    columns: Vec<Taps>,
}

/// What one row or column is a mixture of: the first of the source's and the shares from it on.
#[derive(Debug, Clone, PartialEq)]
struct Taps {
    first: usize,
    shares: Vec<f32>,
}

impl Resizing {
    /// From a height and width to others, each at least 1.
    #[must_use]
    pub fn new(from: [usize; 2], to: [usize; 2]) -> Self {
        Self { rows: taps(from[0], to[0]), columns: taps(from[1], to[1]) }
    }

    /// The rows of the source that these of the result are made of.
    #[must_use]
    pub fn source_rows(&self, rows: Range<usize>) -> Range<usize> {
        let rows = &self.rows[rows];
        let end = |taps: &Taps| taps.first + taps.shares.len();
        rows.iter().map(|t| t.first).min().unwrap_or(0)..rows.iter().map(end).max().unwrap_or(0)
    }
}

/// A picture at another size. Rows are made when they are read, so the whole is never in memory.
pub struct Scaled<'a> {
    source: &'a dyn Content,
    by: Arc<Resizing>,
}

impl<'a> Scaled<'a> {
    /// `source` at `[height, width]`, each at least 1.
    #[must_use]
    pub fn new(source: &'a dyn Content, size: [usize; 2]) -> Self {
        Self::by(source, Arc::new(Resizing::new(source.size(), size)))
    }

    /// `source`, which has the size that `by` begins with.
    #[must_use]
    pub fn by(source: &'a dyn Content, by: Arc<Resizing>) -> Self {
        Self { source, by }
    }
}

impl std::fmt::Debug for Scaled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scaled({:?} to {:?})", self.source.size(), self.size())
    }
}

impl Content for Scaled<'_> {
    fn size(&self) -> [usize; 2] {
        [self.by.rows.len(), self.by.columns.len()]
    }

    fn read_row(&self, y: usize, x: usize, rgb: [&mut [f32]; 3]) {
        let columns = &self.by.columns[x..x + rgb[0].len()];
        let (Some(start), Some(end)) =
            (columns.iter().map(|t| t.first).min(), columns.iter().map(|t| t.first + t.shares.len()).max())
        else {
            return;
        };
        let width = end - start;
        let (mut row, mut sums) = (vec![0.0; 3 * width], vec![0.0; 3 * width]);
        let Taps { first, shares } = &self.by.rows[y];
        for (source, share) in (*first..).zip(shares) {
            let mut planes = row.chunks_exact_mut(width);
            let rgb = [0; 3].map(|_| planes.next().unwrap_or_default());
            self.source.read_row(source, start, rgb);
            sums.iter_mut().zip(&row).for_each(|(sum, v)| *sum += share * v);
        }
        for (out, sums) in rgb.into_iter().zip(sums.chunks_exact(width)) {
            for (value, Taps { first, shares }) in out.iter_mut().zip(columns) {
                let from = &sums[first - start..];
                *value = from.iter().zip(shares).map(|(v, share)| v * share).sum::<f32>().clamp(0.0, 1.0);
            }
        }
    }
}

/// Those of every row (or column) of `to`, out of `from`; what lies beyond the border is the border's.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let ratio = from as f64 / to as f64;
    let stretch = ratio.max(1.0);
    let last = from as i64 - 1;
    let at = |i: usize| {
        let centre = (i as f64 + 0.5) * ratio - 0.5;
        let [low, high] = [(centre - 2.0 * stretch).ceil() as i64, (centre + 2.0 * stretch).floor() as i64];
        let [first, end] = [low, high].map(|place| place.clamp(0, last) as usize);
        let mut shares = vec![0.0; end - first + 1];
        for place in low..=high {
            shares[place.clamp(0, last) as usize - first] += cubic((place as f64 - centre) / stretch);
        }
        let sum: f64 = shares.iter().sum();
        Taps { first, shares: shares.into_iter().map(|share| (share / sum) as f32).collect() }
    };
    (0..to).map(at).collect()
}

fn cubic(distance: f64) -> f64 {
    match distance.abs() {
        t if t < 1.0 => (1.5 * t - 2.5) * t * t + 1.0,
        t if t < 2.0 => ((2.5 - 0.5 * t) * t - 4.0) * t + 2.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    fn whole(content: &dyn Content) -> Image {
        content.rows(0..content.size()[0])
    }

    /// Red tells the column and green the row, as shares of the sides.
    fn map(height: usize, width: usize) -> Image {
        Image::from_fn(height, width, |y, x| {
            [(x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32, 0.25]
        })
    }

    #[test]
    fn the_same_size_is_the_same_picture_and_gradients_stay_gradients() {
        let image = map(9, 7);
        assert_eq!(whole(&Scaled::new(&image, [9, 7])), image);
        for size in [[4, 5], [30, 12], [1, 40]] {
            let (ours, wanted) = (whole(&Scaled::new(&image, size)), map(size[0], size[1]));
            for y in size[0] / 4..(3 * size[0]).div_ceil(4) {
                for x in size[1] / 3..(2 * size[1]) / 3 {
                    let [a, b] = [&ours, &wanted].map(|image| image.pixel(y, x));
                    assert!((0..3).all(|c| (a[c] - b[c]).abs() < 0.02), "{size:?}: {a:?} and {b:?}");
                }
            }
        }
    }

    #[test]
    fn parts_of_a_row_are_those_of_the_whole_and_ripples_vanish_when_they_cannot_be_shown() {
        let ripple = Image::from_fn(32, 32, |y, x| [((x + y) % 2) as f32, x as f32 / 32.0, 0.5]);
        let scaled = Scaled::new(&ripple, [8, 8]);
        let all = whole(&scaled);
        assert!((all.pixel(4, 4)[0] - 0.5).abs() < 0.05);
        let mut part = [[0.0; 3]; 3];
        let [r, g, b] = &mut part;
        scaled.read_row(5, 2, [r, g, b]);
        assert!((0..3).all(|c| part[c] == all.row(c, 5)[2..5]));
    }

    #[test]
    fn the_rows_that_are_needed_are_told() {
        let resizing = Resizing::new([40, 4], [80, 4]);
        assert_eq!(resizing.source_rows(0..80), 0..40);
        let rows = resizing.source_rows(20..30);
        assert!(rows.start >= 7 && rows.end <= 18, "{rows:?}");
    }
}
