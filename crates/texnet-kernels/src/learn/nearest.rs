//! Nearest neighbours with a balance: which of many candidates each query is drawn to.
//!
//! A candidate that is far from every query attracts more, so that all of them find someone (the normalised
//! similarity of Granot et al. 2022, "Drop the GAN").

use fearless_simd::Level;
use rayon::prelude::*;

use super::projection::{Filters, Grid, project};

/// Candidates that one thread compares at a time.
const TOGETHER: usize = 256;

/// Vectors to find, and vectors to find them among.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Length of a vector.
    pub terms: usize,
    /// One after the other in columns: `[terms, queries]`.
    pub queries: &'a [f32],
    /// One after the other: `[candidates, terms]`.
    pub candidates: &'a [f32],
    /// Added to a candidate's least squared distance to any query, by which its distances are divided. Infinite, and
    /// every query finds its nearest candidate; small, and every candidate is found. Positive.
    pub balance: f32,
}

impl Search<'_> {
    /// For each query the number of the candidate it is drawn to; the first of several that are equal.
    ///
    /// # Panics
    /// When the lengths do not fit, or there is no candidate.
    #[must_use]
    pub fn run(&self, level: Level) -> Vec<usize> {
        let lengths = [self.queries.len(), self.candidates.len()];
        assert!(
            lengths.iter().all(|l| l.is_multiple_of(self.terms)) && lengths[1] > 0,
            "vectors of equal length, and one to find"
        );
        let squares = self.squares();
        if squares.is_empty() {
            return Vec::new();
        }
        let parts: Vec<Vec<Found>> = self
            .candidates
            .par_chunks(TOGETHER * self.terms)
            .enumerate()
            .map(|(part, candidates)| self.part(level, part * TOGETHER, candidates, &squares))
            .collect();
        let best = |i: usize| parts.iter().map(|part| part[i]).reduce(Found::nearer);
        (0..squares.len()).map(|i| best(i).map_or(0, |found| found.candidate)).collect()
    }

    /// Half of the squared length of every query.
    fn squares(&self) -> Vec<f32> {
        let mut squares = vec![0.0; self.queries.len() / self.terms];
        for row in self.queries.chunks_exact(squares.len().max(1)) {
            squares.iter_mut().zip(row).for_each(|(sum, v)| *sum += 0.5 * v * v);
        }
        squares
    }

    /// The best of some candidates, the first of which has the number `first`.
    fn part(&self, level: Level, first: usize, candidates: &[f32], squares: &[f32]) -> Vec<Found> {
        let count = squares.len();
        let grid = Grid { size: [1, count], stride: 1, origin: [0, 0] };
        let filters = Filters { channels: self.terms, side: 1, weights: candidates.to_vec() };
        let mut distances = project(level, self.queries, grid, &filters);
        let mut best = vec![Found { distance: f32::INFINITY, candidate: first }; count];
        let rows = distances.chunks_exact_mut(count).zip(candidates.chunks_exact(self.terms));
        for (i, (row, candidate)) in rows.enumerate() {
            let square = candidate.iter().map(|v| 0.5 * v * v).sum::<f32>();
            row.iter_mut().zip(squares).for_each(|(d, s)| *d = (square + s - *d).max(0.0));
            // Halves of squared distances throughout.
            let scale = if self.balance.is_finite() { 1.0 / (least(row) + 0.5 * self.balance) } else { 1.0 };
            for (best, distance) in best.iter_mut().zip(&*row) {
                let found = Found { distance: distance * scale, candidate: first + i };
                *best = best.nearer(found);
            }
        }
        best
    }
}

/// The least of some values; in sixteen strands, so that it is quick.
fn least(values: &[f32]) -> f32 {
    let mut strands = [f32::INFINITY; 16];
    let (whole, rest) = values.as_chunks::<16>();
    for chunk in whole {
        strands.iter_mut().zip(chunk).for_each(|(least, v)| *least = least.min(*v));
    }
    strands.iter().chain(rest).copied().fold(f32::INFINITY, f32::min)
}

#[derive(Debug, Clone, Copy)]
struct Found {
    distance: f32,
    candidate: usize,
}

impl Found {
    fn nearer(self, other: Self) -> Self {
        if other.distance < self.distance { other } else { self }
    }
}
