//! Growth: a texture is learned on small pictures first, in which its objects are a few pixels large, by the network's
//! coarse scales alone; scale by scale the network and the pictures grow (Karras et al. 2018, "Progressive growing of
//! GANs", for networks of one texture). What is arranged when detail begins stays arranged.

use texnet_infer::spec::Norm;
use texnet_infer::{GeneratorSpec, Image};

use super::choice::least_side;
use super::config::{ConfigError, TrainConfig};
use super::start::Start;
use super::teacher::{Teacher, halve};
use crate::generator::Parameters;

/// What is learned at one size.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    /// Its first step.
    pub(crate) first: u64,
    /// How many it has.
    pub(crate) steps: u64,
    /// How many have been made at its size before it, with live statistics.
    pub(crate) before: u64,
    /// How many are made at its size in all.
    pub(crate) at_size: u64,
    /// With the size, scale and levels of this stage, which is its last.
    pub(crate) config: TrainConfig,
    /// Whether statistics are frozen, as they will be shipped.
    pub(crate) frozen: bool,
    /// The network of this stage.
    pub(crate) spec: GeneratorSpec,
}

/// Side of the smallest pictures that are learned from, when it is chosen here.
const SMALLEST: usize = 64;
/// Least side of an exemplar at the first stage.
const SMALLEST_EXEMPLAR: usize = 48;
/// Shares of the painted pixels from the first stage to the last, for one stage, two and three.
const SHARES: [&[f32]; 3] = [&[1.0], &[0.2, 0.8], &[0.06, 0.24, 0.7]];

/// Share of the painted pixels at the full size that are painted with live statistics, where others follow with frozen
/// ones.
const LIVE: f32 = 0.46;
/// Steps with frozen statistics to one with live statistics at the full size.
const FROZEN: f32 = 1.5;

impl Stage {
    /// The learning rate of one of its steps: it grows from zero, and falls over all steps at the size.
    pub(super) fn rate(&self, step: u64) -> f32 {
        let step = step - self.first;
        self.config.schedule.growth(step) * self.config.schedule.at(self.before + step, self.at_size)
    }

    /// What the network begins with, around a mean colour; where statistics are frozen, with room for them.
    pub(super) fn parameters(&self, colour: [f32; 3]) -> Parameters {
        let random = Parameters::initial(&self.spec, colour, self.config.seed);
        let parameters = self.config.start().begin(random);
        if self.frozen { parameters.with_statistics(&self.spec) } else { parameters }
    }
}

impl TrainConfig {
    /// How often the size is halved before the first stage, for exemplars that are scaled already.
    pub(super) fn halvings(&self, exemplars: &[Image]) -> usize {
        let [size, _] = self.size();
        let least = least_side(exemplars);
        let scales = self.scales.unwrap_or(1).min(self.sliced.levels);
        let fits = |h: &usize| {
            size >> h >= SMALLEST
                && size.is_multiple_of(1 << h)
                && least >> h >= SMALLEST_EXEMPLAR
                && *h < scales
        };
        if self.teacher == Teacher::Sliced { (1..SHARES.len()).take_while(fits).count() } else { 0 }
    }

    /// Chooses the steps that were left open: at every size, after so many halvings of it, and with frozen statistics.
    pub(super) fn share_steps(&mut self, halvings: usize) {
        let given = self.iterations.filter(|_| self.coarse_iterations.is_some());
        let mut steps = self.budget(halvings);
        let frozen = steps.pop();
        self.frozen_iterations =
            self.frozen_iterations.or(given.map(|steps| self.frozen_of(steps))).or(frozen);
        self.iterations = given.or(steps.pop());
        self.coarse_iterations.get_or_insert(steps);
    }

    /// Steps of every size and with frozen statistics; the number that is given, or pixels, are divided between them,
    /// less the frozen ones that are given. The network that is built in has the smaller pictures behind it.
    fn budget(&self, halvings: usize) -> Vec<u64> {
        let ([size, _], megapixels) = (self.size(), self.megapixels.unwrap_or(0.0));
        let behind = if self.start() == Start::BuiltIn { halvings } else { 0 };
        let shares = &SHARES[halvings][behind..];
        let whole = shares.len() - 1;
        let steps = |(stage, share): (usize, &f32)| {
            let side = size >> (whole - stage);
            (1e6 * megapixels * share / (side * side * self.batch) as f32).round().max(1.0) as u64
        };
        let mut planned: Vec<u64> = shares.iter().enumerate().map(steps).collect();
        if self.freezes() && self.frozen_iterations.is_none() {
            planned[whole] = (LIVE * planned[whole] as f32).round() as u64;
        }
        planned.push(if self.frozen_iterations.is_some() { 0 } else { self.frozen_of(planned[whole]) });
        let Some(total) = self.iterations else { return planned };
        let total = total.saturating_sub(self.frozen_iterations.unwrap_or(0)).max(1);
        let all: u64 = planned.iter().sum();
        let mut divided: Vec<u64> = planned.iter().map(|steps| total * steps / all).collect();
        divided[whole] += total - divided.iter().sum::<u64>();
        divided
    }

