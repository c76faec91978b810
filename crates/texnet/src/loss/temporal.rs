//! Whether a style sticks to what moves: a photograph that moves should look the same, moved (Huang et al. 2017,
//! "Real-time neural style transfer for videos", with a known motion in place of optical flow).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::host::{HostLoss, Measured};
use crate::photographs::Photographs;

/// How still a style holds when the photograph moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TemporalConfig {
    /// Weight of the loss; nothing moves when 0.
    pub weight: f32,
    /// Pixels that photographs move by at most.
    pub motion: usize,
}

impl Default for TemporalConfig {
    fn default() -> Self {
        Self { weight: 0.0, motion: 8 }
    }
}

/// `weight` times the mean squared difference of the second picture of each pair from the first, moved likewise.
#[derive(Debug)]
pub struct Temporal {
    weight: f32,
    photographs: Arc<Photographs>,
}

impl Temporal {
    /// The loss for pictures of photographs [in pairs](Photographs::in_pairs).
    #[must_use]
    pub fn new(weight: f32, photographs: Arc<Photographs>) -> Self {
        Self { weight, photographs }
    }
}

/// The share of one pair, and its gradient.
fn compare(pair: &[f32], gradient: &mut [f32], side: usize, [down, right]: [i32; 2], weight: f32) -> f32 {
    let kept = |motion: i32| side.saturating_sub(motion.unsigned_abs() as usize);
    let (rows, columns) = (kept(down), kept(right));
    let factor = weight / (3 * rows * columns).max(1) as f32;
    let start = |motion: i32| motion.max(0) as usize;
    let half = pair.len() / 2;
    let mut sum = 0.0;
    for row in 0..3 * rows {
        let (c, y) = (row / rows, row % rows);
        let at = |down: usize, right: usize| (c * side + y + down) * side + right;
        let first = at(start(down), start(right));
        let second = half + at(start(-down), start(-right));
        for x in 0..columns {
            let difference = pair[first + x] - pair[second + x];
            sum += f64::from(difference * difference);
            gradient[first + x] += 2.0 * factor * difference;
            gradient[second + x] -= 2.0 * factor * difference;
        }
    }
    factor * sum as f32
}

impl HostLoss for Temporal {
    fn name(&self) -> &'static str {
        "temporal"
    }

    fn measure(&self, pictures: &[f32], step: u64) -> Measured {
        let motions = self.photographs.motions(step);
        let side = self.photographs.size();
        let mut gradient = vec![0.0; pictures.len()];
        let mut value = 0.0;
        let pairs = pictures.chunks_exact(6 * side * side).zip(gradient.chunks_exact_mut(6 * side * side));
        for ((pair, gradient), &motion) in pairs.zip(&motions) {
            value += compare(pair, gradient, side, motion, self.weight / motions.len() as f32);
        }
        Measured { value, gradient }
    }
}

#[cfg(test)]
mod tests {
    use texnet_infer::Image;

    use super::*;
    use crate::loss::golden;

    const SIDE: usize = 32;

    fn loss() -> Temporal {
        let photograph = Image::from_fn(128, 128, |y, x| [((x * 7 + y * 13) % 32) as f32 / 32.0; 3]);
        let pool = Photographs::new(&[photograph], SIDE, 2, 1).in_pairs(6);
        Temporal::new(3.0, Arc::new(pool))
    }

    #[test]
    fn what_moves_with_the_photograph_costs_nothing_and_what_stands_still_does() {
        let loss = loss();
        // What lies beyond the photograph's border stands still: a few rows or columns at most.
        let moving = loss.measure(&loss.photographs.crops(3), 3).value;
        let still = {
            let crops = loss.photographs.crops(3);
            let firsts = crops.chunks_exact(6 * SIDE * SIDE).map(|pair| &pair[..3 * SIDE * SIDE]);
            let pictures: Vec<f32> = firsts.flat_map(|first| [first, first].concat()).collect();
            loss.measure(&pictures, 3).value
        };
        assert!(moving < 0.1 * still && still > 0.01, "{moving} {still}");
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let loss = loss();
        let pictures: Vec<f32> = (0..4 * 3 * SIDE * SIDE).map(|i| (i as f32 * 1.3).sin()).collect();
        let slope = golden::relative_slope(&pictures, 1e-2, |pictures| loss.measure(pictures, 5));
        assert!((slope - 1.0).abs() < 1e-3, "{slope}");
        golden::assert_repeatable(|step| loss.measure(&pictures, step));
    }
}
