//! What learning needs: operations on planes `[n, channels, height, width]` with handwritten gradients.
//!
//! Each stands beside its composition from ordinary tensor operations, in `texnet`, and is held to it by tests.

pub mod activation;
pub mod conv;
pub mod gram;
pub mod join;
pub mod nearest;
pub mod norm;
pub mod padded;
mod partial;
pub mod pool;
pub mod projection;
pub mod pyramid;
pub mod reference;
mod scratch;
pub mod sort;
mod squares;
mod sums;
pub mod taps;
pub mod wide;