    /// Steps with frozen statistics after so many at the full size.
    fn frozen_of(&self, steps: u64) -> u64 {
        if self.freezes() { (FROZEN * steps as f32) as u64 } else { 0 }
    }

    /// Whether statistics are frozen in the end: not those of styles, which take them from each photograph, and of the
    /// paper's networks, which have those of batches.
    pub(super) fn freezes(&self) -> bool {
        self.content.is_none() && self.norm == Norm::Instance && self.teacher == Teacher::Sliced
    }

    /// What the run does from its first stage to its last.
    ///
    /// # Errors
    /// When the network has too many scales.
    pub(crate) fn stages(&self) -> Result<Vec<Stage>, ConfigError> {
        let last = self.coarse().len();
        let live = self.coarse().iter().copied().chain(self.iterations).enumerate();
        let live = live.map(|(i, steps)| (last - i, steps, false));
        let frozen = Some((0, self.frozen(), true)).filter(|&(_, steps, _)| steps > 0);
        let mut first = 0;
        let stage = |(halvings, steps, frozen): (usize, u64, bool)| {
            let whole = self.spec()?;
            let scales = whole.scales[..whole.scales.len() - halvings].to_vec();
            let (config, spec) = (self.halved(halvings, steps), GeneratorSpec { scales, ..whole });
            let before = if frozen { self.live() } else { 0 };
            let at_size = if halvings == 0 { self.live() + self.frozen() } else { steps };
            first += steps;
            Ok(Stage { first: first - steps, steps, before, at_size, config, frozen, spec })
        };
        live.chain(frozen).map(stage).collect()
    }

    /// The stage that a step belongs to.
    pub(crate) fn stage(&self, step: u64) -> Result<Stage, ConfigError> {
        let mut stages = self.stages()?;
        let at = stages.iter().position(|stage| step < stage.first + stage.steps);
        Ok(stages.swap_remove(at.unwrap_or(stages.len() - 1)))
    }

    /// Of a size that is halved so often.
    fn halved(&self, halvings: usize, steps: u64) -> Self {
        let mut config = self.clone();
        config.iterations = Some(steps);
        config.coarse_iterations = Some(Vec::new());
        config.frozen_iterations = Some(0);
        config.scale *= 0.5_f32.powi(halvings as i32);
        config.size = self.size.map(|size| size >> halvings);
        config.scales = self.scales.map(|scales| scales - halvings);
        config.noiseless_scales = self.noiseless_scales.map(|scales| scales.saturating_sub(halvings));
        config.smooth_scales = self.smooth_scales.saturating_sub(halvings);
        halve(&mut config.sliced, &mut config.nearest, &mut config.octaves, halvings);
        config.temporal.motion = (config.temporal.motion >> halvings).max(1);
        if let Some(content) = &mut config.content {
            content.levels.drain(..halvings.min(content.levels.len()));
        }
        config
    }

    fn coarse(&self) -> &[u64] {
        self.coarse_iterations.as_deref().unwrap_or_default()
    }

    fn live(&self) -> u64 {
        self.iterations.unwrap_or(1)
    }

    fn frozen(&self) -> u64 {
        self.frozen_iterations.unwrap_or(0)
    }

