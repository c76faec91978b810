//! One scale of a plane in strips that stay in cache: the finer scales, where the work is.
//!
//! A strip runs down its rows four at a time. Every stage asks the stage before it for the rows it needs, and keeps
//! only the last three groups of its result (one, where a 1x1 convolution reads it), so that noise, both blocks and
//! the head are fused over a band that fits the second-level cache.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use texnet_kernels::strip::PHASES;
use texnet_kernels::winograd::Scratch;
use texnet_kernels::{Conv, Strip, TileRow};

use super::layer::Layer;
use super::region::{Extent, Span};
use super::source::{Columns, Placed, Source};
use crate::fold::FoldedScale;

/// Most tiles in a row of a strip: the rings of 48 channels take a megabyte.
const CHUNK: i64 = 64;
/// Fewest groups of rows that are worth a strip: each repeats two groups of its neighbours' work.
const MIN_GROUPS: i64 = 8;

/// Memory of strips that are done, for strips to come: pages are touched once.
#[derive(Debug, Default)]
pub(crate) struct Workspaces(Mutex<Vec<Workspace>>);

#[derive(Debug, Default)]
struct Workspace {
    rings: Vec<Strip>,
    scratch: Scratch,
}

impl Workspaces {
    /// Runs `work` on memory that no other thread uses.
    fn with(&self, work: impl FnOnce(&mut Workspace)) {
        let pool = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workspace = pool().pop().unwrap_or_default();
        work(&mut workspace);
        pool().push(workspace);
    }
}

/// The convolutions of one scale.
#[derive(Debug)]
pub(crate) struct RollingScale {
    /// Channels of the coarser scale.
    up: usize,
    inputs: usize,
    side: Vec<Layer>,
    join: Vec<Layer>,
    smooth: bool,
}

impl RollingScale {
    /// The scale whose inputs have this many channels.
    pub(crate) fn new(scale: &FoldedScale, inputs: usize) -> Self {
        let layers = |convs: &[Conv]| convs.iter().map(Layer::from).collect();
        let side = scale.side.last().map_or(inputs, |conv| conv.outputs);
        let joined = scale.join.first().map_or(side, |conv| conv.inputs);
        Self {
            up: joined - side,
            inputs,
            side: layers(&scale.side),
            join: layers(&scale.join),
            smooth: scale.smooth,
        }
    }

    fn outputs(&self) -> usize {
        self.join.last().map_or(0, Layer::outputs)
    }

    /// Channels of every ring: the input's, each side convolution's, with the join in place of the last, and each
    /// join convolution's.
    fn ring_channels(&self) -> Vec<usize> {
        let mut channels = vec![self.inputs];
        channels.extend(self.side.iter().map(Layer::outputs));
        channels[self.side.len()] += self.up;
        channels.extend(self.join.iter().map(Layer::outputs));
        channels
    }

    fn stages(&self) -> Vec<Stage<'_>> {
        let joined = self.side.len();
        let stage = |work, ring| Stage { work, ring, depth: 0, next: 0 };
        let mut stages = vec![stage(Work::Input, 0)];
        stages.extend(self.side.iter().enumerate().map(|(i, layer)| stage(Work::Conv(layer), i + 1)));
        stages.push(stage(Work::Join, joined));
        stages
            .extend(self.join.iter().enumerate().map(|(i, layer)| stage(Work::Conv(layer), joined + i + 1)));
        let mut depth = 0;
        for stage in stages.iter_mut().rev() {
            stage.depth = depth;
            depth += stage.reach();
        }
        stages
    }

    /// The scale over its extent.
    pub(crate) fn run(
        &self,
        source: &Source,
        coarse: &Placed,
        extent: Extent,
        workspaces: &Workspaces,
    ) -> Placed {
        let mut out = Placed::new(self.outputs(), extent.output);
        let stride = out.map.stride();
        let [rows, columns] = [extent.output.rows, extent.output.columns].map(|s| s.divided(PHASES as i64));
        let strips = (rows.len() as i64 / MIN_GROUPS).clamp(1, rayon::current_num_threads() as i64);
        let groups = (rows.len() as i64 + strips - 1) / strips;
        let bands: Vec<_> = out.map.bands_mut(groups as usize * PHASES).enumerate().collect();
        bands.into_par_iter().for_each(|(i, band)| {
            let start = rows.start + i as i64 * groups;
            let rows = Span { start, end: rows.end.min(start + groups) };
            workspaces.with(|workspace| {
                for tiles in columns.cut(CHUNK) {
                    let mut strip = Rolling::new(self, source, coarse, rows, tiles, workspace);
                    strip.run(band, stride, ((tiles.start - columns.start) as usize) * PHASES);
                }
            });
        });
        out
    }
}

#[derive(Clone, Copy)]
enum Work<'a> {
    /// Noise and content.
    Input,
    /// From the ring before.
    Conv(&'a Layer),
    /// The coarser scale, into the ring that the side has already written.
    Join,
}

