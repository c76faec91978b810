//! Convolution of a batch for learning: forward, gradient to the data, gradient to the weights.
//!
//! Features are planes, `[n, channels, height, width]`; kernels are odd, the stride is 1, and the size stays. Every
//! value is one sum in one order, so results do not depend on the number of threads or the instruction level. Kernels of
//! 3x3 go the way of `wide.rs`, except over the coarsest scales.

#![expect(
    clippy::needless_range_loop,
    reason = "vectors of an array are addressed by number: closures of iterators are not compiled for the instruction set"
)]

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f32x16};
use rayon::prelude::*;

use super::padded::{Padded, fold};
use super::partial;
use super::taps::{Taps, bands};
use super::wide::{self, WideShape};
use crate::pad::Border;
use crate::vectorized;

/// What a convolution reads and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Pictures.
    pub batch: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Kernel side, odd.
    pub kernel: usize,
    /// What lies beyond the border.
    pub border: Border,
}

impl ConvShape {
    fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }

    fn margin(&self) -> usize {
        self.kernel / 2
    }

    fn terms(&self) -> usize {
        self.inputs * self.kernel * self.kernel
    }

    /// What Winograd's way reads with so many rows and columns added on every side, where that is quicker.
    fn wide(&self, margin: usize) -> Option<WideShape> {
        let wide = WideShape { batch: self.batch, size: self.size, margin, border: self.border };
        (self.kernel == 3 && wide.pays()).then_some(wide)
    }
}

/// Values of a row of work that one thread does at a time; below twice that nothing is split.
const WORK: usize = 1 << 17;

/// The convolution of `x` `[batch, inputs, height, width]` with `weight` `[outputs, inputs, kernel, kernel]` and
/// `bias` `[outputs]` or empty: `[batch, outputs, height, width]`.
#[must_use]
pub fn forward(level: Level, shape: ConvShape, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let area = shape.kernel * shape.kernel;
    let weight = |o: usize, c: usize, i: usize| weight[(o * shape.inputs + c) * area + i];
    convolve(level, shape, shape.margin(), weight, bias, x)
}

/// The gradient to the data from that to the result, `gradient` `[batch, outputs, height, width]`.
#[must_use]
pub fn backward_data(level: Level, shape: ConvShape, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
    let area = shape.kernel * shape.kernel;
    // The kernel turned by half a turn, inputs and outputs exchanged.
    let turned = |c: usize, o: usize, i: usize| weight[(o * shape.inputs + c) * area + area - 1 - i];
    let adjoint = ConvShape { inputs: shape.outputs, outputs: shape.inputs, ..shape };
    let margin = shape.margin();
    if matches!(shape.border, Border::Circular | Border::Zero) || margin == 0 {
        return convolve(level, adjoint, margin, turned, &[], gradient);
    }
    // Borders that repeat values: the gradient to the padded picture first, then its margin folded back.
    let adjoint = ConvShape { border: Border::Zero, ..adjoint };
    let wide = convolve(level, adjoint, 2 * margin, turned, &[], gradient);
    let mut out = vec![0.0; shape.batch * shape.inputs * shape.plane()];
    let plane = shape.size.map(|side| side + 2 * margin).iter().product();
    let planes = wide.par_chunks_exact(plane).zip(out.par_chunks_exact_mut(shape.plane()));
    planes.for_each(|(wide, out)| fold(wide, margin, shape.border, shape.size, out));
    out
}

