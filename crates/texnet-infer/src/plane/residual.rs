//! Windows of a residual network with frozen statistics.
//!
//! Every operation computes the region that the next one needs. Regions of convolutions begin and end at multiples of
//! Winograd's tiles in the plane, so that a pixel has the same bits in every window.

use texnet_kernels::winograd::TILE;

use super::region::Region;
use super::source::{Placed, Source};
use crate::fold::fold_conv;
use crate::model::Model;
use crate::residual::{Convolution, Planes};
use crate::spec::Op;

/// What remains of a program once the statistics are numbers.
#[derive(Debug)]
enum Step {
    Convolve { conv: Convolution, relu: bool },
    Activate(f32),
    Halve,
    Double,
    Keep,
    Noise,
    Add,
}

/// A residual network, folded.
#[derive(Debug)]
pub(crate) struct Residual {
    steps: Vec<Step>,
}

/// Features of a region.
#[derive(Debug, Clone)]
struct Patch {
    planes: Planes,
    region: Region,
}

impl Residual {
    pub(crate) fn new(model: &Model) -> Self {
        let slope = model.spec().negative_slope;
        let mut steps: Vec<Step> = Vec::new();
        for op in model.spec().program() {
            match (op, steps.last_mut()) {
                (Op::Conv(spec), _) => {
                    let conv = Convolution::from(&fold_conv(model, &spec));
                    steps.push(Step::Convolve { conv, relu: false });
                }
                (Op::Norm { activated: false, .. }, _) => {}
                (Op::Norm { .. }, Some(Step::Convolve { relu, .. })) if slope == 0.0 => *relu = true,
                (Op::Norm { .. }, _) => steps.push(Step::Activate(slope)),
                (Op::Halve, _) => steps.push(Step::Halve),
                (Op::Double, _) => steps.push(Step::Double),
                (Op::Keep, _) => steps.push(Step::Keep),
                (Op::Noise, _) => steps.push(Step::Noise),
                (Op::Add, _) => steps.push(Step::Add),
            }
        }
        Self { steps }
    }

    /// The output over a region of the photograph that `load` reads, with the noise of the coarsest scale.
    pub(crate) fn run(&self, noise: &Source, load: impl FnOnce(Region) -> Placed, wanted: Region) -> Placed {
        let needed = self.regions(wanted);
        let content = load(needed[0]);
        let mut patch = Patch { planes: Planes::from_map(&content.map), region: needed[0] };
        let mut kept = Vec::new();
        for (step, &output) in self.steps.iter().zip(&needed[1..]) {
            patch = step.apply(patch, output, noise, &mut kept);
        }
        Placed { map: patch.planes.to_map(), origin: [patch.region.rows.start, patch.region.columns.start] }
    }

    /// What must be there before each step, and at the end.
    fn regions(&self, wanted: Region) -> Vec<Region> {
        let mut added = Vec::new();
        let mut regions = vec![wanted];
        for step in self.steps.iter().rev() {
            let output = regions[regions.len() - 1];
            let input = match step {
                Step::Add => {
                    added.push(output);
                    output
                }
                Step::Keep => output.union(added.pop().unwrap_or(output)),
                step => step.input(output),
            };
            regions.push(input);
        }
        regions.reverse();
        regions
    }
}

impl Step {
    /// What it reads to write at least a region.
    fn input(&self, output: Region) -> Region {
        match self {
            Self::Convolve { conv, .. } => {
                let reach = conv.reach() as i64;
                tiled(output).map(|span| span.grown(reach))
            }
            Self::Halve => output.map(|span| span.times(2)),
            Self::Double => output.map(|span| span.divided(2)),
            _ => output,
        }
    }

    /// At least a region of its result.
    fn apply(&self, mut patch: Patch, output: Region, noise: &Source, kept: &mut Vec<Patch>) -> Patch {
        let level = noise.level;
        match self {
            Self::Convolve { conv, relu } => {
                let planes = conv.apply(level, &patch.cut(self.input(output)).planes, None, *relu);
                Patch { planes, region: tiled(output) }
            }
            Self::Halve => {
                let patch = patch.cut(self.input(output));
                Patch { planes: patch.planes.halved(level), region: output }
            }
            Self::Double => {
                Patch { planes: patch.planes.doubled(), region: patch.region.map(|span| span.times(2)) }
            }
            Self::Activate(slope) => {
                patch.planes.activate(*slope);
                patch
            }
            Self::Keep => {
                kept.push(patch.clone());
                patch
            }
            Self::Noise => {
                let planes = patch.planes.joined(&Planes::from_map(&noise.map(patch.region).map));
                Patch { planes, ..patch }
            }
            Self::Add => patch.plus(kept.pop().expect("something is kept before it is added")),
        }
    }
}

impl Patch {
    /// Of a region inside.
    fn cut(self, region: Region) -> Self {
        if region == self.region {
            return self;
        }
        let place =
            [region.rows.start - self.region.rows.start, region.columns.start - self.region.columns.start];
        let size = [region.rows.len(), region.columns.len()];
        Self { planes: self.planes.cropped(place.map(|v| v as usize), size), region }
    }

    fn plus(mut self, kept: Self) -> Self {
        self.planes.add(&kept.cut(self.region).planes);
        self
    }
}

/// A region in whole tiles.
fn tiled(region: Region) -> Region {
    region.map(|span| span.divided(TILE as i64).times(TILE as i64))
}
