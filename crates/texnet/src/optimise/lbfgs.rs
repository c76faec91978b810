//! L-BFGS (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.4), with the line search of Lewis and Overton 2013, which
//! asks for the weak Wolfe conditions by doubling and halving: it needs no smoothness, and sorted projections and nearest
//! patches have kinks.

use std::collections::VecDeque;

use super::problem::Evaluation;

/// Share of the decrease that the slope promises that a step must keep.
const DECREASE: f64 = 1e-4;
/// Share of the slope that may be left at the end of a step.
const CURVATURE: f64 = 0.9;
/// Points that a line search looks at.
const POINTS: usize = 24;
/// Least cosine between a step and its change of the gradient: a pair of less says nothing about curvature.
const LEAST_COSINE: f64 = 1e-8;

/// What is remembered of the curvature.
#[derive(Debug)]
pub(crate) struct Lbfgs {
    memory: usize,
    pairs: VecDeque<Pair>,
}

/// A step, and how the gradient changed along it.
#[derive(Debug)]
struct Pair {
    step: Vec<f32>,
    change: Vec<f32>,
    /// Their inner product.
    product: f64,
}

/// The end of a line search.
pub(crate) struct Moved {
    pub(crate) values: Vec<f32>,
    pub(crate) evaluation: Evaluation,
    /// Length relative to the direction's.
    pub(crate) length: f32,
}

impl Lbfgs {
    /// With a memory of so many steps, empty.
    pub(crate) fn new(memory: usize) -> Self {
        Self { memory, pairs: VecDeque::new() }
    }

    /// Forgets everything: the objective has changed.
    pub(crate) fn forget(&mut self) {
        self.pairs.clear();
    }

    /// One step from `values`, where the objective is `here`; none when no smaller value lies ahead.
    pub(crate) fn step(
        &mut self,
        values: &[f32],
        here: &Evaluation,
        evaluate: &mut dyn FnMut(&[f32]) -> Evaluation,
    ) -> Option<Moved> {
        let moved = self.search(values, here, evaluate).or_else(|| {
            // What is remembered may mislead: once more, straight down.
            self.forget();
            self.search(values, here, evaluate)
        })?;
        self.remember(
            difference(&moved.values, values),
            difference(&moved.evaluation.gradient, &here.gradient),
        );
        Some(moved)
    }

