//! A convolution of rows that roll.

use texnet_kernels::winograd::Scratch;
use texnet_kernels::{Conv, DirectConv, GroupMut, Level, Strip, TileRow, WinogradConv};

#[derive(Debug)]
pub(super) enum Layer {
    Point(DirectConv),
    Tiled(WinogradConv),
}

impl From<&Conv> for Layer {
    fn from(conv: &Conv) -> Self {
        match conv.kernel {
            1 => Self::Point(DirectConv::from(conv)),
            _ => Self::Tiled(WinogradConv::from(conv)),
        }
    }
}

impl Layer {
    pub(super) fn outputs(&self) -> usize {
        match self {
            Self::Point(conv) => conv.outputs(),
            Self::Tiled(conv) => conv.outputs(),
        }
    }

    /// Groups above and below that are read, and tiles on either side.
    pub(super) fn reach(&self) -> i64 {
        i64::from(matches!(self, Self::Tiled(_)))
    }

    pub(super) fn apply(
        &self,
        level: Level,
        input: &Strip,
        out: GroupMut<'_>,
        at: TileRow,
        scratch: &mut Scratch,
    ) {
        match self {
            Self::Point(conv) => conv.apply_strip(level, input, out, at),
            Self::Tiled(conv) => conv.apply(level, input, out, at, scratch),
        }
    }
}
