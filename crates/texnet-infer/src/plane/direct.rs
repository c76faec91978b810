//! One scale of a plane by direct convolution of whole maps: the coarsest scales, where little is to be done.

use texnet_kernels::{Border, DirectConv, Level, pad, resample};

use super::region::{Extent, Region};
use super::source::{Placed, Source};
use crate::fold::FoldedScale;
use crate::whole::apply_parallel;

/// The convolutions of one scale.
#[derive(Debug)]
pub(crate) struct DirectScale {
    side: Vec<DirectConv>,
    join: Vec<DirectConv>,
    smooth: bool,
}

impl From<&FoldedScale> for DirectScale {
    fn from(scale: &FoldedScale) -> Self {
        let convs = |convs: &[texnet_kernels::Conv]| convs.iter().map(DirectConv::from).collect();
        Self { side: convs(&scale.side), join: convs(&scale.join), smooth: scale.smooth }
    }
}

impl DirectScale {
    /// The scale over its extent; `coarse` is the scale before, where there is one.
    pub(crate) fn run(&self, source: &Source, coarse: Option<&Placed>, extent: Extent) -> Placed {
        let level = source.level;
        let side = block(level, &self.side, source.map(extent.input));
        let joined = match coarse {
            None => side,
            Some(coarse) => join(&upsampled(coarse, self.smooth), &side),
        };
        block(level, &self.join, joined)
    }
}

fn block(level: Level, convs: &[DirectConv], mut placed: Placed) -> Placed {
    for conv in convs {
        let border = (conv.kernel() / 2) as i64;
        let map = apply_parallel(conv, level, &placed.map);
        placed = Placed { map, origin: placed.origin.map(|v| v + border) };
    }
    placed
}

/// A map twice as large; where it interpolates, what lies at its very border has no meaning.
fn upsampled(coarse: &Placed, smooth: bool) -> Placed {
    let map = match smooth {
        true => resample::upsample_smooth(&pad::pad(&coarse.map, Border::Replicate)),
        false => resample::upsample(&coarse.map),
    };
    Placed { map, origin: coarse.origin.map(|v| 2 * v) }
}

/// The channels of `up`, then the side's, over the side's region.
fn join(up: &Placed, side: &Placed) -> Placed {
    let channels = up.map.channels();
    let mut joined = Placed::new(channels + side.map.channels(), region(side));
    let ([y0, x0], width) = (side.origin, side.map.width());
    for y in 0..side.map.height() {
        for c in 0..channels {
            let row = up.row_from(c, y0 + y as i64, x0);
            joined.map.row_mut(c, y).copy_from_slice(&row[..width]);
        }
        for c in 0..side.map.channels() {
            joined.map.row_mut(channels + c, y).copy_from_slice(side.map.row(c, y));
        }
    }
    joined
}

fn region(placed: &Placed) -> Region {
    let [y, x] = placed.origin;
    let [height, width] = [placed.map.height(), placed.map.width()];
    crate::image::Window { x, y, width, height }.into()
}