/// The convolution of planes with some rows and columns added on every side, weights by output, input and kernel
/// element.
fn convolve(
    level: Level,
    shape: ConvShape,
    margin: usize,
    weight: impl Fn(usize, usize, usize) -> f32,
    bias: &[f32],
    x: &[f32],
) -> Vec<f32> {
    let ConvShape { batch, inputs, outputs, size, kernel, border } = shape;
    if let Some(wide) = shape.wide(margin) {
        return wide::convolve(level, wide, [outputs, inputs], weight, bias, x);
    }
    let area = kernel * kernel;
    let taps = Taps::new(outputs, inputs * area, bias, |o, t| weight(o, t / area, t % area));
    let result = size.map(|side| side + 2 * margin + 1 - kernel);
    let volume = outputs * result[0] * result[1];
    let mut out = vec![0.0; batch * volume];
    for (x, out) in samples(x, batch).zip(out.chunks_exact_mut(volume)) {
        let padded = Padded::new(x, size, margin, border);
        correlate(level, &taps, &padded, inputs, kernel, result, out);
    }
    out
}

/// A sum of shifted copies of `channels` padded planes into planes of `size`, spread over the threads by rows.
fn correlate(
    level: Level,
    taps: &Taps,
    padded: &Padded,
    channels: usize,
    kernel: usize,
    [height, width]: [usize; 2],
    out: &mut [f32],
) {
    let terms = (0..channels).flat_map(|c| (0..kernel * kernel).map(move |i| (c, i / kernel, i % kernel)));
    let offsets: Vec<usize> = terms.map(|(c, ky, kx)| padded.offset(c, ky) + kx).collect();
    let outputs = out.len() / (height * width);
    let rows = (WORK / (outputs * width * offsets.len())).clamp(1, height);
    let work = bands(out, height * width, rows * width);
    work.into_par_iter().enumerate().for_each(|(band, mut out)| {
        for y in 0..out[0].len() / width {
            let data = &padded.data[padded.offset(0, band * rows + y)..];
            taps.multiply(level, data, &offsets, &mut out, y * width, width);
        }
    });
}

fn samples(values: &[f32], batch: usize) -> impl Iterator<Item = &[f32]> {
    values.chunks_exact(values.len() / batch)
}

/// Outputs of a task of [`backward_weights`].
const OUTPUTS: usize = 8;
/// Inputs of a task.
const INPUTS: usize = 8;
/// Inputs of kernels of one element that share a pass, as many as registers hold with four outputs.
const GROUP: usize = 4;
/// Rows that stay in the first-level cache while all kernel elements of a task pass over them.
const ROWS: usize = 8;
/// Partial sums of a weight: as many as the widest vector has lanes, at every level.
const LANES: usize = 16;

/// The gradient to the weights, `[outputs, inputs, kernel, kernel]`.
#[must_use]
pub fn backward_weights(level: Level, shape: ConvShape, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    if let Some(wide) = shape.wide(shape.margin()) {
        return wide::backward_weights(level, wide, [shape.outputs, shape.inputs], x, gradient);
    }
    let padded: Vec<Padded> =
        samples(x, shape.batch).map(|x| Padded::new(x, shape.size, shape.margin(), shape.border)).collect();
    let blocks = (0..shape.outputs).step_by(OUTPUTS);
    let tasks: Vec<[usize; 2]> =
        blocks.flat_map(|o| (0..shape.inputs).step_by(INPUTS).map(move |c| [o, c])).collect();
    let work = |&[o, c]: &[usize; 2]| Task::new(shape, o, c).run(level, &padded, gradient);
    let results: Vec<Vec<f32>> = tasks.par_iter().map(work).collect();
    let mut out = vec![0.0; shape.outputs * shape.terms()];
    for (&[o, c], result) in tasks.iter().zip(results) {
        Task::new(shape, o, c).scatter(&result, &mut out);
    }
    out
}

/// A block of outputs by a block of inputs.
struct Task {
    shape: ConvShape,
    /// First output.
    o: usize,
    outputs: usize,
    /// First input.
    c: usize,
    inputs: usize,
}

impl Task {
    fn new(shape: ConvShape, o: usize, c: usize) -> Self {
        let [outputs, inputs] = [OUTPUTS.min(shape.outputs - o), INPUTS.min(shape.inputs - c)];
        Self { shape, o, outputs, c, inputs }
    }

