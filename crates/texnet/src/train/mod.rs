//! Learning a texture from pictures of it.

pub mod adam;
pub mod checkpoint;
pub(crate) mod choice;
pub mod config;
mod descent;
pub mod event;
mod flicker;
pub(crate) mod held_out;
mod muon;
mod part;
pub mod schedule;
pub mod settings;
pub mod stage;
mod start;
mod state;
pub mod teacher;
mod trainer;

pub use config::TrainConfig;
pub use descent::{Descent, Optimiser};
pub use event::Event;
pub use flicker::flicker;
pub use start::Start;
pub use state::State;
pub use trainer::{TrainError, Trainer};
