//! Random numbers as functions of a place: a seed, a stream, a step and a counter. No state is kept, so any step of a
//! training run can be repeated alone.

use texnet_infer::noise::{Column, RowKey, Uniform};

/// What random numbers are drawn for: streams are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Initial weights.
    Weights = 0x1000,
    /// The filters of a bank.
    Filters,
    /// Which filters of a bank a step uses.
    Selection,
    /// The seeds of a step's noise.
    Noise,
    /// Where a step cuts.
    Crop,
    /// Which patches a step compares.
    Neighbours,
    /// The picture that an optimisation begins with.
    Picture,
    /// How photographs move.
    Motion,
    /// How strongly the style of a step shows.
    Strength,
}

/// Numbers of one seed, stream and step.
#[derive(Debug, Clone)]
pub struct Draw {
    key: RowKey,
    next: i64,
}

const UNIT: Uniform = Uniform { low: 0.0, high: 1.0, factor: 1.0 };

impl Draw {
    /// The numbers of this place, from the first on.
    #[must_use]
    pub fn new(seed: u64, stream: Stream, step: u64) -> Self {
        Self { key: RowKey::new(seed, stream as usize, 0, step as i64), next: 0 }
    }

    /// Uniform in `[0, 1)`, 24 bits.
    pub fn uniform(&mut self) -> f32 {
        self.next += 1;
        self.key.value(Column::new(self.next), UNIT)
    }

    /// A whole number below `count`, which is at most 2^24.
    pub fn below(&mut self, count: usize) -> usize {
        ((f64::from(self.uniform()) * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// Brings values into random order, at most 2^24 of them (Fisher and Yates 1938).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.below(i + 1));
        }
    }

    /// Normal with mean 0 and variance 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * f64::from(1.0 - self.uniform()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * f64::from(self.uniform())).cos()) as f32
    }

    /// 48 random bits.
    pub fn seed(&mut self) -> u64 {
        let mut bits = || (f64::from(self.uniform()) * 16_777_216.0) as u64;
        (bits() << 24) | bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_the_moments_of_the_normal_distribution() {
        let mut draw = Draw::new(1, Stream::Filters, 0);
        let values: Vec<f64> = (0..40_000).map(|_| f64::from(draw.normal())).collect();
        let moment = |k: i32| values.iter().map(|v| v.powi(k)).sum::<f64>() / values.len() as f64;
        assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.03 && (moment(4) - 3.0).abs() < 0.2);
    }

    #[test]
    fn every_value_comes_to_every_place_as_often() {
        let mut counts = [[0; 4]; 4];
        for step in 0..4000 {
            let mut values = [0, 1, 2, 3];
            Draw::new(7, Stream::Noise, step).shuffle(&mut values);
            values.iter().zip(&mut counts).for_each(|(&value, counts)| counts[value] += 1);
        }
        assert!(counts.as_flattened().iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_place_can_be_drawn_again_and_streams_differ() {
        let take = |stream, step| {
            let mut draw = Draw::new(5, stream, step);
            [draw.below(1000), draw.below(1000), draw.below(1000)]
        };
        assert_eq!(take(Stream::Noise, 7), take(Stream::Noise, 7));
        assert_ne!(take(Stream::Noise, 7), take(Stream::Noise, 8));
        assert_ne!(take(Stream::Noise, 7), take(Stream::Crop, 7));
    }
}