struct Stage<'a> {
    work: Work<'a>,
    /// The ring that is written.
    ring: usize,
    /// Groups and tiles computed beyond the strip on every side, because later stages read them.
    depth: i64,
    /// The next group to compute.
    next: i64,
}

impl Stage<'_> {
    fn reach(&self) -> i64 {
        match self.work {
            Work::Conv(layer) => layer.reach(),
            _ => 0,
        }
    }
}

/// One strip on its way down.
struct Rolling<'a> {
    net: &'a RollingScale,
    source: &'a Source,
    coarse: &'a Placed,
    rows: Span,
    tiles: Span,
    stages: Vec<Stage<'a>>,
    columns: [Columns; PHASES],
    workspace: &'a mut Workspace,
}

impl<'a> Rolling<'a> {
    fn new(
        net: &'a RollingScale,
        source: &'a Source,
        coarse: &'a Placed,
        rows: Span,
        tiles: Span,
        workspace: &'a mut Workspace,
    ) -> Self {
        let mut stages = net.stages();
        stages.iter_mut().for_each(|stage| stage.next = rows.start - stage.depth);
        let depth = stages[0].depth;
        let channels = net.ring_channels();
        workspace.rings.resize_with(channels.len().max(workspace.rings.len()), Strip::default);
        for (i, (ring, channels)) in workspace.rings.iter_mut().zip(channels).enumerate() {
            let reader = stages.iter().find(|s| s.ring == i + 1);
            let slots = 1 + 2 * reader.map_or(0, Stage::reach);
            ring.reshape(channels, tiles.len() + 2 * depth as usize + 2, slots as usize);
        }
        let wide = tiles.grown(depth);
        let columns =
            [0, 1, 2, 3].map(|phase| source.columns(PHASES as i64 * wide.start + phase, PHASES, wide.len()));
        Self { net, source, coarse, rows, tiles, stages, columns, workspace }
    }

    /// Computes the strip into a band of rows of a map, from column `column` on.
    fn run(&mut self, band: &mut [f32], stride: usize, column: usize) {
        let last = self.stages.len() - 1;
        let group_size = PHASES * self.net.outputs() * stride;
        for (group, out) in (self.rows.start..self.rows.end).zip(band.chunks_mut(group_size)) {
            self.ensure(last, group);
            let at = self.place(last, group);
            self.workspace.rings[self.stages[last].ring].store(at, at.count * PHASES, out, stride, column);
        }
    }

    /// Runs a stage until `group` is computed, and the stages before it as far as it needs them.
    fn ensure(&mut self, stage: usize, group: i64) {
        while self.stages[stage].next <= group {
            let next = self.stages[stage].next;
            if stage > 0 {
                self.ensure(stage - 1, next + self.stages[stage].reach());
            }
            self.step(stage, next);
            self.stages[stage].next += 1;
        }
    }

    fn step(&mut self, stage: usize, group: i64) {
        let at = self.place(stage, group);
        let Stage { work, ring, .. } = self.stages[stage];
        match work {
            Work::Input => self.input(ring, at),
            Work::Conv(layer) => self.conv(layer, ring, at),
            Work::Join => {
                let tile0 = self.tiles.start - self.stages[0].depth - 1;
                let (ring, coarse) = (&mut self.workspace.rings[ring], self.coarse);
                match self.net.smooth {
                    true => ring.upsample_smooth(&coarse.map, coarse.origin, tile0, at),
                    false => ring.upsample(&coarse.map, coarse.origin, tile0, at),
                }
            }
        }
    }

    /// Where a stage writes a group: the tile at position 0 lies one before the first that any stage computes.
    fn place(&self, stage: usize, group: i64) -> TileRow {
        let Stage { work, ring, depth, .. } = self.stages[stage];
        let beside_the_coarse = ring == self.net.side.len() && !matches!(work, Work::Join);
        TileRow {
            group,
            first: (1 + self.stages[0].depth - depth) as usize,
            count: self.tiles.grown(depth).len(),
            channel: if beside_the_coarse { self.net.up } else { 0 },
        }
    }

    fn input(&mut self, ring: usize, at: TileRow) {
        for row in 0..PHASES as i64 {
            let y = PHASES as i64 * at.group + row;
            for c in 0..self.source.channels() {
                for (phase, columns) in self.columns.iter().enumerate() {
                    let out =
                        self.workspace.rings[ring].phase_mut(at.channel + c, y, phase, at.first, at.count);
                    self.source.fill(c, y, columns, out);
                }
            }
        }
    }

    fn conv(&mut self, layer: &Layer, ring: usize, at: TileRow) {
        let level = self.source.level;
        let (before, after) = self.workspace.rings.split_at_mut(ring);
        let (input, out) = (&before[ring - 1], after[0].group_mut(at.group));
        layer.apply(level, input, out, at, &mut self.workspace.scratch);
    }
}
