//! One scale of a plane by direct convolution of whole maps: the coarsest scales, where little is to be done.

use texnet_kernels::{DirectConv, Level};

use super::region::{Extent, Region};
use super::source::{Placed, Source};
use crate::fold::FoldedScale;
use crate::whole::apply_parallel;

/// The convolutions of one scale.
#[derive(Debug)]
pub(crate) struct DirectScale {
    side: Vec<DirectConv>,
    join: Vec<DirectConv>,
}

impl From<&FoldedScale> for DirectScale {
    fn from(scale: &FoldedScale) -> Self {
        let convs = |convs: &[texnet_kernels::Conv]| convs.iter().map(DirectConv::from).collect();
        Self { side: convs(&scale.side), join: convs(&scale.join) }
    }
}

impl DirectScale {
    /// The scale over its extent; `coarse` is the scale before, where there is one.
    pub(crate) fn run(&self, source: &Source, coarse: Option<&Placed>, extent: Extent) -> Placed {
        let level = source.level;
        let side = block(level, &self.side, source.map(extent.input));
        let joined = match coarse {
            None => side,
            Some(coarse) => join(coarse, &side),
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

/// The coarse map, every value twice in both directions, then the side's channels, over the side's region.
fn join(coarse: &Placed, side: &Placed) -> Placed {
    let up = coarse.map.channels();
    let mut joined = Placed::new(up + side.map.channels(), region(side));
    let [y0, x0] = side.origin;
    for y in 0..side.map.height() {
        for c in 0..up {
            let row = coarse.row_from(c, (y0 + y as i64).div_euclid(2), x0.div_euclid(2));
            let odd = x0.rem_euclid(2) as usize;
            let out = joined.map.row_mut(c, y).iter_mut().enumerate();
            out.for_each(|(i, v)| *v = row[(i + odd) / 2]);
        }
        for c in 0..side.map.channels() {
            joined.map.row_mut(up + c, y).copy_from_slice(side.map.row(c, y));
        }
    }
    joined
}

fn region(placed: &Placed) -> Region {
    let [y, x] = placed.origin;
    let [height, width] = [placed.map.height(), placed.map.width()];
    crate::image::Window { x, y, width, height }.into()
}
