//! What at the edges of a picture does not belong to its texture: captions, watermarks, frames.

use std::ops::Range;

use texnet_infer::Image;

/// An edge is left out to one part of this many of the picture at most.
const DEEPEST: usize = 8;
/// Levels of a channel that are told apart.
const LEVELS: usize = 16;
/// A colour is foreign when at most this share of the picture's middle has it, or one like it.
const SHARE: f32 = 2e-4;
/// A line at an edge is left out when one of this many of its pixels is foreign.
const FOREIGN: usize = 32;

/// A picture of a texture without its margins: the rows and columns at each edge, an eighth of the picture at most, up to the
/// last in which one of 32 pixels has a colour that the middle of the picture does not have.
#[must_use]
pub fn without_margins(image: &Image) -> Image {
    let [rows, columns] = inside(image);
    image.part(rows, columns)
}

/// Rows and columns of a picture within its margins.
#[must_use]
pub fn inside(image: &Image) -> [Range<usize>; 2] {
    let foreign = Foreign::of(image);
    let mut kept = Kept { rows: 0..image.height(), columns: 0..image.width() };
    // What is the most foreign for what it takes goes first: a caption is wide or high.
    while let Some((_, next)) =
        EDGES.iter().filter_map(|&edge| foreign.cut(&kept, edge)).max_by(|a, b| a.0.total_cmp(&b.0))
    {
        kept = next;
    }
    [kept.rows, kept.columns]
}

#[derive(Debug, Clone, Copy)]
enum Edge {
    Top,
    Bottom,
    Left,
    Right,
}

const EDGES: [Edge; 4] = [Edge::Top, Edge::Bottom, Edge::Left, Edge::Right];

/// What is kept of a picture.
#[derive(Debug, Clone)]
struct Kept {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Kept {
    /// Parted in so many lines at an edge, and what lies behind them.
    fn parted(&self, edge: Edge, lines: usize) -> [Self; 2] {
        let [rows, columns] = [self.rows.clone(), self.columns.clone()];
        let of_rows = |rows| Self { rows, columns: columns.clone() };
        let of_columns = |columns| Self { rows: rows.clone(), columns };
        match edge {
            Edge::Top => [rows.start..rows.start + lines, rows.start + lines..rows.end].map(of_rows),
            Edge::Bottom => [rows.end - lines..rows.end, rows.start..rows.end - lines].map(of_rows),
            Edge::Left => {
                [columns.start..columns.start + lines, columns.start + lines..columns.end].map(of_columns)
            }
            Edge::Right => {
                [columns.end - lines..columns.end, columns.start..columns.end - lines].map(of_columns)
            }
        }
    }

    fn area(&self) -> usize {
        self.rows.len() * self.columns.len()
    }
}

/// The pixels whose colours the middle of their picture does not have.
struct Foreign {
    pixels: Vec<bool>,
    size: [usize; 2],
}

impl Foreign {
    fn of(image: &Image) -> Self {
        let size = [image.height(), image.width()];
        let [deep, wide] = size.map(|side| side / DEEPEST);
        let level = |v: f32| ((v * LEVELS as f32) as usize).min(LEVELS - 1);
        let mut counts = vec![0_usize; LEVELS.pow(3)];
        let index = |levels: [usize; 3]| (levels[0] * LEVELS + levels[1]) * LEVELS + levels[2];
        for y in deep..size[0] - deep {
            for x in wide..size[1] - wide {
                counts[index(image.pixel(y, x).map(level))] += 1;
            }
        }
        let middle = (size[0] - 2 * deep) * (size[1] - 2 * wide);
        let few = (SHARE * middle as f32) as usize;
        let foreign: Vec<bool> = (0..counts.len()).map(|i| alike(&counts, i) <= few).collect();
        let pixel = |i: usize| foreign[index(image.pixel(i / size[1], i % size[1]).map(level))];
        Self { pixels: (0..size[0] * size[1]).map(pixel).collect(), size }
    }

    fn count(&self, part: &Kept) -> usize {
        let row = |y: usize| &self.pixels[y * self.size[1]..][part.columns.clone()];
        part.rows.clone().map(|y| row(y).iter().filter(|&&foreign| foreign).count()).sum()
    }

