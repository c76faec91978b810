//! Direct convolution, 3x3 and 1x1, with fused bias and activation.

use fearless_simd::{Level, Simd, dispatch};

use crate::map::{LANES, Map};
use crate::panel::{self, Panel, Source};

/// Terms that are summed before they are added to the total: those of one channel of a 3x3 kernel.
pub(crate) const CHUNK: usize = 9;

/// One convolution: stride 1, no border.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Kernel side.
    pub kernel: usize,
    /// `[outputs, inputs, kernel, kernel]`.
    pub weight: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
    /// Slope of the activation below zero, in `[0, 1]`; no activation when absent.
    pub slope: Option<f32>,
}

/// A [`Conv`] with its weights in the order in which the direct kernel reads them.
#[derive(Debug, Clone)]
pub struct DirectConv {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    slope: Option<f32>,
}

impl From<&Conv> for DirectConv {
    fn from(conv: &Conv) -> Self {
        let terms = conv.inputs * conv.kernel * conv.kernel;
        Self {
            inputs: conv.inputs,
            outputs: conv.outputs,
            kernel: conv.kernel,
            weights: panel::pack(conv.outputs, terms, |o, t| conv.weight[o * terms + t]),
            bias: panel::pack(conv.outputs, 1, |o, _| conv.bias[o]),
            slope: conv.slope,
        }
    }
}

impl DirectConv {
    /// Input channels.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Output channels.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Kernel side.
    #[must_use]
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    pub(crate) fn panel(&self) -> Panel<'_> {
        Panel {
            weights: &self.weights,
            bias: &self.bias,
            outputs: self.outputs,
            chunk: CHUNK,
            slope: self.slope,
        }
    }

    /// The convolution of a map of at least `kernel` rows and columns; bit-equal to [`crate::reference::conv`].
    #[must_use]
    pub fn apply(&self, level: Level, input: &Map) -> Map {
        let k = self.kernel;
        let mut out = Map::new(self.outputs, input.height() + 1 - k, input.width() + 1 - k);
        let rows = out.height();
        out.bands_mut(rows).for_each(|band| self.apply_rows(level, input, 0, band));
        out
    }

    /// The rows of [`DirectConv::apply`] from `first` on, into a band of its result.
    pub fn apply_rows(&self, level: Level, input: &Map, first: usize, band: &mut [f32]) {
        dispatch!(level, simd => self.rows(simd, input, first, band));
    }

    #[inline(always)]
    fn rows<S: Simd>(&self, simd: S, input: &Map, first: usize, band: &mut [f32]) {
        let k = self.kernel;
        let terms = (0..self.inputs).flat_map(|c| (0..k * k).map(move |i| (c, i / k, i % k)));
        let offsets: Vec<usize> = terms.map(|(c, ky, kx)| input.offset(c, ky) + kx).collect();
        let stride = (input.width() + 1 - k).next_multiple_of(LANES);
        for (y, out) in band.chunks_exact_mut(self.outputs * stride).enumerate() {
            let source = Source { data: &input.data()[input.offset(0, first + y)..], offsets: &offsets };
            panel::multiply(simd, self.panel(), source, out, stride, stride);
        }
    }
}
