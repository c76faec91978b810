//! What enters a scale: the photograph, if there is one, and counter-based noise.

use texnet_kernels::{Level, Map, resample};

use super::region::{Region, Span};
use crate::image::Content;
use crate::noise::{self, Column, RowKey, Uniform};
use crate::reflect;

/// A map and the place of its first pixel, `[y, x]`, in the plane of its scale.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) map: Map,
    pub(crate) origin: [i64; 2],
}

impl Placed {
    pub(crate) fn new(channels: usize, region: Region) -> Self {
        let map = Map::new(channels, region.rows.len(), region.columns.len());
        Self { map, origin: [region.rows.start, region.columns.start] }
    }

    /// Channel `c` of row `y`, from column `x` on.
    pub(crate) fn row_from(&self, c: usize, y: i64, x: i64) -> &[f32] {
        &self.map.row(c, (y - self.origin[0]) as usize)[(x - self.origin[1]) as usize..]
    }
}

/// The inputs of one scale.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) level: Level,
    pub(crate) seed: u64,
    pub(crate) scale: usize,
    pub(crate) noise_channels: usize,
    pub(crate) range: Uniform,
    /// `[height, width]` in pixels of this scale.
    pub(crate) period: Option<[i64; 2]>,
    pub(crate) content: Option<Placed>,
}

/// Every `step`-th column from `x` on, as many as asked for, ready for the noise.
#[derive(Debug)]
pub(crate) struct Columns {
    x: i64,
    step: usize,
    hashed: Vec<Column>,
}

impl Source {
    pub(crate) fn channels(&self) -> usize {
        self.content_channels() + self.noise_channels
    }

    fn content_channels(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.map.channels())
    }

    pub(crate) fn columns(&self, x: i64, step: usize, count: usize) -> Columns {
        let period = self.period.map(|[_, width]| width);
        let at = |i: usize| Column::new(noise::wrap(x + (i * step) as i64, period));
        Columns { x, step, hashed: (0..count).map(at).collect() }
    }

    /// Writes the values of channel `c` in row `y`: the content's channels come first.
    pub(crate) fn fill(&self, c: usize, y: i64, columns: &Columns, out: &mut [f32]) {
        let content_channels = self.content_channels();
        match &self.content {
            Some(content) if c < content_channels => {
                let row = content.row_from(c, y, columns.x).iter().step_by(columns.step);
                out.iter_mut().zip(row).for_each(|(v, &value)| *v = value);
            }
            _ => {
                let y = noise::wrap(y, self.period.map(|[height, _]| height));
                let key = RowKey::new(self.seed, self.scale, c - content_channels, y);
                noise::fill(self.level, key, self.range, &columns.hashed, out);
            }
        }
    }

    /// All channels over a region.
    pub(crate) fn map(&self, region: Region) -> Placed {
        let mut placed = Placed::new(self.channels(), region);
        let columns = self.columns(region.columns.start, 1, region.columns.len());
        for y in 0..region.rows.len() {
            for c in 0..self.channels() {
                self.fill(c, region.rows.start + y as i64, &columns, placed.map.row_mut(c, y));
            }
        }
        placed
    }
}

/// The photograph at `scales` scales, from the coarsest to the finest, over a region of the finest whose borders
/// are multiples of the granularity.
pub(crate) fn content_pyramid(content: &dyn Content, region: Region, scales: usize) -> Vec<Placed> {
    let mut levels = vec![load(content, region)];
    while levels.len() < scales {
        let finer = &levels[levels.len() - 1];
        levels.push(Placed { map: resample::halve(&finer.map), origin: finer.origin.map(|v| v / 2) });
    }
    levels.reverse();
    levels
}

/// The photograph over a region, continued by reflection.
pub(crate) fn load(content: &dyn Content, region: Region) -> Placed {
    let [height, width] = content.size();
    let mut placed = Placed::new(3, region);
    let sources: Vec<usize> = columns(region.columns).map(|x| reflect::index(x, width)).collect();
    let first = sources.iter().copied().min().unwrap_or(0);
    let count = sources.iter().copied().max().map_or(0, |last| last + 1 - first);
    let mut buffer = [(); 3].map(|()| vec![0.0; count]);
    for y in 0..region.rows.len() {
        let source = reflect::index(region.rows.start + y as i64, height);
        content.read_row(source, first, buffer.each_mut().map(Vec::as_mut_slice));
        for (c, values) in buffer.iter().enumerate() {
            let row = placed.map.row_mut(c, y).iter_mut();
            row.zip(&sources).for_each(|(v, &x)| *v = values[x - first]);
        }
    }
    placed
}

fn columns(span: Span) -> impl Iterator<Item = i64> {
    span.start..span.end
}
