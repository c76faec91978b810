//! What training tells while it runs.

/// News of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A step was made.
    Step {
        /// How many were made.
        step: u64,
        /// Its learning rate.
        rate: f32,
        /// The terms of the objective before the step, by name.
        terms: Vec<(String, f32)>,
    },
    /// The network was scored on pictures that it does not learn from.
    Score {
        /// Steps made.
        step: u64,
        /// The objective on fixed noise: lower is better.
        score: f32,
        /// Whether it is the best so far, which is what is kept.
        best: bool,
    },
    /// The objective left the range of sense; the last good state goes on with a smaller rate.
    Restarted {
        /// The step of that state.
        step: u64,
        /// Factor on the learning rate from now on.
        factor: f32,
    },
}
