//! Which part of every scale a window of the plane needs.

use texnet_kernels::strip::PHASES;

use crate::fold::FoldedScale;
use crate::image::Window;

/// Coordinates `start .. end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// A rectangle of one scale, in its own pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) rows: Span,
    pub(crate) columns: Span,
}

impl Span {
    pub(crate) fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    pub(crate) fn grown(self, by: i64) -> Self {
        Self { start: self.start - by, end: self.end + by }
    }

    /// The span divided by `by`, rounded outwards.
    pub(crate) fn divided(self, by: i64) -> Self {
        Self { start: self.start.div_euclid(by), end: -(-self.end).div_euclid(by) }
    }

    pub(crate) fn times(self, by: i64) -> Self {
        Self { start: self.start * by, end: self.end * by }
    }

    /// In nearly equal parts of at most this length.
    pub(crate) fn cut(self, longest: i64) -> impl Iterator<Item = Self> {
        let length = self.end - self.start;
        let parts = (length + longest - 1) / longest;
        let border = move |i: i64| self.start + length * i / parts;
        (0..parts).map(move |i| Self { start: border(i), end: border(i + 1) })
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// What lies in both; they overlap.
    pub(crate) fn within(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }
}

impl Region {
    pub(crate) fn map(self, change: impl Fn(Span) -> Span) -> Self {
        Self { rows: change(self.rows), columns: change(self.columns) }
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self { rows: self.rows.union(other.rows), columns: self.columns.union(other.columns) }
    }

    pub(crate) fn within(self, other: Self) -> Self {
        Self { rows: self.rows.within(other.rows), columns: self.columns.within(other.columns) }
    }
}

impl From<Window> for Region {
    fn from(w: Window) -> Self {
        let span = |start: i64, size: usize| Span { start, end: start + size as i64 };
        Self { rows: span(w.y, w.height), columns: span(w.x, w.width) }
    }
}

/// What one scale computes, and what it reads of its noise and content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) output: Region,
    pub(crate) input: Region,
}

/// The first scales are convolved directly; from this one on by Winograd's tiles, whose places a period of the
/// plane must not move: it is a multiple of four pixels there.
pub(crate) const FIRST_TILED: usize = 2;

/// The extents of all scales, from the coarsest to the finest, for this region of the finest.
pub(crate) fn extents(scales: &[FoldedScale], wanted: Region) -> Vec<Extent> {
    let mut needed = wanted;
    let mut extents: Vec<Extent> = (0..scales.len())
        .rev()
        .map(|i| {
            let [side, join] = [&scales[i].side, &scales[i].join].map(|convs| reach(convs));
            let extent = if i < FIRST_TILED { direct(needed, side, join) } else { tiled(needed, side, join) };
            let beside = i64::from(scales[i].smooth);
            needed = extent.1.map(|span| span.grown(beside).divided(2));
            extent.0
        })
        .collect();
    extents.reverse();
    extents
}

fn reach(convs: &[texnet_kernels::Conv]) -> i64 {
    convs.iter().filter(|conv| conv.kernel == 3).count() as i64
}

/// The extent of a scale, and the region of its join.
fn direct(output: Region, side: i64, join: i64) -> (Extent, Region) {
    let joined = output.map(|span| span.grown(join));
    (Extent { output, input: joined.map(|span| span.grown(side)) }, joined)
}

/// Likewise in whole tiles: every convolution reads one more tile than it writes on either side, but uses only
/// one pixel of it.
fn tiled(needed: Region, side: i64, join: i64) -> (Extent, Region) {
    let tile = PHASES as i64;
    let tiles = needed.map(|span| span.divided(tile));
    let output = tiles.map(|span| span.times(tile));
    let input = tiles.map(|span| span.grown(join + side).times(tile));
    let joined = tiles.map(|span| match join {
        0 => span.times(tile),
        _ => span.grown(join - 1).times(tile).grown(1),
    });
    (Extent { output, input }, joined)
}
