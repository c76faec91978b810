//! Residual networks: features as planes, and a whole picture with live statistics. Windows are `plane/residual.rs`'s
//! business.

use std::collections::BTreeMap;

use rayon::prelude::*;
use texnet_kernels::learn::pool::{self, Pool};
use texnet_kernels::learn::wide::{WideConv, WideShape};
use texnet_kernels::{Border, Conv, DirectConv, Level, Map, Moments, statistics};

use crate::model::Model;
use crate::spec::{Norm, Op};
use crate::whole::{affine, apply_parallel, plain_conv};

/// Values of shape `[channels, height, width]`, without gaps.
#[derive(Debug, Clone, PartialEq)]
struct Planes {
    /// Rows and columns.
    size: [usize; 2],
    values: Vec<f32>,
}

impl Planes {
    fn channels(&self) -> usize {
        self.values.len() / self.area()
    }

    fn area(&self) -> usize {
        self.size[0] * self.size[1]
    }

    fn to_map(&self) -> Map {
        Map::from_planes(self.channels(), self.size[0], self.size[1], &self.values)
    }

    fn from_map(map: &Map) -> Self {
        Self { size: [map.height(), map.width()], values: map.to_planes() }
    }

    /// The mean of 2x2 positions.
    fn halved(&self, level: Level) -> Self {
        let values = pool::forward(level, Pool::Average, self.size, &self.values);
        Self { size: self.size.map(|side| side / 2), values }
    }

    /// Every value twice in both directions.
    fn doubled(&self) -> Self {
        let [height, width] = self.size;
        let mut values = vec![0.0; 4 * self.values.len()];
        let planes = values.par_chunks_mut(4 * height * width).zip(self.values.par_chunks(height * width));
        planes.for_each(|(out, plane)| {
            for (pair, row) in out.chunks_exact_mut(4 * width).zip(plane.chunks_exact(width)) {
                let (above, below) = pair.split_at_mut(2 * width);
                above.chunks_exact_mut(2).zip(row).for_each(|(out, &v)| out.fill(v));
                below.copy_from_slice(above);
            }
        });
        Self { size: self.size.map(|side| 2 * side), values }
    }

    /// With more channels behind.
    fn joined(mut self, other: &Self) -> Self {
        debug_assert_eq!(self.size, other.size);
        self.values.extend_from_slice(&other.values);
        self
    }

    fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.size, other.size);
        let pairs = self.values.par_chunks_mut(CHUNK).zip(other.values.par_chunks(CHUNK));
        pairs.for_each(|(out, more)| out.iter_mut().zip(more).for_each(|(v, &more)| *v += more));
    }

    fn activate(&mut self, slope: f32) {
        let values = self.values.par_chunks_mut(CHUNK);
        values.for_each(|chunk| chunk.iter_mut().for_each(|v| *v = v.max(slope * *v)));
    }

    /// Every channel times its scale, plus its shift.
    fn transform(&mut self, factors: &[[f64; 2]]) {
        let area = self.area();
        // In f64: a mean far above the deviation would cost digits that later layers miss.
        let planes = self.values.par_chunks_mut(area).zip(factors);
        planes.for_each(|(plane, [scale, shift])| {
            plane.iter_mut().for_each(|v| *v = (f64::from(*v) * scale + shift) as f32);
        });
    }
}

/// Values that one thread changes at a time.
const CHUNK: usize = 1 << 14;

/// A convolution of planes: 3x3 by Winograd's tiles, 1x1 directly.
#[derive(Debug)]
enum Convolution {
    Wide(WideConv),
    Direct(DirectConv),
}

impl From<&Conv> for Convolution {
    fn from(conv: &Conv) -> Self {
        match conv.kernel {
            3 => Self::Wide(WideConv::new(conv.inputs, &conv.weight, &conv.bias)),
            _ => Self::Direct(DirectConv::from(&Conv { slope: None, ..conv.clone() })),
        }
    }
}

impl Convolution {
    /// With the planes continued at their border.
    fn apply(&self, level: Level, planes: &Planes, border: Border) -> Planes {
        match self {
            Self::Wide(conv) => {
                let shape = WideShape { batch: 1, size: planes.size, margin: 1, border };
                Planes { size: shape.output(), values: conv.forward(level, shape, &planes.values, false) }
            }
            Self::Direct(conv) => Planes::from_map(&apply_parallel(conv, level, &planes.to_map())),
        }
    }
}

/// The output for a whole photograph `[3, height, width]` with sides that are multiples of the granularity, and the
/// moments that each normalisation saw.
pub(crate) fn execute(
    model: &Model,
    noise: &Map,
    content: &Map,
    level: Level,
) -> (Map, BTreeMap<String, Vec<Moments>>) {
    let spec = model.spec();
    let mut moments = BTreeMap::new();
    let mut planes = Planes::from_map(content);
    let mut kept = Vec::new();
    for op in spec.program() {
        match op {
            Op::Conv(conv) => {
                let conv = Convolution::from(&plain_conv(model, &conv));
                planes = conv.apply(level, &planes, spec.padding.into());
            }
            Op::Norm { conv, activated } => {
                if spec.norm != Norm::Folded {
                    let name = format!("{conv}.norm");
                    let seen = statistics::moments(&planes.to_map());
                    planes.transform(&affine(model, &name, &seen));
                    moments.insert(name, seen);
                }
                if activated {
                    planes.activate(spec.negative_slope);
                }
            }
            Op::Halve => planes = planes.halved(level),
            Op::Double => planes = planes.doubled(),
            Op::Keep => kept.push(planes.clone()),
            Op::Noise => planes = planes.joined(&Planes::from_map(noise)),
            Op::Add => planes.add(&kept.pop().expect("something is kept before it is added")),
        }
    }
    (planes.to_map(), moments)
}
