//! A rolling strip of features: a few groups of four rows, laid out so that Winograd's tiles are read by vectors.
//!
//! Column `x` of a row is phase `x mod 4` of tile `x div 4`, and the tiles of one phase lie together. The six
//! columns that neighbouring tiles need are then six plain loads: phase 3 of the tile before, phases 0 to 3, phase
//! 0 of the tile after.

mod group;

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};

use crate::conv::DirectConv;
use crate::map::Map;
use crate::panel::{self, Source};
use crate::resample;
pub use group::GroupMut;

/// Columns of a tile, and rows of a group.
pub const PHASES: usize = 4;
/// Values behind the tiles of a phase that a kernel may write when it rounds their number up.
const SLACK: usize = 9;

/// Features of some groups of four rows; the layout is `[slot, channel, row, phase, tile]`, and a group lies in the
/// slot of its number modulo their count.
#[derive(Debug, Clone, Default)]
pub struct Strip {
    channels: usize,
    stride: usize,
    slots: usize,
    data: Vec<f32>,
}

/// Where one row of tiles is read and written.
#[derive(Debug, Clone, Copy)]
pub struct TileRow {
    /// Which group of four rows: those from `4 * group` on.
    pub group: i64,
    /// Position of the first tile.
    pub first: usize,
    /// Number of tiles.
    pub count: usize,
    /// First channel of the strip that is written.
    pub channel: usize,
}

impl Strip {
    /// A strip of zeros with room for `tiles` tiles in a row and `slots` groups.
    #[must_use]
    pub fn new(channels: usize, tiles: usize, slots: usize) -> Self {
        let mut strip = Self::default();
        strip.reshape(channels, tiles, slots);
        strip
    }

    /// Makes it a strip of this shape; its values are whatever the memory held before.
    pub fn reshape(&mut self, channels: usize, tiles: usize, slots: usize) {
        self.stride = (tiles + SLACK).next_multiple_of(16);
        [self.channels, self.slots] = [channels, slots];
        self.data.resize(slots * channels * PHASES * PHASES * self.stride, 0.0);
    }

    /// Channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Distance in memory from one phase to the next.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Distance in memory from one channel to the next.
    #[must_use]
    pub fn channel_stride(&self) -> usize {
        PHASES * PHASES * self.stride
    }

    /// Where phase 0 of row `y` (numbered in the plane) of channel `c` begins.
    #[must_use]
    pub fn offset(&self, c: usize, y: i64) -> usize {
        let group = y.div_euclid(PHASES as i64).rem_euclid(self.slots as i64) as usize;
        let row = y.rem_euclid(PHASES as i64) as usize;
        ((group * self.channels + c) * PHASES + row) * PHASES * self.stride
    }

    /// All memory.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Columns `phase` of row `y` in a channel, from position 0 on.
    fn phase(&self, c: usize, y: i64, phase: usize) -> &[f32] {
        &self.data[self.offset(c, y) + phase * self.stride..][..self.stride]
    }

