//! Texture networks: import of the models of 2016.

pub mod import;
