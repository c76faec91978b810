//! Texture synthesis by optimisation (Gatys et al. 2015): the picture itself is the parameter.
//!
//! What no network has to learn, only the objective can spoil: this separates what a teacher cannot say from what a
//! generator cannot learn. Any teacher and loss of training can be descended, by Adam or L-BFGS, from coarse to fine:
//! noise at a fraction of the size is optimised against exemplars that are reduced alike, doubled, and so on.
//!
//! The losses that compare patches see the picture as a torus, so that it repeats without a seam. VGG-19 does not.
//!
//! Departures from Gatys et al.: several sizes; by default, other losses and Adam; with VGG-19, distances relative to
//! the exemplar's ([`crate::loss::GramConfig::gatys`]), and no bounds on values but the penalty of the range.

mod canvas;
mod config;
mod lbfgs;
mod problem;

use std::ops::ControlFlow;

use burn::tensor::Device;
use texnet_infer::Image;
use thiserror::Error;

use crate::loss::colour::Whitening;
use crate::train::Event;
use crate::train::adam::{Adam, Moments};
use crate::train::config::ConfigError;
pub use canvas::Canvas;
pub use config::{Method, OptimiseConfig};
use lbfgs::Lbfgs;
use problem::{Evaluation, Problem};

/// An optimisation that cannot begin or go on.
#[derive(Debug, Error)]
pub enum OptimiseError {
    /// The configuration does not fit the pictures.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The objective is no number any more.
    #[error("the objective is not finite at step {0}: choose a smaller rate with --set schedule.rate=")]
    NotFinite(u64),
}

/// A picture, and how it came about.
#[derive(Debug, Clone)]
pub struct Optimised {
    /// The picture at its full size; as it was when the run was stopped.
    pub image: Image,
    /// Steps made.
    pub steps: u64,
    /// The objective with draws that no step made: lower is better, and of pictures of one size only.
    pub score: f32,
    /// Whether the run was stopped.
    pub stopped: bool,
}

/// A picture with the texture of the exemplars. `config` is resolved: see [`OptimiseConfig::resolve`].
///
/// `on_event` is told of every step, with the picture as it is then, and of the score at the end of every size; it stops
/// the run by breaking. Same seed, same bytes, on any number of threads.
///
/// # Errors
/// When the configuration does not fit the pictures, or the objective is not finite.
pub fn optimise(
    exemplars: &[Image],
    config: &OptimiseConfig,
    device: &Device,
    on_event: &mut dyn FnMut(&Canvas, &Event) -> ControlFlow<()>,
) -> Result<Optimised, OptimiseError> {
    let first = config.halvings();
    let wanted = config.scaled(exemplars, 0)?;
    let mut canvas = Canvas::noise(&wanted, config.size_at(first), first, config.seed);
    let mut run = Run { config, on_event, step: 0, score: f32::INFINITY, whitening: Whitening::of(&wanted) };
    for halvings in (0..=first).rev() {
        if halvings < first {
            canvas = canvas.doubled();
        }
        let mut problem = Problem::new(config, exemplars, halvings, device)?;
        if run.size(&mut canvas, &mut problem)?.is_break() {
            return Ok(run.end(&canvas, true));
        }
    }
    if config.histogram {
        canvas.match_histogram(&wanted);
    }
    Ok(run.end(&canvas, false))
}

/// Where an optimisation is.
struct Run<'a> {
    config: &'a OptimiseConfig,
    on_event: &'a mut dyn FnMut(&Canvas, &Event) -> ControlFlow<()>,
    /// Steps made.
    step: u64,
    score: f32,
    /// Of the exemplars' colours.
    whitening: Whitening,
}

impl Run<'_> {
    /// All steps of one size, and its score.
    fn size(&mut self, canvas: &mut Canvas, problem: &mut Problem) -> Result<ControlFlow<()>, OptimiseError> {
        let outcome = match self.config.method {
            Method::Adam => self.adam(canvas, problem),
            Method::Lbfgs => self.lbfgs(canvas, problem),
        }?;
        self.score = problem.score(&canvas.values);
        let event = Event::Score { step: self.step, score: self.score, best: true };
        Ok(if outcome.is_break() { outcome } else { (self.on_event)(canvas, &event) })
    }

    /// In the exemplars' white space, where a step is as small, relative to what occurs, in every colour.
    fn adam(&mut self, canvas: &mut Canvas, problem: &mut Problem) -> Result<ControlFlow<()>, OptimiseError> {
        let OptimiseConfig { iterations, schedule, beta1, beta2, .. } = self.config;
        let adam = Adam { beta1: *beta1, beta2: *beta2, epsilon: 1e-8 };
        let mut white = [self.whitening.planes(&canvas.values)];
        let mut moments = Moments::new(&white);
        for i in 0..*iterations {
            let Evaluation { terms, value, gradient } = problem.evaluate(&canvas.values, self.step);
            self.check(value)?;
            let rate = schedule.at(i, *iterations);
            adam.step(&mut white, &[self.whitening.colours_adjoint(&gradient)], &mut moments, rate);
            canvas.values = self.whitening.colours(&white[0]);
            if self.made(canvas, rate, terms).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The draw stays the same for blocks of steps, since curvature is a difference of two gradients of one function. A
    /// block ends early where no step leads down.
    fn lbfgs(
        &mut self,
        canvas: &mut Canvas,
        problem: &mut Problem,
    ) -> Result<ControlFlow<()>, OptimiseError> {
        let OptimiseConfig { iterations, hold, memory, .. } = *self.config;
        let mut lbfgs = Lbfgs::new(memory);
        let first = self.step;
        for block in 0..iterations.div_ceil(hold) {
            lbfgs.forget();
            let draw = first + block * hold;
            let mut evaluate = |values: &[f32]| problem.evaluate(values, draw);
            let mut here = evaluate(&canvas.values);
            self.check(here.value)?;
            for _ in block * hold..iterations.min((block + 1) * hold) {
                let Some(moved) = lbfgs.step(&canvas.values, &here, &mut evaluate) else { break };
                let before = std::mem::replace(&mut here, moved.evaluation);
                canvas.values = moved.values;
                if self.made(canvas, moved.length, before.terms).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether the next step can be made.
    fn check(&self, value: f64) -> Result<(), OptimiseError> {
        if value.is_finite() { Ok(()) } else { Err(OptimiseError::NotFinite(self.step + 1)) }
    }

    /// Tells of a step.
    fn made(&mut self, canvas: &Canvas, rate: f32, terms: Vec<(String, f32)>) -> ControlFlow<()> {
        self.step += 1;
        (self.on_event)(canvas, &Event::Step { step: self.step, rate, terms })
    }

    fn end(&self, canvas: &Canvas, stopped: bool) -> Optimised {
        Optimised { image: canvas.image(), steps: self.step, score: self.score, stopped }
    }
}
