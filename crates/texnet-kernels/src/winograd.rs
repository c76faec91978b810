//! 3x3 convolution by Winograd's minimal filtering F(4x4, 3x3): 36 products for 16 outputs instead of 144.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), section 4, with the points
//! 0, 1, -1, 2, -2 and infinity. One output differs from the direct sum by some 1e-6 of the terms' size, and
//! depends on its whole tile of 6x6 inputs: tiles must lie at the same multiples of four for bits to agree.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use fearless_simd::{Level, Simd, SimdFloat, dispatch, f32x8, f32x16};

use crate::conv::Conv;
use crate::panel::{self, Panel, Source, activate, vectors};
use crate::strip::{GroupMut, Strip, TileRow};

/// Outputs of a tile, in either direction.
pub const TILE: usize = 4;
/// Products of a tile, in either direction.
pub(crate) const POINTS: usize = 6;
/// Tiles transformed together: both transforms of 40 channels stay in the second-level cache.
const RUN: usize = 32;

/// Values between the planes of a transformed run, so that one tile's 36 values fall into different cache sets.
const GAP: usize = 16;

/// Transform of a kernel's row: the matrix G.
const KERNEL: [[f64; 3]; POINTS] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// A 3x3 [`Conv`] in the transformed domain.
#[derive(Debug, Clone)]
pub struct WinogradConv {
    inputs: usize,
    outputs: usize,
    /// 36 panels.
    weights: Vec<Vec<f32>>,
    zeros: Vec<f32>,
    bias: Vec<f32>,
    slope: Option<f32>,
    /// Offsets of the channels in a transformed run.
    offsets: Vec<usize>,
}

impl From<&Conv> for WinogradConv {
    fn from(conv: &Conv) -> Self {
        assert_eq!(conv.kernel, 3, "Winograd's kernels are 3x3");
        let kernel = |o, c| &conv.weight[(o * conv.inputs + c) * 9..][..9];
        let point = |p: usize| {
            panel::pack(conv.outputs, conv.inputs, |o, c| {
                transform_kernel(kernel(o, c), p / POINTS, p % POINTS)
            })
        };
        Self {
            inputs: conv.inputs,
            outputs: conv.outputs,
            weights: (0..POINTS * POINTS).map(point).collect(),
            zeros: vec![0.0; conv.outputs.next_multiple_of(panel::ROWS)],
            bias: conv.bias.clone(),
            slope: conv.slope,
            offsets: (0..conv.inputs).map(|c| c * RUN).collect(),
        }
    }
}

/// Element (`row`, `column`) of G g G'.
fn transform_kernel(kernel: &[f32], row: usize, column: usize) -> f32 {
    let products = (0..3).flat_map(|y| (0..3).map(move |x| (y, x)));
    let value: f64 =
        products.map(|(y, x)| KERNEL[row][y] * KERNEL[column][x] * f64::from(kernel[3 * y + x])).sum();
    value as f32
}

/// Memory for one run of tiles, shared by convolutions of any size.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// `[36, inputs, RUN]`, a gap behind each plane.
    input: Vec<f32>,
    /// `[36, outputs, RUN]`, likewise.
    product: Vec<f32>,
}

/// Distance from one plane of a transformed run to the next.
const fn plane(channels: usize) -> usize {
    channels * RUN + GAP
}

impl Scratch {
    fn reserve(&mut self, conv: &WinogradConv) {
        let grow = |data: &mut Vec<f32>, channels: usize| {
            let wanted = POINTS * POINTS * plane(channels);
            data.resize(data.len().max(wanted), 0.0);
        };
        grow(&mut self.input, conv.inputs);
        grow(&mut self.product, conv.outputs);
    }
}

impl WinogradConv {
    /// Output channels.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes group `at.group` from the group above, the same, and the one below of `input`.
    ///
    /// Reads positions `first - 1 ..= first + count + 7` and writes up to 7 positions behind the last.
    pub fn apply(&self, level: Level, input: &Strip, out: GroupMut<'_>, at: TileRow, scratch: &mut Scratch) {
        dispatch!(level, simd => self.run(simd, input, out, at, scratch));
    }

