//! Pictures in and out: formats, orientation, alpha, colour profiles, reading in one buffer and writing by rows; films as
//! streams of pictures.

pub mod film;
pub mod read;
pub mod whole_file;
pub mod write;

pub use read::{Photo, ReadError, decode, read};
pub use write::{Band, Format, Picture, WriteError, write};
