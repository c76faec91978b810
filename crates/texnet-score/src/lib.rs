//! How near a synthesised texture is to its exemplar, as figures that need no trained network.
//!
//! Each figure is a file, which says what it measures and why: `sliced.rs`, `spectrum.rs`, `fit.rs`, `copy.rs`,
//! `repetition.rs`, `seam.rs` and `diversity.rs`. No figure alone says that a texture is good; the eye decides.
//!
//! `fit`, `cover` and `copy` look for 256 to 4096 patches (fewer in larger pictures) among at most 2^18, and
//! `swd` projects at most 2^16 patches an octave: samples of one place in each cell of a lattice. Everything else sees all.
//!
//! All is computed from sRGB-coded values as they are. Whatever is sampled is sampled at the same places each time, and
//! no sum depends on the number of threads: the same pictures have the same score.

mod copy;
mod diversity;
mod draw;
mod fit;
mod fourier;
mod neighbours;
mod octaves;
mod repetition;
mod seam;
mod sliced;
mod spectrum;
#[cfg(test)]
mod testing;

pub use diversity::{Diversity, diversity};

use rayon::prelude::*;
use serde::Serialize;
use texnet_infer::Image;
use thiserror::Error;

use copy::Patches;
use fit::Neighbourhoods;
use sliced::{Directions, Projected};
use spectrum::Spectrum;

/// Least height and width of a picture, in pixels: a neighbourhood of `fit`.
pub const MIN_SIDE: usize = 2 * fit::SIDE;
/// Most pixels of a picture, 4096x4096.
pub const MAX_PIXELS: usize = 1 << 24;
/// Most octaves of `swd`: full resolution, a half, a quarter, an eighth.
pub const OCTAVES: usize = 4;

/// How near a picture is to an exemplar; lower is better unless said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Sliced Wasserstein-1 distance between 7x7 patches, x1000: mean over the octaves.
    pub swd: f64,
    /// The same at each octave, full resolution first. [`OCTAVES`] of them; fewer where one of the pictures is smaller
    /// than 56 pixels, and has no 7x7 patches at an eighth of its size.
    pub swd_octaves: Vec<f64>,
    /// Mean absolute difference of the radial power spectra, dB.
    pub spec: f64,
    /// Mean squared difference of the picture's normalised 24x24 neighbourhoods to the nearest in the exemplar, x1000.
    pub fit: f64,
    /// The same from the exemplar to the picture: high where the picture lacks something.
    pub cover: f64,
    /// Share of the picture's 16x16 patches that stand in the exemplar almost unchanged, from 0 to 1. Neither good nor bad.
    pub copy: f64,
    /// How much more prominent a repetition the picture has than the exemplar, from -2 to 2: about 0 for no more, 0.4 to 1
    /// for a repeated tile, below 0 where the exemplar is more regular.
    pub repetition: f64,
    /// How much stronger differences across the border of the picture, laid beside itself, are than inside; about 1 for
    /// seamless tiles.
    pub seam: f64,
}

/// A picture that cannot be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ScoreError {
    /// A side is shorter than [`MIN_SIDE`].
    #[error(
        "the picture is {width}x{height}, but pictures of at least {MIN_SIDE}x{MIN_SIDE} pixels are scored: take a larger one"
    )]
    Small {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// More pixels than [`MAX_PIXELS`].
    #[error("the picture is {width}x{height}, but pictures of up to 2^24 pixels are scored: crop it first")]
    Large {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// A value is NaN or infinite.
    #[error("the picture holds values that are no finite numbers: paint it again")]
    NotFinite,
}

/// An exemplar with everything that its comparison with any picture needs.
#[derive(Debug)]
pub struct Exemplar {
    image: Image,
    directions: Directions,
    projected: Vec<Projected>,
    spectrum: Spectrum,
    neighbourhoods: Neighbourhoods,
    patches: Patches,
    repetition: f64,
}

impl Exemplar {
    /// Prepares an exemplar, so that several pictures can be scored.
    ///
    /// # Errors
    /// The picture is too small, too large, or holds values that are not finite.
    pub fn new(image: &Image) -> Result<Self, ScoreError> {
        check(image)?;
        let directions = Directions::new();
        Ok(Self {
            projected: project(&directions, image),
            directions,
            spectrum: Spectrum::new(image),
            neighbourhoods: Neighbourhoods::new(image),
            patches: Patches::new(image),
            repetition: repetition::repetition(image),
            image: image.clone(),
        })
    }

    /// How near a picture of any size is.
    ///
    /// # Errors
    /// The picture is too small, too large, or holds values that are not finite.
    pub fn score(&self, picture: &Image) -> Result<Score, ScoreError> {
        check(picture)?;
        let projected = project(&self.directions, picture);
        let octaves = self.projected.iter().zip(&projected);
        let swd_octaves: Vec<f64> = octaves.map(|(a, b)| a.distance(b)).collect();
        Ok(Score {
            swd: swd_octaves.iter().sum::<f64>() / swd_octaves.len() as f64,
            swd_octaves,
            spec: self.spectrum.distance(&Spectrum::new(picture)),
            fit: self.neighbourhoods.distance_of(picture),
            cover: Neighbourhoods::new(picture).distance_of(&self.image),
            copy: self.patches.share_of(picture),
            repetition: repetition::repetition(picture) - self.repetition,
            seam: seam::seam(picture),
        })
    }
}

/// How near a picture is to an exemplar; [`Exemplar`] saves work where there are several.
///
/// # Errors
/// A picture is too small, too large, or holds values that are not finite.
pub fn score(exemplar: &Image, picture: &Image) -> Result<Score, ScoreError> {
    check(picture)?;
    Exemplar::new(exemplar)?.score(picture)
}

/// Whether a picture can be scored, or be an exemplar.
///
/// # Errors
/// It is too small, too large, or holds values that are not finite.
pub fn check(image: &Image) -> Result<(), ScoreError> {
    let [height, width] = [image.height(), image.width()];
    if height.min(width) < MIN_SIDE {
        return Err(ScoreError::Small { height, width });
    }
    if height * width > MAX_PIXELS {
        return Err(ScoreError::Large { height, width });
    }
    let finite = image.data().par_iter().all(|v| v.is_finite());
    if finite { Ok(()) } else { Err(ScoreError::NotFinite) }
}

fn project(directions: &Directions, image: &Image) -> Vec<Projected> {
    octaves::octaves(image, OCTAVES, sliced::SIDE).iter().map(|octave| directions.project(octave)).collect()
}
