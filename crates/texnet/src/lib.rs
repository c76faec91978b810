//! Texture networks: descriptors, losses, learning, and the import of the models of 2016.

pub mod descriptor;
pub mod device;
pub mod draw;
pub mod generator;
pub mod import;
pub mod loss;
pub mod margins;
pub mod measure;
pub mod ops;
pub mod optimise;
pub mod photographs;
pub mod profile;
pub mod resize;
mod sums;
pub mod threads;
pub mod train;