    /// Minus the inverse of the remembered curvature, times the gradient: the recursion of two loops.
    fn direction(&self, gradient: &[f32]) -> Vec<f32> {
        let mut direction: Vec<f32> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let share = dot(&pair.step, &direction) / pair.product;
            add(&mut direction, -share, &pair.change);
            shares.push(share);
        }
        if let Some(last) = self.pairs.back() {
            let scale = (last.product / dot(&last.change, &last.change)) as f32;
            direction.iter_mut().for_each(|d| *d *= scale);
        }
        for (pair, share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let other = dot(&pair.change, &direction) / pair.product;
            add(&mut direction, share - other, &pair.step);
        }
        direction
    }

    fn search(
        &self,
        values: &[f32],
        here: &Evaluation,
        evaluate: &mut dyn FnMut(&[f32]) -> Evaluation,
    ) -> Option<Moved> {
        let direction = self.direction(&here.gradient);
        let slope = dot(&direction, &here.gradient);
        let descends = slope < 0.0 && slope.is_finite();
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut length = if self.pairs.is_empty() { 1.0 / (-slope).sqrt() } else { 1.0 };
        let mut best = None;
        for _ in 0..if descends { POINTS } else { 0 } {
            let mut there = values.to_vec();
            add(&mut there, length, &direction);
            let evaluation = evaluate(&there);
            let promised = here.value + DECREASE * length * slope;
            // A value that is no number is too large.
            if !evaluation.value.is_finite() || evaluation.value > promised {
                high = length;
            } else {
                let flat = dot(&evaluation.gradient, &direction) >= CURVATURE * slope;
                best = Some(Moved { values: there, evaluation, length: length as f32 });
                if flat {
                    break;
                }
                low = length;
            }
            length = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * length };
        }
        best
    }

    fn remember(&mut self, step: Vec<f32>, change: Vec<f32>) {
        let product = dot(&step, &change);
        let norms = (dot(&step, &step) * dot(&change, &change)).sqrt();
        if product <= LEAST_COSINE * norms {
            return;
        }
        self.pairs.push_back(Pair { step, change, product });
        if self.pairs.len() > self.memory {
            self.pairs.pop_front();
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn add(values: &mut [f32], factor: f64, other: &[f32]) {
    let factor = factor as f32;
    values.iter_mut().zip(other).for_each(|(v, o)| *v += factor * o);
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;
    use crate::draw::{Draw, Stream};

    fn evaluation(value: f64, gradient: Vec<f32>) -> Evaluation {
        Evaluation { terms: Vec::new(), value, gradient }
    }

    /// Steps until none is left, at most `steps`; the end and how many there were.
    fn minimise(start: &[f32], steps: usize, f: &mut dyn FnMut(&[f32]) -> Evaluation) -> (Vec<f32>, usize) {
        let mut lbfgs = Lbfgs::new(20);
        let (mut values, mut here) = (start.to_vec(), f(start));
        for made in 0..steps {
            let Some(moved) = lbfgs.step(&values, &here, f) else { return (values, made) };
            assert!(moved.evaluation.value < here.value, "every step descends");
            (values, here) = (moved.values, moved.evaluation);
        }
        (values, steps)
    }

    #[test]
    fn rosenbrocks_valley_is_followed_to_its_end() {
        let mut rosenbrock = |v: &[f32]| {
            let [x, y] = [v[0], v[1]].map(f64::from);
            let (a, b) = (1.0 - x, y - x * x);
            let gradient = [-2.0 * a - 400.0 * x * b, 200.0 * b].map(|g| g as f32);
            evaluation(a * a + 100.0 * b * b, gradient.to_vec())
        };
        let (end, _) = minimise(&[-1.2, 1.0], 60, &mut rosenbrock);
        assert!(end.iter().all(|v| (v - 1.0).abs() < 1e-3), "{end:?}");
    }

    #[test]
    fn a_hundred_steps_reach_the_bottom_of_a_bowl_a_thousand_times_as_long_as_wide() {
        let curvature = |i: usize| 10_f64.powf(3.0 * i as f64 / 29.0);
        let mut bowl = |v: &[f32]| {
            let value = v.iter().enumerate().map(|(i, v)| 0.5 * curvature(i) * f64::from(*v).powi(2)).sum();
            evaluation(value, v.iter().enumerate().map(|(i, v)| curvature(i) as f32 * v).collect())
        };
        let (end, steps) = minimise(&[1.0; 30], 100, &mut bowl);
        let share = bowl(&end).value / bowl(&[1.0; 30]).value;
        // The best constant step of steepest descent leaves a share of about exp(-4 * 100 / 1000).
        assert!(share < 1e-8, "{steps} steps leave a share of {share}");
    }

    /// The formula of BFGS on whole matrices (Nocedal and Wright, 6.17), an independent way to the same direction.
    #[test]
    fn the_two_loops_are_the_product_of_whole_matrices() {
        let mut draw = Draw::new(4, Stream::Weights, 0);
        let mut vector = || (0..5).map(|_| draw.normal()).collect::<Vec<f32>>();
        let mut lbfgs = Lbfgs::new(3);
        let column = |v: &[f32]| DVector::from_iterator(5, v.iter().map(|&v| f64::from(v)));
        let mut pairs = Vec::new();
        for _ in 0..4 {
            let step = vector();
            let change: Vec<f32> = step.iter().zip(vector()).map(|(s, v)| 2.0 * s + 0.3 * v).collect();
            pairs.push((column(&step), column(&change)));
            lbfgs.remember(step, change);
        }
        // The first of four is forgotten.
        let (step, change) = &pairs[3];
        let mut inverse = DMatrix::identity(5, 5) * (step.dot(change) / change.dot(change));
        for (step, change) in &pairs[1..] {
            let rho = 1.0 / step.dot(change);
            let turn = DMatrix::identity(5, 5) - rho * change * step.transpose();
            inverse = turn.transpose() * inverse * turn + rho * step * step.transpose();
        }
        let gradient = vector();
        let expected = -inverse * column(&gradient);
        let error = (column(&lbfgs.direction(&gradient)) - &expected).norm() / expected.norm();
        assert!(error < 1e-5, "{error}");
    }

    #[test]
    fn uphill_is_no_step_and_values_that_are_no_numbers_are_avoided() {
        let mut flat = |v: &[f32]| evaluation(1.0, vec![0.0; v.len()]);
        assert_eq!(minimise(&[1.0, 2.0], 5, &mut flat), (vec![1.0, 2.0], 0));
        // Beyond 3 nothing is defined.
        let mut cliff = |v: &[f32]| {
            let x = f64::from(v[0]);
            evaluation(if x > 3.0 { f64::NAN } else { (x - 2.5).powi(2) }, vec![2.0 * (v[0] - 2.5)])
        };
        let (end, _) = minimise(&[-200.0], 50, &mut cliff);
        assert!((end[0] - 2.5).abs() < 1e-3, "{end:?}");
    }
}
