//! The list of operations as the parts of a pyramid: what enters each scale, what is joined, what follows.

use texnet_infer::spec::Padding;

use super::modules::{Conv, Kind, Noise, Norm, Op};
use super::{ImportError, unsupported};

/// A texture network, scale by scale from the coarsest to the finest, and its last convolution.
pub(super) struct Pyramid<'f> {
    pub(super) scales: Vec<Scale<'f>>,
    pub(super) head: Unit<'f>,
}

/// What happens at one scale. The coarsest has only a side.
pub(super) struct Scale<'f> {
    pub(super) inputs: Inputs,
    pub(super) side: Vec<Unit<'f>>,
    pub(super) side_norm: Option<Named<Norm<'f>>>,
    pub(super) up_norm: Option<Named<Norm<'f>>>,
    pub(super) join: Vec<Unit<'f>>,
    /// Whether the side's channels come before those of the coarser result.
    pub(super) side_first: bool,
}

/// What enters a scale.
pub(super) struct Inputs {
    /// Average pooling of what entered the network.
    pub(super) ratio: usize,
    pub(super) noise: Option<Noise>,
    /// How errors call the place.
    pub(super) name: String,
}

/// A convolution with what surrounds it.
pub(super) struct Unit<'f> {
    pub(super) name: String,
    pub(super) conv: Conv<'f>,
    /// What a 3x3 convolution sees beyond the border.
    pub(super) padding: Option<Padding>,
    pub(super) norm: Option<Named<Norm<'f>>>,
    pub(super) slope: Option<f32>,
}

/// A thing and how errors call it.
pub(super) struct Named<T> {
    pub(super) name: String,
    pub(super) value: T,
}

impl<'f> Pyramid<'f> {
    /// Finds the pyramid in the operations of a network.
    pub(super) fn parse(ops: Vec<Op<'f>>) -> Result<Self, ImportError> {
        let mut scales = Vec::new();
        let mut ops = Cursor::new(ops);
        ops.level(&mut scales)?;
        ops.end()?;
        let last = scales.last_mut();
        let blocks = last.map(|scale| if scale.join.is_empty() { &mut scale.side } else { &mut scale.join });
        match blocks.and_then(Vec::pop) {
            Some(head) => Ok(Self { scales, head }),
            None => unsupported("the network has no convolution after its last join, so it has no colours"),
        }
    }

    /// All convolutions but the head.
    pub(super) fn units(&self) -> impl Iterator<Item = &Unit<'f>> {
        self.scales.iter().flat_map(|scale| scale.side.iter().chain(&scale.join))
    }
}

/// For [`Cursor::take`]: the content of one kind of operation.
macro_rules! variant {
    ($kind:path) => {
        |kind| if let $kind(value) = kind { Ok(value) } else { Err(kind) }
    };
}

/// Operations yet to be read, the next one last.
struct Cursor<'f>(Vec<Op<'f>>);

impl<'f> Cursor<'f> {
    fn new(mut ops: Vec<Op<'f>>) -> Self {
        ops.reverse();
        Self(ops)
    }

    /// The next operation if `wanted` makes something of it, with its name.
    fn take<T>(&mut self, wanted: impl Fn(Kind<'f>) -> Result<T, Kind<'f>>) -> Option<Named<T>> {
        let Op { name, kind } = self.0.pop()?;
        match wanted(kind) {
            Ok(value) => Some(Named { name, value }),
            Err(kind) => {
                self.0.push(Op { name, kind });
                None
            }
        }
    }

    fn norm(&mut self) -> Option<Named<Norm<'f>>> {
        self.take(variant!(Kind::Norm))
    }

    fn end(&self) -> Result<(), ImportError> {
        match self.0.last() {
            None => Ok(()),
            Some(op) => unsupported(format!(
                "{} is out of place: a texture network is blocks of padding, convolution, normalisation and \
                 activation, joins of a coarser result with a finer side, and a last convolution",
                op.name
            )),
        }
    }

    /// A scale with all that are coarser, up to the end of its block.
    fn level(&mut self, scales: &mut Vec<Scale<'f>>) -> Result<(), ImportError> {
        let join = self.take(variant!(Kind::Join));
        let scale = match join {
            Some(branches) => {
                let mut scale = join_scale(branches, scales)?;
                scale.join = self.units()?;
                scale
            }
            None => self.side()?,
        };
        scales.push(scale);
        Ok(())
    }

