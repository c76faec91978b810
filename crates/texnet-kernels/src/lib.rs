//! Convolution and its relatives on slices of f32: a plain reference of each in [`mod@reference`], and a fast kernel
//! tied to it by tests.
//!
//! Every kernel exists once, generic over the instruction set, and runs at the [`Level`] it is given. All levels
//! return the same bits: a sum has one order, and a multiply-add is fused everywhere.

use fearless_simd::{Simd, dispatch};

pub mod conv;
pub mod learn;
pub mod map;
pub mod pad;
mod panel;
pub mod reference;
pub mod resample;
pub mod statistics;
pub mod strip;
pub mod winograd;

pub use conv::{Conv, DirectConv};
pub use fearless_simd::Level;
pub use map::Map;
pub use pad::Border;
pub use statistics::Moments;
pub use strip::{GroupMut, Strip, TileRow};
pub use winograd::WinogradConv;

/// The instruction levels that this machine can run, the slowest first.
#[must_use]
pub fn levels() -> Vec<Level> {
    let best = Level::new();
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let known = [
        best.as_sse2().map(Level::Sse2),
        best.as_sse4_2().map(Level::Sse4_2),
        best.as_avx2().map(Level::Avx2),
        best.as_avx512().map(Level::Avx512),
    ];
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    let known = [Some(best)];
    std::iter::once(Level::fallback()).chain(known.into_iter().flatten()).collect()
}

/// The level of this name, if this machine can run it: `scalar`, `sse2`, `sse4.2`, `avx2`, `avx512` or `neon`.
#[must_use]
pub fn level_named(name: &str) -> Option<Level> {
    levels().into_iter().find(|&level| level_name(level) == name)
}

/// What a level is called: see [`level_named`].
#[must_use]
pub fn level_name(level: Level) -> &'static str {
    match level {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Level::Sse2(_) => "sse2",
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Level::Sse4_2(_) => "sse4.2",
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Level::Avx2(_) => "avx2",
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Level::Avx512(_) => "avx512",
        #[cfg(target_arch = "aarch64")]
        Level::Neon(_) => "neon",
        _ => "scalar",
    }
}

/// Runs `work` compiled for the instructions of `level`, so that its plain loops become vector code.
#[inline]
pub fn vectorized<R>(level: Level, work: impl FnOnce() -> R) -> R {
    dispatch!(level, simd => simd.vectorize(work))
}
