//! The loop: noise, pictures, objective, gradient, step.

use std::ops::ControlFlow;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use texnet_infer::model::{ModelError, Summary};
use texnet_infer::{Image, Model, calibrate};
use thiserror::Error;

use super::adam::Moments;
use super::config::{ConfigError, TrainConfig};
use super::event::Event;
use super::held_out;
use super::part::{Part, Pictures};
use super::stage::Stage;
use super::state::{Best, State};
use crate::draw::{Draw, Stream};
use crate::generator::Parameters;
use crate::loss::adversarial::Discriminators;
use crate::loss::total;
use crate::profile::{Work, measured};

/// An objective this many times the best score is no longer learning.
const DIVERGED: f32 = 6.0;
/// Times that a run may be restarted.
const RESTARTS: i32 = 6;

/// Training that cannot begin or go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The configuration does not fit the pictures.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It diverged too often.
    #[error("learning diverges even at a {0} of its rate: choose a smaller one with --set schedule.rate=")]
    Diverged(String),
    /// The result holds numbers that are not finite.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// A run in progress.
pub struct Trainer {
    config: TrainConfig,
    pictures: Pictures,
    device: Device,
    discriminators: Arc<Discriminators>,
    part: Part,
    state: State,
}

impl Trainer {
    /// A texture's run from its beginning. `config` is resolved: see [`TrainConfig::resolve`].
    ///
    /// # Errors
    /// When the configuration does not fit the pictures.
    pub fn new(config: &TrainConfig, exemplars: &[Image], device: &Device) -> Result<Self, TrainError> {
        Self::of_style(config, exemplars, &[], device)
    }

    /// The run of a style network that dresses photographs; without any, a texture's.
    ///
    /// # Errors
    /// When the configuration does not fit the pictures.
    pub fn of_style(
        config: &TrainConfig,
        exemplars: &[Image],
        photographs: &[Image],
        device: &Device,
    ) -> Result<Self, TrainError> {
        let pictures = Pictures { exemplars: exemplars.to_vec(), photographs: photographs.to_vec() };
        let discriminators = Arc::default();
        let part = Part::new(config.stage(0)?, &pictures, &discriminators, device)?;
        let state = State::new(part.parameters());
        let device = device.clone().autodiff();
        Ok(Self { config: config.clone(), pictures, device, discriminators, part, state })
    }

    /// The run as it is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Goes on from a state of a run with the same configuration.
    ///
    /// # Errors
    /// When the state belongs to another network.
    pub fn set_state(&mut self, state: State) -> Result<(), TrainError> {
        if state.step >= self.part.end() {
            self.part = self.part_of(self.config.stage(state.step)?)?;
        }
        if state.parameters.shapes != self.part.parameters().shapes {
            let other = "the saved state is of another network: start anew without --resume";
            return Err(ConfigError::new(other).into());
        }
        self.discriminators.set_state(state.discriminators.clone());
        self.state = state;
        Ok(())
    }

    /// The parameters that the network has after so many steps, as they begin.
    ///
    /// # Errors
    /// When the configuration is not valid.
    pub fn parameters_after(&self, step: u64) -> Result<Parameters, TrainError> {
        Ok(self.config.stage(step)?.parameters(self.part.colour))
    }

    fn part_of(&self, stage: Stage) -> Result<Part, ConfigError> {
        let device = self.device.clone().inner();
        Part::new(stage, &self.pictures, &self.discriminators, &device)
    }

