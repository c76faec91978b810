//! Nearest neighbours with a balance: which of many candidates each query is drawn to.
//!
//! A candidate that is far from every query attracts more, so that all of them find someone (the normalised
//! similarity of Granot et al. 2022, "Drop the GAN").

use fearless_simd::Level;
use rayon::prelude::*;

use super::projection::{Filters, Grid, project};
use crate::vectorized;

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
        let parts: Vec<Found> = self
            .candidates
            .par_chunks(TOGETHER * self.terms)
            .enumerate()
            .map(|(part, candidates)| self.part(level, part * TOGETHER, candidates, &squares))
            .collect();
        let mut best = Found::nothing(squares.len());
        for part in &parts {
            let found = part.distances.iter().zip(&part.candidates).enumerate();
            found.for_each(|(i, (&distance, &candidate))| best.offer(i, distance, candidate));
        }
        best.candidates.into_iter().map(|candidate| candidate as usize).collect()
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
    fn part(&self, level: Level, first: usize, candidates: &[f32], squares: &[f32]) -> Found {
        let count = squares.len();
        let grid = Grid { size: [1, count], stride: 1, origin: [0, 0] };
        let filters = Filters { channels: self.terms, side: 1, weights: candidates.to_vec() };
        let mut distances = project(level, self.queries, grid, &filters);
        let mut best = Found::nothing(count);
        let rows = distances.chunks_exact_mut(count).zip(candidates.chunks_exact(self.terms));
        for (i, (row, candidate)) in rows.enumerate() {
            let square = candidate.iter().map(|v| 0.5 * v * v).sum::<f32>();
            vectorized(
                level,
                #[inline(always)]
                || self.compare(row, square, squares, (first + i) as u32, &mut best),
            );
        }
        best
    }

    /// One candidate with every query, from the products with them.
    #[inline(always)]
    fn compare(&self, row: &mut [f32], square: f32, squares: &[f32], candidate: u32, best: &mut Found) {
        row.iter_mut().zip(squares).for_each(|(d, s)| *d = (square + s - *d).max(0.0));
        // Halves of squared distances throughout.
        let scale = if self.balance.is_finite() { 1.0 / (least(row) + 0.5 * self.balance) } else { 1.0 };
        let count = row.len();
        let (distances, candidates) = (&mut best.distances[..count], &mut best.candidates[..count]);
        for i in 0..count {
            let distance = row[i] * scale;
            let nearer = distance < distances[i];
            distances[i] = if nearer { distance } else { distances[i] };
            candidates[i] = if nearer { candidate } else { candidates[i] };
        }
    }
}

/// The least of some values; in sixteen strands, so that it is quick.
#[inline(always)]
fn least(values: &[f32]) -> f32 {
    let mut strands = [f32::INFINITY; 16];
    let (whole, rest) = values.as_chunks::<16>();
    for chunk in whole {
        strands.iter_mut().zip(chunk).for_each(|(least, v)| *least = least.min(*v));
    }
    strands.iter().chain(rest).copied().fold(f32::INFINITY, f32::min)
}

/// The best so far, of every query.
struct Found {
    distances: Vec<f32>,
    candidates: Vec<u32>,
}

impl Found {
    fn nothing(count: usize) -> Self {
        Self { distances: vec![f32::INFINITY; count], candidates: vec![0; count] }
    }

    fn offer(&mut self, query: usize, distance: f32, candidate: u32) {
        if distance < self.distances[query] {
            (self.distances[query], self.candidates[query]) = (distance, candidate);
        }
    }
}
