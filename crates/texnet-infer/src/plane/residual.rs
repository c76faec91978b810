//! Windows of a residual network with frozen statistics: rows that roll through all its scales.
//!
//! The network is a chain of stages, each with a ring of the last few groups of four rows. Features are continued by
//! reflection at the borders of the photograph, as in a whole picture. Elsewhere every stage computes the tiles that the
//! next one reads: these lie at multiples of four, so that a pixel has the same bits in every window.

mod course;

use std::sync::{Mutex, MutexGuard, PoisonError};

use texnet_kernels::Conv;
use texnet_kernels::strip::PHASES;

use self::course::{Course, Workspace};
use super::layer::Layer;
use super::region::{Region, Span};
use super::source::{Placed, Source};
use crate::fold::fold_conv;
use crate::image::Content;
use crate::model::Model;
use crate::spec::Op;

/// Most groups computed at once, one by each thread.
const BATCH: usize = 8;
/// Columns of a strip times slots of its rings: of the usual network they take 160 MB, and the halo half as much.
const COLUMNS: usize = 1 << 14;

#[derive(Debug)]
enum Work {
    /// The photograph.
    Content,
    /// From the ring before.
    Conv(Layer),
    /// Means of 2x2 of the ring before, then the activation.
    Halve(Option<f32>),
    /// The ring before, twice in both directions.
    Double,
    /// Behind the channels that the ring already has.
    Noise,
    /// The kept ring onto this.
    Add { kept: usize },
}

#[derive(Debug)]
struct Stage {
    work: Work,
    /// The ring that is written.
    ring: usize,
}

/// The memory of a stage.
#[derive(Debug, Clone, Copy)]
struct Ring {
    /// Without noise.
    channels: usize,
    noise: usize,
    /// How often the photograph is halved there.
    halvings: u32,
}

/// A residual network, folded.
#[derive(Debug)]
pub(crate) struct Residual {
    stages: Vec<Stage>,
    rings: Vec<Ring>,
    /// The photograph is continued to a multiple, in pixels: whole tiles at every scale.
    granularity: usize,
    /// Memory of windows that are done, for windows to come: pages are touched once.
    workspaces: Mutex<Vec<Workspace>>,
}

impl Residual {
    pub(crate) fn new(model: &Model) -> Self {
        let content = Ring { channels: 3, noise: 0, halvings: 0 };
        let mut network = Self {
            stages: vec![Stage { work: Work::Content, ring: 0 }],
            rings: vec![content],
            granularity: PHASES * model.spec().granularity(),
            workspaces: Mutex::default(),
        };
        let mut kept = Vec::new();
        let mut program = model.spec().program().into_iter().peekable();
        while let Some(op) = program.next() {
            let activated = matches!(program.peek(), Some(Op::Norm { activated: true, .. }));
            network.push(model, op, activated.then_some(model.spec().negative_slope), &mut kept);
        }
        network
    }

    /// `slope` is that of the activation that follows the normalisation behind the operation.
    fn push(&mut self, model: &Model, op: Op, slope: Option<f32>, kept: &mut Vec<usize>) {
        let last = self.rings.len() - 1;
        let ring = self.rings[last];
        match op {
            Op::Conv(spec) => {
                let conv = Conv { slope, ..fold_conv(model, &spec) };
                self.stage(Work::Conv(Layer::from(&conv)), Ring { channels: spec.outputs, noise: 0, ..ring });
            }
            Op::Norm { .. } => {}
            Op::Halve => self.stage(Work::Halve(slope), Ring { halvings: ring.halvings + 1, ..ring }),
            Op::Double => self.stage(Work::Double, Ring { halvings: ring.halvings - 1, ..ring }),
            Op::Keep => kept.push(last),
            Op::Noise => {
                self.rings[last].noise = model.spec().noise_channels;
                self.stages.push(Stage { work: Work::Noise, ring: last });
            }
            Op::Add => {
                let kept = kept.pop().expect("something is kept before it is added");
                self.stages.push(Stage { work: Work::Add { kept }, ring: last });
            }
        }
    }

    fn stage(&mut self, work: Work, ring: Ring) {
        self.stages.push(Stage { work, ring: self.rings.len() });
        self.rings.push(ring);
    }

    /// The part of the plane that there is: the photograph, continued to whole tiles.
    fn bounds(&self, content: &dyn Content) -> Region {
        let [rows, columns] =
            content.size().map(|side| Span { start: 0, end: side.next_multiple_of(self.granularity) as i64 });
        Region { rows, columns }
    }

    /// Paints a region of the photograph, some rows after the other: gives them to `paint` with their place.
    pub(crate) fn run(
        &self,
        noise: &Source,
        content: &dyn Content,
        wanted: Region,
        mut paint: impl FnMut(&Placed, Region),
    ) {
        let batch = rayon::current_num_threads().min(BATCH);
        let mut workspace = self.pool().pop().unwrap_or_default();
        let width = (COLUMNS / slots(batch)).next_multiple_of(self.granularity) as i64;
        for columns in wanted.columns.cut(width) {
            let strip = Region { columns, ..wanted };
            let mut course = Course::new(self, noise, content, strip, batch, &mut workspace);
            course.run(&mut paint);
        }
        self.pool().push(workspace);
    }

    fn pool(&self) -> MutexGuard<'_, Vec<Workspace>> {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tiles that every stage computes for a region of the picture, `rows` being groups.
    fn extents(&self, wanted: Region, bounds: Region) -> Vec<Region> {
        let tile = PHASES as i64;
        let mut needed = wanted.map(|span| span.divided(tile));
        let mut extents: Vec<Region> = (self.stages.iter().rev())
            .map(|stage| {
                let side = tile << self.rings[stage.ring].halvings;
                let extent = stage.work.whole(needed).within(bounds.map(|span| span.divided(side)));
                needed = stage.work.reads(extent);
                extent
            })
            .collect();
        extents.reverse();
        extents
    }
}

/// Slots of every ring, where so many groups are computed at once: what is kept stays for the two convolutions of a
/// block, each of which runs a group ahead, and a reflected group lies on either side.
const fn slots(batch: usize) -> usize {
    3 * batch + 2
}

impl Work {
    /// The tiles that are written where these are needed.
    fn whole(&self, needed: Region) -> Region {
        match self {
            Self::Double => needed.map(|span| span.divided(2).times(2)),
            _ => needed,
        }
    }

    /// The tiles of the stage before that are read, as far as there are any.
    fn reads(&self, written: Region) -> Region {
        match self {
            Self::Conv(layer) => written.map(|span| span.grown(layer.reach())),
            Self::Halve(_) => written.map(|span| span.times(2)),
            Self::Double => written.map(|span| span.divided(2)),
            Self::Content | Self::Noise | Self::Add { .. } => written,
        }
    }
}
