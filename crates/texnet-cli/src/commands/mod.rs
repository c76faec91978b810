//! One file per command.

pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod optimise;
pub(crate) mod sample;
pub(crate) mod score;
pub(crate) mod sheet;
pub(crate) mod shell;
pub(crate) mod stylise;
pub(crate) mod train;
pub(crate) mod weights;