    /// What enters a scale, and the block it goes through alone.
    fn side(&mut self) -> Result<Scale<'f>, ImportError> {
        let name = self.0.last().map_or("an empty branch".into(), |op| op.name.clone());
        let mut ratio = 1_usize;
        while let Some(pool) = self.take(variant!(Kind::Pool)) {
            ratio = ratio.saturating_mul(pool.value);
        }
        let noise = self.take(variant!(Kind::Noise));
        let inputs = Inputs { ratio, noise: noise.map(|n| n.value), name };
        let side = self.units()?;
        Ok(Scale { inputs, side, side_norm: None, up_norm: None, join: Vec::new(), side_first: false })
    }

    fn units(&mut self) -> Result<Vec<Unit<'f>>, ImportError> {
        let mut units = Vec::new();
        while let Some(Kind::Pad(..) | Kind::Conv(_)) = self.0.last().map(|op| &op.kind) {
            units.push(self.unit()?);
        }
        Ok(units)
    }

    fn unit(&mut self) -> Result<Unit<'f>, ImportError> {
        let pad = self.take(|kind| match kind {
            Kind::Pad(padding, margin) => Ok((padding, margin)),
            other => Err(other),
        });
        let conv = self.take(variant!(Kind::Conv));
        let Some(Named { name, value: conv }) = conv else {
            let pad = pad.map_or(String::new(), |pad| pad.name);
            return unsupported(format!("{pad} is not followed by a convolution"));
        };
        let padding = padding(&name, &conv, pad.map(|pad| pad.value))?;
        let norm = self.norm();
        let slope = self.take(variant!(Kind::Activation));
        Ok(Unit { name, conv, padding, norm, slope: slope.map(|s| s.value) })
    }
}

/// A scale from the two branches that are joined there; the scales of the deeper branch come first.
fn join_scale<'f>(
    branches: Named<Vec<Vec<Op<'f>>>>,
    scales: &mut Vec<Scale<'f>>,
) -> Result<Scale<'f>, ImportError> {
    let Named { name, value: branches } = branches;
    let deep = |ops: &[Op]| ops.iter().any(|op| matches!(op.kind, Kind::Upsample));
    let Ok([first, second]) = <[Vec<Op>; 2]>::try_from(branches) else {
        return unsupported(format!("{name} joins other than two branches, but a pyramid joins two"));
    };
    let (up, side, side_first) = match (deep(&first), deep(&second)) {
        (true, false) => (first, second, false),
        (false, true) => (second, first, true),
        _ => return unsupported(format!("{name} joins branches of which not exactly one is upsampled")),
    };
    let up_norm = upsampled(Cursor::new(up), scales)?;
    let mut side = Cursor::new(side);
    let scale = side.side()?;
    let side_norm = side.norm();
    side.end()?;
    Ok(Scale { side_norm, up_norm, side_first, ..scale })
}

/// The coarser scales, upsampled. The norm may stand on either side of the upsampling, which only repeats values.
fn upsampled<'f>(
    mut ops: Cursor<'f>,
    scales: &mut Vec<Scale<'f>>,
) -> Result<Option<Named<Norm<'f>>>, ImportError> {
    ops.level(scales)?;
    let before = ops.norm();
    ops.take(|kind| if matches!(kind, Kind::Upsample) { Ok(()) } else { Err(kind) });
    let norm = if before.is_some() { before } else { ops.norm() };
    ops.end()?;
    Ok(norm)
}

/// What the convolution sees beyond the border; none for 1x1.
fn padding(name: &str, conv: &Conv, pad: Option<(Padding, usize)>) -> Result<Option<Padding>, ImportError> {
    let needed = conv.kernel / 2;
    let margin = pad.map_or(0, |(_, margin)| margin);
    if margin + conv.zeros != needed {
        return unsupported(format!(
            "{name} has a {0}x{0} kernel with {1} pixels of padding, but needs {needed} to keep the size",
            conv.kernel,
            margin + conv.zeros
        ));
    }
    let from_module = pad.map(|(padding, _)| padding).filter(|_| margin > 0);
    Ok((needed > 0).then(|| from_module.unwrap_or(Padding::Zero)))
}