    /// Partial sums of every weight `[inputs, kernel, outputs, kernel, LANES]`, over all pictures.
    fn run(&self, level: Level, padded: &[Padded], gradient: &[f32]) -> Vec<f32> {
        let kernel = self.shape.kernel;
        let mut sums = vec![0.0; self.inputs * self.outputs * kernel * kernel * LANES];
        for (padded, gradient) in padded.iter().zip(samples(gradient, self.shape.batch)) {
            let gradient = &gradient[self.o * self.shape.plane()..];
            dispatch!(level, simd => self.picture(simd, padded, gradient, &mut sums));
        }
        sums
    }

    #[inline(always)]
    fn picture<S: Simd>(&self, simd: S, padded: &Padded, gradient: &[f32], sums: &mut [f32]) {
        let kernel = self.shape.kernel;
        let [height, width] = self.shape.size;
        let mut y = 0;
        while y < height {
            let rows = Rows { first: y, count: ROWS.min(height - y), width, plane: height * width };
            let mut i = 0;
            while i < self.inputs * kernel {
                let (c, ky) = (self.c + i / kernel, i % kernel);
                let data = &padded.data[padded.offset(c, ky)..];
                let together = self.together(i);
                let step = if kernel == 1 { padded.size[0] * padded.size[1] } else { 1 };
                let source = Shifted { data, stride: padded.size[1], step };
                let sums = &mut sums[i * self.outputs * kernel * LANES..];
                match (kernel, together) {
                    (1, GROUP) => outputs::<S, GROUP>(simd, rows, self.outputs, gradient, source, sums),
                    (1, _) => outputs::<S, 1>(simd, rows, self.outputs, gradient, source, sums),
                    _ => outputs::<S, 3>(simd, rows, self.outputs, gradient, source, sums),
                }
                i += together;
            }
            y += ROWS;
        }
    }

    /// Rows of kernels from number `i` on that share a pass: of kernels of one element some inputs, else one.
    fn together(&self, i: usize) -> usize {
        if self.shape.kernel == 1 && i + GROUP <= self.inputs { GROUP } else { 1 }
    }

    fn scatter(&self, sums: &[f32], out: &mut [f32]) {
        if self.shape.kernel == 1 {
            return self.scatter_groups(sums, out);
        }
        let kernel = self.shape.kernel;
        let area = kernel * kernel;
        for (i, lanes) in sums.chunks_exact(LANES).enumerate() {
            let (kx, o) = (i % kernel, i / kernel % self.outputs);
            let (ky, c) = (i / (kernel * self.outputs) % kernel, i / (area * self.outputs));
            let at = ((self.o + o) * self.shape.inputs + self.c + c) * area + ky * kernel + kx;
            out[at] = lanes.iter().sum();
        }
    }

    /// Likewise for kernels of one element, whose inputs come in groups.
    fn scatter_groups(&self, sums: &[f32], out: &mut [f32]) {
        let mut i = 0;
        while i < self.inputs {
            let together = self.together(i);
            let sums = sums[i * self.outputs * LANES..].chunks_exact(LANES);
            for (j, lanes) in sums.take(self.outputs * together).enumerate() {
                let (o, c) = (self.o + j / together, self.c + i + j % together);
                out[o * self.shape.inputs + c] = lanes.iter().sum();
            }
            i += together;
        }
    }
}

/// Rows of every plane of the gradient.
#[derive(Clone, Copy)]
struct Rows {
    first: usize,
    count: usize,
    width: usize,
    plane: usize,
}

/// What the columns of a kernel read: shifted copies of a padded plane, or for kernels of one element those of
/// several inputs.
#[derive(Clone, Copy)]
struct Shifted<'a> {
    data: &'a [f32],
    stride: usize,
    /// From one copy to the next.
    step: usize,
}

