//! What a texture network is, its file, and how to run it.
//!
//! A network whose statistics are frozen is a local function of counter-based noise, so the texture is an
//! infinite plane and a picture is a window of it: [`plane::Plane`].

pub mod calibrate;
mod fold;
pub mod image;
pub mod model;
mod model_file;
pub mod noise;
pub mod plane;
mod reflect;
mod residual;
pub mod scaled;
pub mod spec;
pub mod whole;

pub use image::{Content, Image, Window};
pub use model::{Model, Precision, Tensor};
pub use plane::{Plane, PlaneError, PlaneOptions};
pub use scaled::{Resizing, Scaled};
pub use spec::GeneratorSpec;
pub use texnet_kernels::Level;