    /// Steps of the run.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.coarse().iter().sum::<u64>() + self.live() + self.frozen()
    }

    /// Runs of one size each that together are this one: what a trial of its speed needs.
    ///
    /// # Errors
    /// When the network has too many scales.
    pub fn runs(&self) -> Result<Vec<Self>, ConfigError> {
        Ok(self.stages()?.into_iter().map(|stage| stage.config).collect())
    }

    /// With as many steps in every stage as `scale` makes of them.
    #[must_use]
    pub fn with_steps(self, scale: impl Fn(u64) -> u64) -> Self {
        let coarse = self.coarse().iter().map(|&steps| scale(steps)).collect();
        let iterations = self.iterations.map(&scale);
        let frozen_iterations = self.frozen_iterations.map(|steps| if steps > 0 { scale(steps) } else { 0 });
        Self { iterations, coarse_iterations: Some(coarse), frozen_iterations, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::choice;
    use super::*;

    fn resolved(settings: &[&str], side: usize) -> TrainConfig {
        let picture = Image::from_fn(side, side, |y, x| [((x * 7 + y * 13) % 32) as f32 / 32.0; 3]);
        choice::tests::resolved("default", settings, picture)
    }

    #[test]
    fn stages_double_in_size_and_share_the_steps() {
        let config = resolved(
            &["size=256", "scales=6", "sliced.levels=5", "iterations=1000", "start=\"random\""],
            256,
        );
        let stages = config.stages().expect("stages");
        assert_eq!(stages.iter().map(|s| s.config.size()[0]).collect::<Vec<_>>(), [64, 128, 256, 256]);
        assert_eq!(stages.iter().map(|s| s.spec.scales.len()).collect::<Vec<_>>(), [4, 5, 6, 6]);
        assert_eq!(stages.iter().map(|s| s.config.sliced.levels).collect::<Vec<_>>(), [3, 4, 5, 5]);
        assert_eq!(stages.iter().map(|s| s.steps).sum::<u64>(), 1000);
        assert_eq!(stages[2].first, stages[0].steps + stages[1].steps);
        assert_eq!(stages.iter().map(|s| s.frozen).collect::<Vec<_>>(), [false, false, false, true]);
        assert!(stages[3].steps > stages[2].steps && stages[3].steps < 2 * stages[2].steps);
        for stage in &stages {
            for step in [stage.first, stage.first + stage.steps - 1] {
                assert_eq!(config.stage(step).expect("a stage").first, stage.first);
            }
        }
    }

    #[test]
    fn effort_multiplies_the_pixels_that_are_chosen_and_leaves_those_that_are_given() {
        let steps = |settings: &[&str]| resolved(settings, 300).steps();
        let [once, thrice] = [steps(&[]), steps(&["effort=3"])];
        assert!(thrice.abs_diff(3 * once) < 5, "{once} {thrice}");
        assert_eq!(steps(&["megapixels=10", "effort=3"]), steps(&["megapixels=10"]));
    }

    #[test]
    fn frozen_steps_that_are_given_count_among_the_given_steps() {
        for frozen in [0, 10, 700] {
            let config = resolved(&["iterations=1000", &format!("frozen_iterations={frozen}")], 128);
            assert_eq!((config.steps(), config.frozen_iterations), (1000, Some(frozen)));
        }
    }

    #[test]
    fn the_rate_falls_through_the_freezing() {
        let config = resolved(&["coarse_iterations=[100]", "iterations=200", "frozen_iterations=300"], 128);
        let stages = config.stages().expect("stages");
        let [full, last] = [config.schedule.rate, config.schedule.rate * config.schedule.last];
        let rate = |step: u64| config.stage(step).expect("a stage").rate(step);
        assert!(rate(99) < 1.1 * last && rate(100) < 0.1 * full && rate(249) == full);
        assert!(rate(299) < full && rate(300) < 0.1 * full && rate(320) > 0.75 * rate(299));
        assert!(stages[2].first == 300 && rate(320) < rate(299) && rate(599) < 1.1 * last);
    }

    #[test]
    fn small_pictures_do_not_grow() {
        assert_eq!(resolved(&[], 300).stages().expect("stages").len(), 3);
        assert_eq!(resolved(&["size=64"], 300).stages().expect("stages").len(), 2);
        assert_eq!(resolved(&[], 64).stages().expect("stages").len(), 2);
        assert_eq!(resolved(&["coarse_iterations=[]"], 300).stages().expect("stages").len(), 2);
    }

    #[test]
    fn a_run_is_as_long_as_its_parts() {
        let config = resolved(&["coarse_iterations=[30]", "iterations=50", "frozen_iterations=20"], 128);
        assert_eq!((config.steps(), config.clone().with_steps(|s| s / 10).steps()), (100, 10));
        let steps: Vec<u64> = config.runs().expect("runs").iter().map(TrainConfig::steps).collect();
        assert_eq!(steps, [30, 50, 20]);
    }
}
