//! One strip of a residual network on its way down its rows.

use std::ops::Range;

use rayon::prelude::*;
use texnet_kernels::strip::PHASES;
use texnet_kernels::winograd::Scratch;
use texnet_kernels::{GroupMut, Strip, TileRow};

use super::{Residual, Work, slots};
use crate::image::Content;
use crate::plane::region::{Region, Span};
use crate::plane::source::{self, Columns, Placed, Source};

const TILE: i64 = PHASES as i64;

/// Memory of a strip.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    rings: Vec<Strip>,
    /// One for each group of a batch.
    scratch: Vec<Scratch>,
}

pub(super) struct Course<'a> {
    net: &'a Residual,
    noise: &'a Source,
    /// Columns of the noise, phase by phase.
    columns: [Columns; PHASES],
    content: &'a dyn Content,
    wanted: Region,
    bounds: Region,
    /// Tiles that each stage computes.
    extents: Vec<Region>,
    /// The group that each stage computes next.
    next: Vec<i64>,
    /// The tile at position 0 of the rings, for every number of halvings.
    origins: Vec<i64>,
    batch: usize,
    workspace: &'a mut Workspace,
}

impl<'a> Course<'a> {
    pub(super) fn new(
        net: &'a Residual,
        noise: &'a Source,
        content: &'a dyn Content,
        wanted: Region,
        batch: usize,
        workspace: &'a mut Workspace,
    ) -> Self {
        let bounds = net.bounds(content);
        let extents = net.extents(wanted, bounds);
        let spans = spans(net, &extents);
        workspace.scratch.resize_with(batch.max(workspace.scratch.len()), Scratch::default);
        workspace.rings.resize_with(net.rings.len(), Strip::default);
        for (strip, ring) in workspace.rings.iter_mut().zip(&net.rings) {
            let tiles = spans[ring.halvings as usize].len() + 2;
            strip.reshape(ring.channels + ring.noise, tiles, slots(batch));
        }
        let noisy = net.stages.iter().zip(&extents).find(|(stage, _)| matches!(stage.work, Work::Noise));
        let noisy = noisy.map_or(Span { start: 0, end: 0 }, |(_, extent)| extent.columns);
        let columns =
            [0, 1, 2, 3].map(|phase| noise.columns(TILE * noisy.start + phase, PHASES, noisy.len()));
        Self {
            net,
            noise,
            columns,
            content,
            wanted,
            bounds,
            next: extents.iter().map(|extent| extent.rows.start).collect(),
            extents,
            origins: spans.iter().map(|span| span.start - 1).collect(),
            batch,
            workspace,
        }
    }

    pub(super) fn run(&mut self, paint: &mut impl FnMut(&Placed, Region)) {
        let last = self.net.stages.len() - 1;
        let Region { rows, columns } = self.extents[last];
        let whole = columns.times(TILE);
        for group in rows.start..rows.end {
            self.ensure(last, group + 1);
            let rows = Span { start: group, end: group + 1 }.times(TILE);
            let mut placed = Placed::new(3, Region { rows, columns: whole });
            let stride = placed.map.stride();
            let at = self.place(last, group);
            let out = placed.map.bands_mut(PHASES).next().expect("a group of rows");
            self.workspace.rings[self.net.stages[last].ring].store(at, whole.len(), out, stride, 0);
            paint(&placed, Region { rows, columns: whole }.within(self.wanted));
        }
    }

    /// Runs a stage until the groups before `end` are computed, and the stages before it as far as it reads them.
    fn ensure(&mut self, stage: usize, end: i64) {
        let rows = self.extents[stage].rows;
        while self.next[stage] < end.min(rows.end) {
            let groups =
                Span { start: self.next[stage], end: rows.end.min(self.next[stage] + self.batch as i64) };
            if stage > 0 {
                let written = Region { rows: groups, ..self.extents[stage] };
                self.ensure(stage - 1, self.net.stages[stage].work.reads(written).rows.end);
            }
            self.step(stage, groups.start..groups.end);
            self.next[stage] = groups.end;
        }
    }