    /// The best network so far with one more scale, at twice the size; or with frozen statistics.
    fn advance(&mut self) -> Result<(), TrainError> {
        let stage = self.config.stage(self.state.step)?;
        let best = Parameters { values: self.state.best.values.clone(), ..self.state.parameters.clone() };
        let parameters = if stage.frozen {
            self.part.go_on(stage);
            best.frozen(self.part.generator.spec(), self.config.seed)?
        } else {
            self.part = self.part_of(stage)?;
            let mut grown = self.part.parameters();
            grown.adopt(&best);
            grown
        };
        let step = self.state.step;
        let discriminators = self.discriminators.state();
        self.state = State { step, discriminators, ..State::new(parameters) };
        self.state.best.step = step;
        Ok(())
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Runs to the end, or until `on_event` breaks; it is told of every event and may look at the run.
    ///
    /// # Errors
    /// When learning diverges again and again.
    pub fn run(
        &mut self,
        on_event: &mut dyn FnMut(&Self, &Event) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TrainError> {
        while self.state.step < self.config.steps() {
            for event in self.step()? {
                if on_event(self, &event).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// One step, scored when its turn has come.
    ///
    /// # Errors
    /// When learning diverges again and again.
    pub fn step(&mut self) -> Result<Vec<Event>, TrainError> {
        // On a thread of the pool: a step has hundreds of parallel parts, none of which is handed over then.
        rayon::scope(|_| self.step_here())
    }

    fn step_here(&mut self) -> Result<Vec<Event>, TrainError> {
        let rate = self.part.stage.rate(self.state.step) * self.state.rate_factor;
        self.discriminators.set_rate(rate);
        let (terms, gradients) = self.gradients();
        let sum: f32 = terms.iter().map(|(_, value)| value).sum();
        if !sum.is_finite() || sum > DIVERGED * self.state.best.score {
            return Ok(vec![self.restart()?]);
        }
        let descent = self.config.descent();
        let State { parameters, moments, .. } = &mut self.state;
        let update = || descent.step(parameters, gradients, moments, rate);
        measured("= update", Work::default(), update);
        self.state.step += 1;
        self.state.discriminators = self.discriminators.state();
        let mut events = vec![Event::Step { step: self.state.step, rate, terms }];
        events.extend(self.score_in_turn());
        if self.state.step == self.part.end() && self.state.step < self.config.steps() {
            self.advance()?;
        }
        Ok(events)
    }

    /// The terms of the objective, and the gradient of their sum to every parameter; none for those that do not matter.
    fn gradients(&self) -> (Vec<(String, f32)>, Vec<Vec<f32>>) {
        let step = self.state.step;
        let leaves = self.state.parameters.leaves(&self.device);
        let mut draw = Draw::new(self.config.seed, Stream::Noise, step);
        let seeds: Vec<u64> = (0..self.config.batch).map(|_| draw.seed()).collect();
        let pictures = self.part.paint(&leaves, &seeds, step, &self.device);
        let objective = || self.part.objective.terms(&pictures, step);
        let terms = measured("= objective", Work::default(), objective);
        let Some(sum) = total(&terms) else { return (Vec::new(), Vec::new()) };
        let mut gradients = measured("= backward", Work::default(), || sum.backward());
        let shapes = &self.state.parameters.shapes;
        let gradient = |(name, _): &(String, Vec<usize>)| {
            let gradient = leaves.get(name).grad_remove(&mut gradients);
            gradient.map_or_else(Vec::new, |g| g.into_data().iter::<f32>().collect())
        };
        let gradients = shapes.iter().map(gradient).collect();
        (terms.into_iter().map(|term| (term.name, scalar(term.value))).collect(), gradients)
    }

    /// The best network so far once more, with fresh averages and half the rate.
    fn restart(&mut self) -> Result<Event, TrainError> {
        let state = &mut self.state;
        state.rate_factor *= 0.5;
        if state.rate_factor < 0.5_f32.powi(RESTARTS) {
            return Err(TrainError::Diverged(format!("{:.0}th", 1.0 / state.rate_factor)));
        }
        // Not from the pictures of the step that is not made.
        self.discriminators.set_state(state.discriminators.clone());
        state.parameters.values.clone_from(&state.best.values);
        state.moments = Moments::new(&state.best.values);
        state.step = state.best.step;
        Ok(Event::Restarted { step: state.step, factor: state.rate_factor })
    }

    fn score_in_turn(&mut self) -> Option<Event> {
        let Stage { first, steps, ref config, .. } = self.part.stage;
        let step = self.state.step;
        let turn = |step: u64| (step - first) * config.scores / steps;
        if turn(step) == turn(step - 1) {
            return None;
        }
        let score = held_out::score(&self.part, &self.state.parameters, &self.device.clone().inner());
        let best = score < self.state.best.score;
        if best {
            self.state.best = Best { step, score, values: self.state.parameters.values.clone() };
        }
        Some(Event::Score { step, score, best })
    }

    /// What the network paints now with live statistics: a picture of at least `side` pixels, or photographs above what
    /// they become.
    #[must_use]
    pub fn preview(&self, side: usize) -> Image {
        self.part.preview(&self.state.parameters, side, &self.device.clone().inner())
    }

    /// The best network so far; a texture's with frozen statistics, so that it paints a plane, where a style's are those
    /// of the photograph that it will dress.
    ///
    /// # Errors
    /// When it holds numbers that are not finite.
    pub fn model(&self, mut summary: Summary) -> Result<Model, TrainError> {
        let best = &self.state.best;
        let mut parameters = self.state.parameters.clone();
        if best.score.is_finite() {
            parameters.values.clone_from(&best.values);
        }
        for (key, value) in self.config.summary() {
            summary.0.insert(key, value);
        }
        summary.0.insert("steps".into(), best.step.to_string());
        let model = parameters.to_model(self.part.generator.spec(), summary)?;
        Ok(if model.spec().content || model.is_calibrated() {
            model
        } else {
            calibrate::calibrate(&model, self.config.seed)
        })
    }
}

fn scalar(value: Tensor<1>) -> f32 {
    value.into_scalar::<f32>()
}