    /// What is left without the margin at an edge that has the largest share of foreign pixels, and that share; none when
    /// there is none.
    fn cut(&self, kept: &Kept, edge: Edge) -> Option<(f32, Kept)> {
        let [height, width] = self.size;
        let (gone, side) = match edge {
            Edge::Top => (kept.rows.start, height),
            Edge::Bottom => (height - kept.rows.end, height),
            Edge::Left => (kept.columns.start, width),
            Edge::Right => (width - kept.columns.end, width),
        };
        let mut sum = 0;
        let mut most: Option<(f32, Kept)> = None;
        for lines in 1..=side / DEEPEST - gone {
            let [margin, left] = kept.parted(edge, lines);
            let [_, line] = margin.parted(edge, lines - 1);
            let count = self.count(&line);
            sum += count;
            let share = sum as f32 / margin.area() as f32;
            if FOREIGN * count >= line.area() && most.as_ref().is_none_or(|(before, _)| share >= *before) {
                most = Some((share, left));
            }
        }
        most
    }
}

/// How many pixels have a colour, or one that differs by one level in any channel.
fn alike(counts: &[usize], colour: usize) -> usize {
    let near = |level: usize| level.saturating_sub(1)..(level + 2).min(LEVELS);
    let [r, g, b] = [colour / LEVELS / LEVELS, colour / LEVELS % LEVELS, colour % LEVELS].map(near);
    let of_blues = |first: usize| counts[first + b.start..first + b.end].iter().sum::<usize>();
    r.flat_map(|r| g.clone().map(move |g| (r * LEVELS + g) * LEVELS)).map(of_blues).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 64;

    /// A reddish texture, and white wherever something else is.
    fn texture(other: impl Fn(usize, usize) -> bool) -> Image {
        Image::from_fn(SIDE, SIDE, |y, x| {
            let grey = (y * 7 + x * 13) % 32;
            if other(y, x) { [1.0; 3] } else { [0.4 + grey as f32 / 80.0, 0.2, 0.1] }
        })
    }

    #[test]
    fn a_texture_has_no_margins() {
        let image = texture(|_, _| false);
        assert_eq!(inside(&image), [0..SIDE, 0..SIDE]);
        assert_eq!(without_margins(&image), image);
    }

    #[test]
    fn captions_are_left_out_at_the_edge_where_least_is_lost() {
        let wide = |y: usize, x: usize| y >= SIDE - 5 && x < 24 && !(y + x).is_multiple_of(3);
        assert_eq!(inside(&texture(wide)), [0..SIDE - 5, 0..SIDE]);
        assert_eq!(inside(&texture(|y, x| wide(x, y))), [0..SIDE, 0..SIDE - 5]);
        let kept = without_margins(&texture(wide));
        assert_eq!([kept.height(), kept.width()], [SIDE - 5, SIDE]);
        assert_eq!(kept.pixel(SIDE - 6, 3), texture(|_, _| false).pixel(SIDE - 6, 3));
    }

    #[test]
    fn frames_are_left_out() {
        let frame = |y: usize, x: usize| !(2..SIDE - 3).contains(&y) || !(4..SIDE - 5).contains(&x);
        assert_eq!(inside(&texture(frame)), [2..SIDE - 3, 4..SIDE - 5]);
    }

    #[test]
    fn what_is_large_or_in_the_middle_belongs_to_the_texture() {
        let large = |_, x: usize| x < SIDE / 3;
        let middle = |y: usize, x: usize| (30..34).contains(&y) && (10..40).contains(&x);
        for image in [texture(large), texture(middle), texture(|y, x| large(y, x) || middle(x, y))] {
            assert_eq!(inside(&image), [0..SIDE, 0..SIDE]);
        }
    }

    #[test]
    fn the_smallest_pictures_are_kept() {
        for side in [1, 2, 7] {
            let image = Image::from_fn(side, side, |y, x| [(y * x) as f32 / 49.0; 3]);
            assert_eq!(inside(&image), [0..side, 0..side]);
        }
    }
}
