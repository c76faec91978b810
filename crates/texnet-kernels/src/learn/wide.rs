//! 3x3 convolution by Winograd's F(4x4, 3x3): forward with its activation, and the gradients to the data and to the
//! weights (`weights.rs`).
//!
//! Features are planes `[n, channels, height, width]`. Tiles of 4x4 outputs are
//! worked on in slabs of about a hundred: their inputs are transformed once (`tiles.rs`); then, for a block of outputs
//! at a time, the weights are transformed (`kernels.rs`), multiplied, and the products transformed back. Transformed
//! weights are four times as large as the weights and are made anew for each slab, which takes a twentieth of the time
//! that they are used for, and less than fetching them from main memory would.

mod kernels;
mod tiles;
mod weights;

use std::ops::Range;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;

use super::scratch;
use super::taps::{Source, TapsRef, bands};
use crate::pad::Border;
use crate::winograd::{POINTS, TILE};
use kernels::Kernels;
use tiles::{Finish, Inputs, Lift, Tiles};
pub(super) use weights::backward as backward_weights;

/// Products of a tile.
const PRODUCTS: usize = POINTS * POINTS;
/// Tiles of a slab, about.
const TILES: usize = 96;
/// Slabs that need no help of other threads: calling them costs more than a group of channels.
const MANY: usize = 4;
/// Outputs of a block.
const OUTPUTS: usize = 32;
/// Channels that are transformed by one thread at a time.
const CHANNELS: usize = 8;
/// Values between the planes of transformed tiles, weights and products, so that they fall into different cache sets.
const GAP: usize = 16;

/// What a convolution reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WideShape {
    /// Pictures.
    pub batch: usize,
    /// Rows and columns of the input.
    pub size: [usize; 2],
    /// Rows and columns added on every side of the input: with one the size stays, with none it shrinks by two.
    pub margin: usize,
    /// What they hold.
    pub border: Border,
}

impl WideShape {
    /// Rows and columns of the output.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn output(&self) -> [usize; 2] {
        self.size.map(|side| (side + 2 * self.margin).checked_sub(2).filter(|&s| s > 0).expect("a position"))
    }
}

/// Tiles below which most of a slab would be empty.
const FEWEST: usize = 32;

impl WideShape {
    /// Whether there are enough tiles for this to be quicker than the direct sum.
    pub(super) fn pays(&self) -> bool {
        self.count() >= FEWEST
    }

    /// Of the convolution that takes gradients to the output to those to the input.
    fn adjoint(&self) -> Self {
        if self.border == Border::Circular && self.margin == 1 {
            return *self;
        }
        Self { size: self.output(), margin: 2 - self.margin, border: Border::Zero, ..*self }
    }

    /// Rows and columns of tiles of a sample.
    fn tiles(&self) -> [usize; 2] {
        self.output().map(|side| side.div_ceil(TILE))
    }

    /// Tiles of all samples.
    fn count(&self) -> usize {
        let [rows, columns] = self.tiles();
        self.batch * rows * columns
    }

    /// Samples and rows of tiles that about so many tiles are: some rows of one, or all of some.
    fn slab(&self, tiles: usize) -> [usize; 2] {
        let [rows, columns] = self.tiles();
        [(tiles / (rows * columns)).max(1), (tiles / columns).clamp(1, rows)]
    }
}

/// The convolution of `x` with the weights `weight(output, input, 3 row + column)` and `bias` `[outputs]` or empty.
pub(super) fn convolve(
    level: Level,
    shape: WideShape,
    [outputs, inputs]: [usize; 2],
    weight: impl Fn(usize, usize, usize) -> f32,
    bias: &[f32],
    x: &[f32],
) -> Vec<f32> {
    let kernels = Kernels::new(inputs, outputs, weight);
    run(level, &kernels, Input { values: x, mask: None, shape }, Finish { bias, relu: false })
}

/// A 3x3 convolution of weights that do not change, both ways, on a torus or with zeros around its features or nothing.
#[derive(Debug, Clone)]
pub struct WideConv {
    forward: Kernels,
    /// Turned by half a turn, inputs and outputs exchanged.
    turned: Kernels,
    bias: Vec<f32>,
}

impl WideConv {
    /// With `weight` `[outputs, inputs, 3, 3]` and `bias` `[outputs]`.
    #[must_use]
    pub fn new(inputs: usize, weight: &[f32], bias: &[f32]) -> Self {
        let at = |o: usize, c: usize, i: usize| weight[(o * inputs + c) * 9 + i];
        Self {
            forward: Kernels::new(inputs, bias.len(), at),
            turned: Kernels::new(bias.len(), inputs, |o, c, i| at(c, o, 8 - i)),
            bias: bias.to_vec(),
        }
    }

    /// Output channels.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The convolution of `x`, without its negative values if `relu`.
    #[must_use]
    pub fn forward(&self, level: Level, shape: WideShape, x: &[f32], relu: bool) -> Vec<f32> {
        let input = Input { values: x, mask: None, shape };
        run(level, &self.forward, input, Finish { bias: &self.bias, relu })
    }

    /// The gradient to the input from that to the output; where there was an activation, `out` is its result.
    #[must_use]
    pub fn backward(
        &self,
        level: Level,
        shape: WideShape,
        out: Option<&[f32]>,
        gradient: &[f32],
    ) -> Vec<f32> {
        let shape = shape.adjoint();
        let input = Input { values: gradient, mask: out, shape };
        run(level, &self.turned, input, Finish { bias: &[], relu: false })
    }
}