/// Adds some rows' share to the sums of `T` kernel columns of all outputs, as many outputs at a time as registers hold.
#[inline(always)]
fn outputs<S: Simd, const T: usize>(
    simd: S,
    rows: Rows,
    outputs: usize,
    gradient: &[f32],
    source: Shifted<'_>,
    sums: &mut [f32],
) {
    let wide = <S::f32s as SimdBase<S>>::LEN >= LANES;
    let mut o = 0;
    while o < outputs {
        let gradient = &gradient[o * rows.plane..];
        let sums = &mut sums[o * T * LANES..];
        o += match outputs - o {
            8.. if wide && T < GROUP => accumulate::<S, 8, T>(simd, rows, gradient, source, sums),
            4.. if wide => accumulate::<S, 4, T>(simd, rows, gradient, source, sums),
            2.. => accumulate::<S, 2, T>(simd, rows, gradient, source, sums),
            _ => accumulate::<S, 1, T>(simd, rows, gradient, source, sums),
        };
    }
}

#[inline(always)]
fn accumulate<S: Simd, const R: usize, const T: usize>(
    simd: S,
    rows: Rows,
    gradient: &[f32],
    source: Shifted<'_>,
    sums: &mut [f32],
) -> usize {
    let mut acc = [[f32x16::splat(simd, 0.0); T]; R];
    for r in 0..R {
        for t in 0..T {
            let at = (r * T + t) * LANES;
            acc[r][t] = f32x16::from_slice(simd, &sums[at..at + LANES]);
        }
    }
    for y in rows.first..rows.first + rows.count {
        let mut lines: [&[f32]; R] = [&[]; R];
        for r in 0..R {
            let start = r * rows.plane + y * rows.width;
            lines[r] = &gradient[start..start + rows.width];
        }
        let (start, step) = (y * source.stride, source.step);
        let source = &source.data[start..start + rows.width + (T - 1) * step + LANES];
        let mut x = 0;
        while x + LANES <= rows.width {
            add(
                simd,
                &mut acc,
                Copies { source, step, x },
                #[inline(always)]
                |r| f32x16::from_slice(simd, &lines[r][x..x + LANES]),
            );
            x += LANES;
        }
        if x < rows.width {
            add(
                simd,
                &mut acc,
                Copies { source, step, x },
                #[inline(always)]
                |r| partial::load(simd, &lines[r][x..]),
            );
        }
    }
    for r in 0..R {
        for t in 0..T {
            let at = (r * T + t) * LANES;
            acc[r][t].store_slice(&mut sums[at..at + LANES]);
        }
    }
    R
}

/// A row of [`Shifted`], from column `x` on.
#[derive(Clone, Copy)]
struct Copies<'a> {
    source: &'a [f32],
    step: usize,
    x: usize,
}

/// Adds the products of `R` rows of the gradient from column `x` on with the picture, shifted by each of `T` columns.
#[inline(always)]
fn add<S: Simd, const R: usize, const T: usize>(
    simd: S,
    acc: &mut [[f32x16<S>; T]; R],
    copies: Copies<'_>,
    gradient: impl Fn(usize) -> f32x16<S>,
) {
    let mut values = [f32x16::splat(simd, 0.0); T];
    for t in 0..T {
        let start = copies.x + t * copies.step;
        values[t] = f32x16::from_slice(simd, &copies.source[start..start + LANES]);
    }
    for r in 0..R {
        let g = gradient(r);
        for t in 0..T {
            acc[r][t] = g.mul_add_precise(values[t], acc[r][t]);
        }
    }
}

/// The gradient to the bias: the sum of every output's plane over the batch, in double precision.
#[must_use]
pub fn backward_bias(level: Level, shape: ConvShape, gradient: &[f32]) -> Vec<f32> {
    let of_plane = |plane| {
        vectorized(
            level,
            #[inline(always)]
            || super::sums::sum(plane),
        )
    };
    let sums: Vec<f64> = gradient.par_chunks_exact(shape.plane()).map(of_plane).collect();
    let of_output = |o| sums.iter().skip(o).step_by(shape.outputs).sum::<f64>() as f32;
    (0..shape.outputs).map(of_output).collect()
}