    #[inline(always)]
    fn run<S: Simd>(
        &self,
        simd: S,
        input: &Strip,
        mut out: GroupMut<'_>,
        at: TileRow,
        scratch: &mut Scratch,
    ) {
        scratch.reserve(self);
        let rows = [-1, 0, 1, 2, 3, 4].map(|r| input.offset(0, 4 * at.group + r));
        for start in (0..at.count).step_by(RUN) {
            let columns = RUN.min(at.count - start).next_multiple_of(8);
            let first = at.first + start;
            self.transform_inputs(simd, input, rows.map(|r| r + first), columns, &mut scratch.input);
            self.multiply(simd, scratch, columns);
            self.transform_outputs(simd, &scratch.product, columns, &mut out, [at.channel, first]);
        }
    }

    #[inline(always)]
    fn transform_inputs<S: Simd>(
        &self,
        simd: S,
        input: &Strip,
        rows: [usize; 6],
        columns: usize,
        out: &mut [f32],
    ) {
        let plane = plane(self.inputs);
        for c in 0..self.inputs {
            let rows = rows.map(|r| r + c * input.channel_stride());
            for (x, wide) in vectors::<S>(columns) {
                let (rows, out) = (rows.map(|r| r + x), &mut out[c * RUN + x..]);
                match wide {
                    true => store_points(load_transformed::<S, f32x16<S>>(simd, input, rows), out, plane),
                    false => store_points(load_transformed::<S, f32x8<S>>(simd, input, rows), out, plane),
                }
            }
        }
    }

    #[inline(always)]
    fn multiply<S: Simd>(&self, simd: S, scratch: &mut Scratch, columns: usize) {
        let inputs = scratch.input.chunks_exact(plane(self.inputs));
        let products = scratch.product.chunks_exact_mut(plane(self.outputs));
        for ((weights, data), product) in self.weights.iter().zip(inputs).zip(products) {
            let panel =
                Panel { weights, bias: &self.zeros, outputs: self.outputs, chunk: self.inputs, slope: None };
            panel::multiply(simd, panel, Source { data, offsets: &self.offsets }, product, RUN, columns);
        }
    }

    #[inline(always)]
    fn transform_outputs<S: Simd>(
        &self,
        simd: S,
        product: &[f32],
        columns: usize,
        out: &mut GroupMut<'_>,
        [channel, first]: [usize; 2],
    ) {
        let plane = plane(self.outputs);
        let stride = out.stride();
        for (o, &bias) in self.bias.iter().enumerate() {
            let out = &mut out.channels_from(channel + o)[first..];
            for (x, wide) in vectors::<S>(columns) {
                let (product, out) = (&product[o * RUN + x..], &mut out[x..]);
                match wide {
                    true => self.store_outputs::<S, f32x16<S>>(simd, product, plane, bias, out, stride),
                    false => self.store_outputs::<S, f32x8<S>>(simd, product, plane, bias, out, stride),
                }
            }
        }
    }
}

impl WinogradConv {
    /// Outputs of one vector of tiles, to 16 rows of phases.
    #[inline(always)]
    fn store_outputs<S: Simd, V: SimdFloat<S, Element = f32>>(
        &self,
        simd: S,
        product: &[f32],
        plane: usize,
        bias: f32,
        out: &mut [f32],
        stride: usize,
    ) {
        let tile = load_outputs::<S, V>(simd, product, plane);
        let bias = V::splat(simd, bias);
        for y in 0..TILE {
            for x in 0..TILE {
                let at = (y * TILE + x) * stride;
                activate(simd, tile[y][x] + bias, self.slope).store_slice(&mut out[at..at + V::LEN]);
            }
        }
    }
}

/// B' d B of a vector of tiles whose six rows begin at `rows`.
#[inline(always)]
fn load_transformed<S: Simd, V: SimdFloat<S, Element = f32>>(
    simd: S,
    input: &Strip,
    rows: [usize; 6],
) -> [[V; 6]; 6] {
    let stride = input.stride();
    let data = input.data();
    let mut lines = [[V::splat(simd, 0.0); 6]; 6];
    for (line, row) in lines.iter_mut().zip(rows) {
        let columns = [
            load::<S, V>(simd, data, row + 3 * stride - 1),
            load::<S, V>(simd, data, row),
            load::<S, V>(simd, data, row + stride),
            load::<S, V>(simd, data, row + 2 * stride),
            load::<S, V>(simd, data, row + 3 * stride),
            load::<S, V>(simd, data, row + 1),
        ];
        *line = transform_input(simd, columns);
    }
    let mut tile = lines;
    for x in 0..POINTS {
        let column = [lines[0][x], lines[1][x], lines[2][x], lines[3][x], lines[4][x], lines[5][x]];
        tile[x] = transform_input(simd, column);
    }
    tile
}