/// What is convolved: the values where the mask is positive.
#[derive(Clone, Copy)]
struct Input<'a> {
    values: &'a [f32],
    mask: Option<&'a [f32]>,
    shape: WideShape,
}

/// Tiles that are worked on together.
struct Slab<'a> {
    samples: Range<usize>,
    /// Rows of tiles, of each sample.
    rows: Range<usize>,
    /// Where their outputs go: rows of every plane of every sample.
    out: Vec<&'a mut [f32]>,
}

fn run(level: Level, kernels: &Kernels, input: Input<'_>, finish: Finish<'_>) -> Vec<f32> {
    let [height, width] = input.shape.output();
    let mut out = vec![0.0; input.shape.batch * kernels.outputs * height * width];
    let slabs = slabs(&mut out, input.shape, kernels.outputs);
    let grain = grain(slabs.len());
    slabs.into_par_iter().for_each(|slab| slab.run(level, kernels, input, finish, grain));
    out
}

/// Channels, in groups, that one thread works on at a time: all, where there are enough slabs for all threads.
fn grain(slabs: usize) -> usize {
    if slabs < MANY { 1 } else { usize::MAX }
}

/// All tiles.
fn slabs(out: &mut [f32], shape: WideShape, outputs: usize) -> Vec<Slab<'_>> {
    let [height, width] = shape.output();
    let [samples, band] = shape.slab((shape.count() / MANY).clamp(FEWEST, TILES));
    let [rows, _] = shape.tiles();
    let volume = outputs * height * width;
    let chunks = out.chunks_mut(samples * volume).enumerate();
    let of_chunk = |(i, chunk): (usize, _)| {
        let bands = bands(chunk, height * width, band * TILE * width);
        let samples = i * samples..((i + 1) * samples).min(shape.batch);
        bands.into_iter().enumerate().map(move |(i, out)| Slab {
            samples: samples.clone(),
            rows: i * band..((i + 1) * band).min(rows),
            out,
        })
    };
    chunks.flat_map(of_chunk).collect()
}

impl Slab<'_> {
    fn run(self, level: Level, kernels: &Kernels, input: Input<'_>, finish: Finish<'_>, grain: usize) {
        let tiles = Tiles::new(input.shape, self.samples.clone(), self.rows.clone());
        let plane = kernels.inputs * tiles.stride() + GAP;
        scratch::with(PRODUCTS * plane, |transformed| {
            transform::<Inputs, _>(level, &tiles, input, kernels.inputs, grain, transformed);
            let blocks = blocks(self.out, kernels.outputs).into_par_iter().enumerate();
            blocks.with_min_len(grain).for_each(|(i, mut out)| {
                block(level, kernels, i * OUTPUTS, &tiles, transformed, finish, &mut out);
            });
        });
    }
}

/// The tiles of all channels, `[channels, stride]` to each of 36 planes.
fn transform<L: Lift<N>, const N: usize>(
    level: Level,
    tiles: &Tiles,
    input: Input<'_>,
    channels: usize,
    grain: usize,
    out: &mut [f32],
) {
    let plane = out.len() / PRODUCTS;
    let groups = bands(out, plane, CHANNELS * tiles.stride()).into_par_iter();
    let groups = groups.take(channels.div_ceil(CHANNELS)).enumerate().with_min_len(grain);
    groups.for_each(|(i, mut points)| {
        let group = i * CHANNELS..((i + 1) * CHANNELS).min(channels);
        tiles.transform::<L, N>(level, input, channels, group, &mut points);
    });
}

/// The planes of some samples by blocks of outputs.
fn blocks(planes: Vec<&mut [f32]>, outputs: usize) -> Vec<Vec<&mut [f32]>> {
    let mut blocks: Vec<Vec<&mut [f32]>> = (0..outputs.div_ceil(OUTPUTS)).map(|_| Vec::new()).collect();
    planes.into_iter().enumerate().for_each(|(i, plane)| blocks[i % outputs / OUTPUTS].push(plane));
    blocks
}

/// The outputs from `first` on, to their planes of every sample in turn.
fn block(
    level: Level,
    kernels: &Kernels,
    first: usize,
    tiles: &Tiles,
    transformed: &[f32],
    finish: Finish<'_>,
    out: &mut [&mut [f32]],
) {
    let outputs = OUTPUTS.min(kernels.outputs - first);
    let filled = outputs.next_multiple_of(kernels::LANES);
    let weights = kernels.inputs * filled + GAP;
    let plane = filled * tiles.stride() + GAP;
    scratch::with(PRODUCTS * (weights + plane), |memory| {
        let (points, products) = memory.split_at_mut(PRODUCTS * weights);
        kernels.transform(level, first, outputs, points);
        let offsets: Vec<usize> = (0..kernels.inputs).map(|c| c * tiles.stride()).collect();
        let sources = transformed.chunks_exact(kernels.inputs * tiles.stride() + GAP);
        let factors = points.chunks_exact(weights).zip(sources);
        for ((weights, data), product) in factors.zip(products.chunks_exact_mut(plane)) {
            let weights = &weights[..kernels.inputs * filled];
            let taps = TapsRef { outputs: filled, weights, bias: &[0.0; OUTPUTS] };
            let mut rows: Vec<&mut [f32]> = product.chunks_exact_mut(tiles.stride()).take(filled).collect();
            let source = Source { data, offsets: &offsets };
            dispatch!(level, simd => taps.run(simd, source, &mut rows, 0, tiles.stride()));
        }
        tiles.finish(level, products, plane, finish.of(first, outputs), out);
    });
}
