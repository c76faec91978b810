//! How the learning rate moves.

use serde::{Deserialize, Serialize};

use super::config::{ConfigError, within};

/// How the rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Constant, then exponential down to a share of the full rate.
    Exponential,
    /// Times a factor every so many steps (the paper and the code of 2016).
    Steps,
}

/// The learning rate over the steps of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The full rate.
    pub rate: f32,
    /// Steps of linear growth from zero.
    pub warm_up: u64,
    /// How it falls.
    pub decay: Decay,
    /// Exponential: share of the run with the full rate, in `[0, 1)`.
    pub constant: f32,
    /// Exponential: share of the full rate at the end.
    pub last: f32,
    /// Steps: the first step with a smaller rate.
    pub first: u64,
    /// Steps: from one change to the next.
    pub every: u64,
    /// Steps: factor of each change.
    pub factor: f32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            rate: 0.004,
            warm_up: 20,
            decay: Decay::Exponential,
            constant: 0.3,
            last: 0.03,
            first: 1000,
            every: 200,
            factor: 0.7,
        }
    }
}

impl Schedule {
    /// Says which number is out of range.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        within("schedule.rate", self.rate, 0.0, 10.0)?;
        within("schedule.constant", self.constant, 0.0, 0.99)?;
        within("schedule.last", self.last, 0.0, 1.0)?;
        within("schedule.factor", self.factor, 0.0, 1.0)
    }

    /// The share of the rate that the warm-up lets step `step` make.
    #[must_use]
    pub fn growth(&self, step: u64) -> f32 {
        ((step + 1) as f32 / self.warm_up.max(1) as f32).min(1.0)
    }

    /// The rate of step `step` of `of`, but for the warm-up.
    #[must_use]
    pub fn at(&self, step: u64, of: u64) -> f32 {
        self.rate * self.fall(step, of)
    }

    fn fall(&self, step: u64, of: u64) -> f32 {
        match self.decay {
            Decay::Exponential => {
                let done = step as f32 / of.max(1) as f32;
                self.last.powf(((done - self.constant) / (1.0 - self.constant)).max(0.0))
            }
            Decay::Steps if step < self.first => 1.0,
            Decay::Steps => {
                let changes = 1 + (step - self.first) / self.every.max(1);
                self.factor.powi(i32::try_from(changes).unwrap_or(i32::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_rate_falls_by_three_tenths_every_two_hundred_steps_from_the_thousandth() {
        let paper = Schedule { rate: 0.1, warm_up: 0, decay: Decay::Steps, ..Schedule::default() };
        let at = |step| paper.at(step, 2000);
        assert_eq!([at(0), at(999)], [0.1, 0.1]);
        assert!((at(1000) - 0.07).abs() < 1e-6 && (at(1199) - 0.07).abs() < 1e-6);
        assert!((at(1200) - 0.049).abs() < 1e-6);
    }

    #[test]
    fn the_default_grows_stays_and_falls_to_its_last_share() {
        let schedule = Schedule::default();
        assert!(schedule.growth(0) < 0.1 && schedule.growth(schedule.warm_up) == 1.0);
        assert_eq!(schedule.at(299, 1000), schedule.rate);
        assert!((schedule.at(1000, 1000) / schedule.rate - schedule.last).abs() < 1e-4);
    }
}
