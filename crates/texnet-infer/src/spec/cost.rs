//! What a generator costs, and how far it sees.

use super::residual::Op;
use super::{ConvSpec, GeneratorSpec};

impl GeneratorSpec {
    /// Multiplications, each with its addition, of one pixel of the output.
    #[must_use]
    pub fn multiply_adds(&self) -> f64 {
        let convs = self.placed_convs();
        convs.iter().map(|(ratio, conv)| conv.multiply_adds() / (*ratio as f64).powi(2)).sum()
    }

    /// Every convolution, with the pixels of the finest scale to one of those that it is computed at.
    #[must_use]
    pub fn placed_convs(&self) -> Vec<(usize, ConvSpec)> {
        if self.residual == 0 {
            let of_scale = |i: usize| {
                let convs = [self.side_block(i), self.join_block(i)].concat();
                convs.into_iter().map(move |conv| (self.ratio(i), conv))
            };
            return (0..self.scales.len()).flat_map(of_scale).chain([(1, self.head())]).collect();
        }
        let (mut ratio, mut convs) = (1, Vec::new());
        for op in self.program() {
            match op {
                Op::Conv(conv) => convs.push((ratio, conv)),
                Op::Halve => ratio *= 2,
                Op::Double => ratio /= 2,
                Op::Norm { .. } | Op::Keep | Op::Noise | Op::Add => {}
            }
        }
        convs
    }

    /// Pixels of the finest scale that the noise, or the photograph, of any scale reaches.
    #[must_use]
    pub fn reach(&self) -> usize {
        if self.residual > 0 {
            let border = |(ratio, conv): (usize, ConvSpec)| ratio * (conv.kernel / 2);
            return self.placed_convs().into_iter().map(border).sum::<usize>() + 2 * (self.granularity() - 1);
        }
        let threes = self.block.iter().filter(|&&kernel| kernel == 3).count();
        let mut after = 0;
        let mut reach = 0;
        for i in (0..self.scales.len()).rev() {
            let ratio = self.ratio(i);
            after += if i > 0 { threes * ratio } else { 0 };
            let side = if self.scales[i].branch > 0 { threes * ratio } else { 0 };
            // A pixel of this scale covers `ratio` of the finest.
            reach = reach.max(after + side + ratio - 1);
            after += if self.scales[i].smooth { ratio } else { 0 };
        }
        reach
    }
}

impl ConvSpec {
    /// Multiplications of one pixel of its output, done directly.
    #[must_use]
    pub fn multiply_adds(&self) -> f64 {
        (self.inputs * self.outputs * self.kernel * self.kernel) as f64
    }
}