#[inline(always)]
fn load<S: Simd, V: SimdFloat<S, Element = f32>>(simd: S, data: &[f32], at: usize) -> V {
    V::from_slice(simd, &data[at..at + V::LEN])
}

/// Stores the transformed tile, given column after column, to its 36 planes in row order.
#[inline(always)]
fn store_points<S: Simd, V: SimdFloat<S, Element = f32>>(tile: [[V; 6]; 6], out: &mut [f32], plane: usize) {
    for x in 0..POINTS {
        for y in 0..POINTS {
            let at = (y * POINTS + x) * plane;
            tile[x][y].store_slice(&mut out[at..at + V::LEN]);
        }
    }
}

/// A' m A of a vector of tiles: four rows of four outputs.
#[inline(always)]
pub(crate) fn load_outputs<S: Simd, V: SimdFloat<S, Element = f32>>(
    simd: S,
    product: &[f32],
    plane: usize,
) -> [[V; 4]; 4] {
    let mut columns = [[V::splat(simd, 0.0); TILE]; POINTS];
    for x in 0..POINTS {
        let at = |y: usize| (y * POINTS + x) * plane;
        let products = [
            load::<S, V>(simd, product, at(0)),
            load::<S, V>(simd, product, at(1)),
            load::<S, V>(simd, product, at(2)),
            load::<S, V>(simd, product, at(3)),
            load::<S, V>(simd, product, at(4)),
            load::<S, V>(simd, product, at(5)),
        ];
        columns[x] = transform_output(simd, products);
    }
    let mut tile = [[V::splat(simd, 0.0); TILE]; TILE];
    for y in 0..TILE {
        let c = &columns;
        tile[y] = transform_output(simd, [c[0][y], c[1][y], c[2][y], c[3][y], c[4][y], c[5][y]]);
    }
    tile
}

/// `factor * value + addend`, rounded once.
#[inline(always)]
fn times<S: Simd, V: SimdFloat<S, Element = f32>>(simd: S, factor: f32, value: V, addend: V) -> V {
    value.mul_add_precise(V::splat(simd, factor), addend)
}

/// B' d: one row or column of an input tile.
#[inline(always)]
pub(crate) fn transform_input<S: Simd, V: SimdFloat<S, Element = f32>>(simd: S, d: [V; 6]) -> [V; 6] {
    let even = times(simd, -4.0, d[2], d[4]);
    let odd = times(simd, -4.0, d[1], d[3]);
    let difference = d[4] - d[2];
    let slope = d[3] - d[1];
    [
        times(simd, 4.0, d[0], times(simd, -5.0, d[2], d[4])),
        even + odd,
        even - odd,
        times(simd, 2.0, slope, difference),
        times(simd, -2.0, slope, difference),
        times(simd, 4.0, d[1], times(simd, -5.0, d[3], d[5])),
    ]
}

/// A' m: one row or column of a product tile.
#[inline(always)]
fn transform_output<S: Simd, V: SimdFloat<S, Element = f32>>(simd: S, m: [V; 6]) -> [V; 4] {
    let [sum, difference] = [m[1] + m[2], m[1] - m[2]];
    let [far_sum, far_difference] = [m[3] + m[4], m[3] - m[4]];
    [
        (m[0] + sum) + far_sum,
        times(simd, 2.0, far_difference, difference),
        times(simd, 4.0, far_sum, sum),
        times(simd, 8.0, far_difference, difference) + m[5],
    ]
}

/// A g: one row or column of a tile of gradients.
#[inline(always)]
pub(crate) fn transform_gradient<S: Simd, V: SimdFloat<S, Element = f32>>(simd: S, g: [V; 4]) -> [V; 6] {
    let [even, odd] = [g[0] + g[2], g[1] + g[3]];
    let far_even = times(simd, 4.0, g[2], g[0]);
    let far_odd = times(simd, 4.0, g[3], g[1]);
    [
        g[0],
        even + odd,
        even - odd,
        times(simd, 2.0, far_odd, far_even),
        times(simd, -2.0, far_odd, far_even),
        g[3],
    ]
}