    /// One group, to be written.
    pub fn group_mut(&mut self, group: i64) -> GroupMut<'_> {
        let start = self.offset(0, group * PHASES as i64);
        let length = self.channels * self.channel_stride();
        GroupMut::new(&mut self.data[start..start + length], self.stride)
    }

    /// Neighbouring groups, at most one for every slot, to be written at once by several threads.
    pub fn groups_mut(&mut self, groups: Range<i64>) -> Vec<(i64, GroupMut<'_>)> {
        let (slots, stride, length) = (self.slots as i64, self.stride, self.channels * self.channel_stride());
        debug_assert!(groups.end - groups.start <= slots);
        let slots = self.data.chunks_exact_mut(length).enumerate().map(|(slot, data)| {
            let group = groups.start + (slot as i64 - groups.start).rem_euclid(slots);
            (group, GroupMut::new(data, stride))
        });
        slots.filter(|(group, _)| *group < groups.end).collect()
    }

    /// Continues the rows of a group by reflection, the border itself not repeated: to the tile before `at`, to that
    /// behind, or both.
    pub fn reflect_columns(&mut self, at: TileRow, [before, behind]: [bool; 2]) {
        let [first, last] = [at.first, at.first + at.count - 1];
        for c in 0..self.channels {
            for row in 0..PHASES as i64 {
                let start = self.offset(c, at.group * PHASES as i64 + row);
                if before {
                    self.data[start + 3 * self.stride + first - 1] = self.data[start + self.stride + first];
                }
                if behind {
                    self.data[start + last + 1] = self.data[start + 2 * self.stride + last];
                }
            }
        }
    }

    /// Makes row `to` that of row `from`, in all channels.
    pub fn copy_row(&mut self, from: i64, to: i64) {
        for c in 0..self.channels {
            let source = self.offset(c, from);
            let target = self.offset(c, to);
            self.data.copy_within(source..source + PHASES * self.stride, target);
        }
    }

    /// Columns `phase` of `count` tiles, from position `first` on, in row `y` of a channel.
    pub fn phase_mut(&mut self, c: usize, y: i64, phase: usize, first: usize, count: usize) -> &mut [f32] {
        let start = self.offset(c, y) + phase * self.stride + first;
        &mut self.data[start..start + count]
    }

    /// Writes all rows of one group from a map of half the resolution: every value twice in both directions.
    ///
    /// Row `y` and column `x` of the map stand at row `y0 + y` and column `x0 + x` of the coarse plane; `tile0` is
    /// the tile of the fine plane at position 0. What the map does not cover keeps its value.
    pub fn upsample(&mut self, map: &Map, [y0, x0]: [i64; 2], tile0: i64, at: TileRow) {
        let column = 2 * (tile0 + at.first as i64) - x0;
        for pair in [0, 2] {
            let y = at.group * PHASES as i64 + pair;
            let Ok(row) = usize::try_from(y.div_euclid(2) - y0) else { continue };
            if row >= map.height() {
                continue;
            }
            for c in 0..map.channels() {
                self.upsample_row(map.row(c, row), column, at.channel + c, y, at);
            }
        }
    }

    /// Likewise by bilinear interpolation: what the map does not cover, its neighbours included, has no meaning.
    pub fn upsample_smooth(&mut self, map: &Map, [y0, x0]: [i64; 2], tile0: i64, at: TileRow) {
        let column = 2 * (tile0 + at.first as i64) - x0;
        let mut between = Vec::with_capacity(2 * at.count + 2);
        for y in at.group * PHASES as i64..(at.group + 1) * PHASES as i64 {
            let rows = resample::neighbours(y).map(|row| usize::try_from(row - y0).ok());
            let [Some(near), Some(far)] = rows.map(|row| row.filter(|&row| row < map.height())) else {
                continue;
            };
            for c in 0..map.channels() {
                interpolate([map.row(c, near), map.row(c, far)], column - 1, &mut between, 2 * at.count + 2);
                for phase in 0..PHASES {
                    let (near, far) = (phase / 2 + 1, phase / 2 + 2 * (phase % 2));
                    let values = between[near..].iter().step_by(2).zip(between[far..].iter().step_by(2));
                    let out = self.phase_mut(at.channel + c, y, phase, at.first, at.count);
                    out.iter_mut().zip(values).for_each(|(v, (&a, &b))| *v = resample::interpolated(a, b));
                }
            }
        }
    }

    /// One row of the map becomes rows `y` and `y + 1` of the strip.
    fn upsample_row(&mut self, row: &[f32], column: i64, c: usize, y: i64, at: TileRow) {
        let start = self.offset(c, y) + at.first;
        let stride = self.stride;
        for half in [0, 1] {
            let target = start + 2 * half * stride;
            spread(row, column + half as i64, &mut self.data[target..target + at.count]);
        }
        for phase in [0, 2] {
            for copy in [phase + 1, phase + PHASES, phase + PHASES + 1] {
                let source = start + phase * stride;
                self.data.copy_within(source..source + at.count, start + copy * stride);
            }
        }
    }

    /// Copies one group into rows of a map: `rows` holds the map's memory from the group's first row on, and
    /// column 0 of the map is column 0 of the tile at position `at.first`.
    pub fn store(&self, at: TileRow, width: usize, rows: &mut [f32], map_stride: usize, column: usize) {
        for (i, out) in rows.chunks_exact_mut(map_stride).enumerate().take(PHASES * self.channels) {
            let [row, c] = [i / self.channels, i % self.channels];
            let start = self.offset(c, at.group * PHASES as i64 + row as i64) + at.first;
            let out = &mut out[column..column + width];
            for phase in 0..PHASES.min(width) {
                let source = &self.data[start + phase * self.stride..];
                out[phase..].iter_mut().step_by(PHASES).zip(source).for_each(|(v, &s)| *v = s);
            }
        }
    }
}

/// A row between two others, `count` values from `column` on; zeros where they have none.
fn interpolate([near, far]: [&[f32]; 2], column: i64, out: &mut Vec<f32>, count: usize) {
    let skipped = usize::try_from(-column).unwrap_or(0).min(count);
    let first = usize::try_from(column).unwrap_or(0).min(near.len());
    out.clear();
    out.resize(skipped, 0.0);
    let values = near[first..].iter().zip(&far[first..]).take(count - skipped);
    out.extend(values.map(|(&near, &far)| resample::interpolated(near, far)));
    out.resize(count, 0.0);
}

/// Every second value of `row`, from `column` on; positions outside the row keep their value.
fn spread(row: &[f32], column: i64, out: &mut [f32]) {
    let skipped = usize::try_from((1 - column) / 2).unwrap_or(0);
    let first = column + 2 * skipped as i64;
    let (Some(out), Some(row)) = (out.get_mut(skipped..), row.get(first as usize..)) else { return };
    out.iter_mut().zip(row.iter().step_by(2)).for_each(|(v, &s)| *v = s);
}

impl DirectConv {
    /// Applies a 1x1 convolution to one group of rows.
    ///
    /// Reads and writes up to 7 positions behind the last.
    pub fn apply_strip(&self, level: Level, input: &Strip, out: GroupMut<'_>, at: TileRow) {
        assert_eq!(self.kernel(), 1, "strips take 1x1 kernels directly");
        dispatch!(level, simd => self.group(simd, input, out, at));
    }

    #[inline(always)]
    fn group<S: Simd>(&self, simd: S, input: &Strip, mut out: GroupMut<'_>, at: TileRow) {
        let offsets: Vec<usize> = (0..self.inputs()).map(|c| c * input.channel_stride()).collect();
        let read = input.offset(0, 4 * at.group);
        let channel_stride = out.channel_stride();
        for phase in 0..PHASES * PHASES {
            let source =
                Source { data: &input.data[read + phase * input.stride + at.first..], offsets: &offsets };
            let target = &mut out.channels_from(at.channel)[phase * input.stride + at.first..];
            panel::multiply(simd, self.panel(), source, target, channel_stride, at.count.next_multiple_of(8));
        }
    }
}
