//! Texture networks: descriptors, losses, learning, and the import of the models of 2016.

pub mod descriptor;
pub mod import;
pub mod loss;
