//! One group of a strip, and how it is made from other strips: halved, doubled, added.

use fearless_simd::Level;

use super::{PHASES, Strip, TileRow};
use crate::vectorized;

/// Four rows of all channels, `[channel, row, phase, tile]`.
#[derive(Debug)]
pub struct GroupMut<'a> {
    data: &'a mut [f32],
    stride: usize,
}

impl<'a> GroupMut<'a> {
    pub(super) fn new(data: &'a mut [f32], stride: usize) -> Self {
        Self { data, stride }
    }

    /// Distance in memory from one phase to the next.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Distance in memory from one channel to the next.
    pub(crate) fn channel_stride(&self) -> usize {
        PHASES * PHASES * self.stride
    }

    /// The memory of the channels from `c` on.
    pub(crate) fn channels_from(&mut self, c: usize) -> &mut [f32] {
        let start = c * self.channel_stride();
        &mut self.data[start..]
    }

    /// Columns `phase` of the tiles `at`, in a row of a channel.
    pub fn phase_mut(&mut self, c: usize, row: usize, phase: usize, at: TileRow) -> &mut [f32] {
        let start = (row * PHASES + phase) * self.stride + at.first;
        &mut self.channels_from(c)[start..start + at.count]
    }

    /// Means of 2x2 of a strip of twice the resolution, then `max(v, slope * v)` where there is a slope.
    ///
    /// `tiles` are the tiles at position 0 of that strip and of this.
    pub fn halve(&mut self, level: Level, fine: &Strip, tiles: [i64; 2], at: TileRow, slope: Option<f32>) {
        let first = (2 * (tiles[1] + at.first as i64) - tiles[0]) as usize;
        for c in 0..fine.channels() {
            for row in 0..PHASES {
                let y = 2 * (at.group * PHASES as i64 + row as i64);
                for phase in 0..PHASES {
                    let from = first + phase / 2;
                    let source = |y: i64, odd: usize| &fine.phase(c, y, 2 * (phase % 2) + odd)[from..];
                    let sources = [source(y, 0), source(y, 1), source(y + 1, 0), source(y + 1, 1)];
                    let out = self.phase_mut(at.channel + c, row, phase, at);
                    vectorized(
                        level,
                        #[inline(always)]
                        || means(sources, out, slope),
                    );
                }
            }
        }
    }

    /// Every value of a strip of half the resolution twice in both directions.
    ///
    /// `tiles` are the tiles at position 0 of that strip and of this; the first tile that is written has an even number.
    pub fn double(&mut self, level: Level, coarse: &Strip, tiles: [i64; 2], at: TileRow) {
        let first = ((tiles[1] + at.first as i64).div_euclid(2) - tiles[0]) as usize;
        let line = PHASES * self.stride;
        for c in 0..coarse.channels() {
            for row in [0, 2] {
                let y = (at.group * PHASES as i64 + row as i64).div_euclid(2);
                for phase in [0, 2] {
                    let source = |odd: usize| &coarse.phase(c, y, phase / 2 + 2 * odd)[first..];
                    let sources = [source(0), source(1)];
                    vectorized(
                        level,
                        #[inline(always)]
                        || {
                            interleave(sources, self.phase_mut(at.channel + c, row, phase, at));
                        },
                    );
                    let [start, end] = [phase, phase + 1].map(|phase| row * line + phase * self.stride);
                    self.channels_from(at.channel + c).copy_within(start..end, end);
                }
                let copied = row * line..(row + 1) * line;
                self.channels_from(at.channel + c).copy_within(copied, (row + 1) * line);
            }
        }
    }

    /// Adds the first `channels` channels of a strip of the same shape.
    pub fn add(&mut self, level: Level, other: &Strip, channels: usize, at: TileRow) {
        let start = other.offset(0, at.group * PHASES as i64);
        let length = channels * self.channel_stride();
        let (out, more) = (&mut self.channels_from(at.channel)[..length], &other.data[start..start + length]);
        vectorized(
            level,
            #[inline(always)]
            || out.iter_mut().zip(more).for_each(|(v, &more)| *v += more),
        );
    }
}

/// Of every second column.
#[inline(always)]
fn means(sources: [&[f32]; 4], out: &mut [f32], slope: Option<f32>) {
    let [a, b, c, d] = sources.map(|s| s.chunks(2));
    for ((((v, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let mean = 0.25 * ((a[0] + b[0]) + (c[0] + d[0]));
        *v = slope.map_or(mean, |slope| mean.max(slope * mean));
    }
}

#[inline(always)]
fn interleave([even, odd]: [&[f32]; 2], out: &mut [f32]) {
    for (pair, (&even, &odd)) in out.chunks_exact_mut(2).zip(even.iter().zip(odd)) {
        pair.copy_from_slice(&[even, odd]);
    }
}