    fn step(&mut self, stage: usize, groups: Range<i64>) {
        let ring = self.net.stages[stage].ring;
        let mut written = std::mem::take(&mut self.workspace.rings[ring]);
        let mut scratch = std::mem::take(&mut self.workspace.scratch);
        let tasks = written.groups_mut(groups.clone()).into_par_iter().zip(&mut scratch);
        tasks.for_each(|((group, out), scratch)| self.group(stage, self.place(stage, group), out, scratch));
        groups.for_each(|group| self.reflect(stage, group, &mut written));
        self.workspace.rings[ring] = written;
        self.workspace.scratch = scratch;
    }

    /// Where a stage writes a group.
    fn place(&self, stage: usize, group: i64) -> TileRow {
        let ring = self.net.rings[self.net.stages[stage].ring];
        let Region { columns, .. } = self.extents[stage];
        TileRow {
            group,
            first: (columns.start - self.origins[ring.halvings as usize]) as usize,
            count: columns.len(),
            channel: if matches!(self.net.stages[stage].work, Work::Noise) { ring.channels } else { 0 },
        }
    }

    fn group(&self, stage: usize, at: TileRow, mut out: GroupMut<'_>, scratch: &mut Scratch) {
        let (net, level) = (self.net, self.noise.level);
        let ring = net.stages[stage].ring;
        let before = |ring: usize| &self.workspace.rings[ring];
        let origins = |from: usize| [from, ring].map(|r| self.origins[net.rings[r].halvings as usize]);
        match &net.stages[stage].work {
            Work::Content => self.load(at, &mut out),
            Work::Conv(layer) => layer.apply(level, before(ring - 1), out, at, scratch),
            Work::Halve(slope) => out.halve(level, before(ring - 1), origins(ring - 1), at, *slope),
            Work::Double => out.double(level, before(ring - 1), origins(ring - 1), at),
            Work::Noise => self.draw(at, &mut out),
            Work::Add { kept } => out.add(level, before(*kept), net.rings[ring].channels, at),
        }
    }

    /// The rows of the photograph.
    fn load(&self, at: TileRow, out: &mut GroupMut<'_>) {
        let rows = Span { start: at.group, end: at.group + 1 }.times(TILE);
        let columns = self.extents[0].columns.times(TILE);
        let placed = source::load(self.content, Region { rows, columns });
        for c in 0..3 {
            for row in 0..PHASES {
                for phase in 0..PHASES {
                    let values = placed.map.row(c, row)[phase..].iter().step_by(PHASES);
                    out.phase_mut(c, row, phase, at)
                        .iter_mut()
                        .zip(values)
                        .for_each(|(v, &value)| *v = value);
                }
            }
        }
    }

    fn draw(&self, at: TileRow, out: &mut GroupMut<'_>) {
        for c in 0..self.noise.noise_channels {
            for row in 0..PHASES {
                for (phase, columns) in self.columns.iter().enumerate() {
                    let y = at.group * TILE + row as i64;
                    self.noise.fill(c, y, columns, out.phase_mut(at.channel + c, row, phase, at));
                }
            }
        }
    }

    /// Continues a group at the borders of the photograph that it touches.
    fn reflect(&self, stage: usize, group: i64, written: &mut Strip) {
        let side = TILE << self.net.rings[self.net.stages[stage].ring].halvings;
        let Region { rows, columns } = self.bounds.map(|span| span.divided(side));
        let mine = self.extents[stage].columns;
        let touched = [mine.start == columns.start, mine.end == columns.end];
        written.reflect_columns(self.place(stage, group), touched);
        if group == rows.start {
            written.copy_row(TILE * rows.start + 1, TILE * rows.start - 1);
        }
        if group + 1 == rows.end {
            written.copy_row(TILE * rows.end - 2, TILE * rows.end);
        }
    }
}

/// The tiles of all stages together, for every number of halvings.
fn spans(net: &Residual, extents: &[Region]) -> Vec<Span> {
    let mut spans: Vec<Option<Span>> = Vec::new();
    for (stage, extent) in net.stages.iter().zip(extents) {
        let halvings = net.rings[stage.ring].halvings as usize;
        spans.resize(spans.len().max(halvings + 1), None);
        let all = &mut spans[halvings];
        *all = Some(all.map_or(extent.columns, |span| span.union(extent.columns)));
    }
    spans.into_iter().flatten().collect()
}
