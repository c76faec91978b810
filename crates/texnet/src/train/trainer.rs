//! The loop: noise, pictures, objective, gradient, step.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor};
use texnet_infer::model::{ModelError, Summary};
use texnet_infer::{Image, Model, calibrate};
use thiserror::Error;

use super::adam::{Adam, Moments};
use super::config::{ConfigError, TrainConfig};
use super::event::Event;
use super::held_out;
use super::stage::Stage;
use super::state::{Best, State};
use crate::draw::{Draw, Stream};
use crate::generator::{Generator, Leaves, Parameters};
use crate::loss::{Objective, total};
use crate::profile::{Work, measured};

/// Times that a run is scored; the best is kept.
const SCORES: u64 = 40;
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
    exemplars: Vec<Image>,
    device: Device,
    part: Part,
    state: State,
}

/// What the present stage of a run works with.
struct Part {
    stage: Stage,
    generator: Generator,
    objective: Objective,
    /// The mean colour of the exemplars.
    colour: [f32; 3],
}

impl Part {
    fn new(stage: Stage, exemplars: &[Image], device: &Device) -> Result<Self, ConfigError> {
        let exemplars = stage.config.scaled(exemplars)?;
        let objective = stage.config.objective(&exemplars, device)?;
        let generator = Generator::new(stage.spec.clone(), stage.config.path);
        Ok(Self { generator, objective, colour: mean_colour(&exemplars), stage })
    }

    fn parameters(&self) -> Parameters {
        Parameters::initial(&self.stage.spec, self.colour, self.stage.config.seed)
    }

    fn end(&self) -> u64 {
        self.stage.first + self.stage.steps
    }
}

impl Trainer {
    /// A run from its beginning. `config` is resolved: see [`TrainConfig::resolve`].
    ///
    /// # Errors
    /// When the configuration does not fit the pictures.
    pub fn new(config: &TrainConfig, exemplars: &[Image], device: &Device) -> Result<Self, TrainError> {
        let part = Part::new(config.stage(0)?, exemplars, device)?;
        let state = State::new(part.parameters());
        let device = device.clone().autodiff();
        Ok(Self { config: config.clone(), exemplars: exemplars.to_vec(), device, part, state })
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
            self.part = self.next_part(state.step)?;
        }
        if state.parameters.shapes != self.part.parameters().shapes {
            let other = "the saved state is of another network: start anew without --resume";
            return Err(ConfigError::new(other).into());
        }
        self.state = state;
        Ok(())
    }

    /// The parameters that the network has after so many steps, as they begin.
    ///
    /// # Errors
    /// When the configuration is not valid.
    pub fn parameters_after(&self, step: u64) -> Result<Parameters, TrainError> {
        let stage = self.config.stage(step)?;
        Ok(Parameters::initial(&stage.spec, self.part.colour, self.config.seed))
    }

    fn next_part(&self, step: u64) -> Result<Part, ConfigError> {
        Part::new(self.config.stage(step)?, &self.exemplars, &self.device.clone().inner())
    }

    /// The best network so far with one more scale, at twice the size.
    fn grow(&mut self) -> Result<(), TrainError> {
        let part = self.next_part(self.state.step)?;
        let mut parameters = part.parameters();
        let best = self.state.best.values.clone();
        parameters.adopt(&Parameters { values: best, ..self.state.parameters.clone() });
        let step = self.state.step;
        self.state = State { step, ..State::new(parameters) };
        self.state.best.step = step;
        self.part = part;
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
        let Stage { first, steps, .. } = self.part.stage;
        let rate = self.config.schedule.at(self.state.step - first, steps) * self.state.rate_factor;
        let (terms, gradients) = self.gradients();
        let sum: f32 = terms.iter().map(|(_, value)| value).sum();
        if !sum.is_finite() || sum > DIVERGED * self.state.best.score {
            return Ok(vec![self.restart()?]);
        }
        let State { parameters, moments, .. } = &mut self.state;
        let adam = || self.config.adam().step(&mut parameters.values, &gradients, moments, rate);
        measured("= update", Work::default(), adam);
        self.state.step += 1;
        let mut events = vec![Event::Step { step: self.state.step, rate, terms }];
        events.extend(self.score_in_turn());
        if self.state.step == self.part.end() && self.state.step < self.config.steps() {
            self.grow()?;
        }
        Ok(events)
    }

    /// The terms of the objective, and the gradient of their sum to every parameter; none for those that do not matter.
    fn gradients(&self) -> (Vec<(String, f32)>, Vec<Vec<f32>>) {
        let step = self.state.step;
        let leaves = self.state.parameters.leaves(&self.device);
        let mut draw = Draw::new(self.config.seed, Stream::Noise, step);
        let seeds: Vec<u64> = (0..self.config.batch).map(|_| draw.seed()).collect();
        let size = self.part.stage.config.size();
        let noise = || self.part.generator.noise(&seeds, size, &self.device);
        let noise = measured("= noise", Work::default(), noise);
        let paint = || self.part.generator.forward(&leaves, &noise, None);
        let pictures = measured("= forward", Work::default(), paint);
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
        state.parameters.values.clone_from(&state.best.values);
        state.moments = Moments::new(&state.best.values);
        state.step = state.best.step;
        Ok(Event::Restarted { step: state.step, factor: state.rate_factor })
    }

    fn score_in_turn(&mut self) -> Option<Event> {
        let Stage { first, steps, .. } = self.part.stage;
        let step = self.state.step;
        let turn = |step: u64| (step - first) * SCORES / steps;
        if turn(step) == turn(step - 1) {
            return None;
        }
        let device = self.device.clone().inner();
        let Part { generator, objective, stage, .. } = &self.part;
        let parameters = &self.state.parameters;
        let score = held_out::score(generator, parameters, objective, stage.config.size(), &device);
        let best = score < self.state.best.score;
        if best {
            self.state.best = Best { step, score, values: parameters.values.clone() };
        }
        Some(Event::Score { step, score, best })
    }

    /// What the network paints now, with the seed 0 and live statistics: `[height, width]` in whole granules.
    #[must_use]
    pub fn preview(&self, size: [usize; 2]) -> Image {
        let device = self.device.clone().inner();
        let noise = self.part.generator.noise(&[0], size, &device);
        let leaves: Leaves = self.state.parameters.leaves(&device);
        let picture = self.part.generator.forward(&leaves, &noise, None);
        Image::from_planes(size[0], size[1], picture.into_data().iter::<f32>().collect())
    }

    /// The best network so far, with frozen statistics, so that it paints a plane.
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
        Ok(calibrate::calibrate(&model, self.config.seed))
    }
}

impl TrainConfig {
    fn adam(&self) -> Adam {
        Adam { beta1: self.beta1, beta2: self.beta2, epsilon: 1e-8 }
    }
}

fn scalar(value: Tensor<1>) -> f32 {
    value.into_scalar::<f32>()
}

fn mean_colour(images: &[Image]) -> [f32; 3] {
    let mean = |c: usize| {
        let plane = |image: &Image| {
            (0..image.height())
                .map(|y| image.row(c, y).iter().map(|&v| f64::from(v)).sum::<f64>())
                .sum::<f64>()
        };
        let count: usize = images.iter().map(|i| i.height() * i.width()).sum();
        (images.iter().map(plane).sum::<f64>() / count as f64) as f32
    };
    [0, 1, 2].map(mean)
}
