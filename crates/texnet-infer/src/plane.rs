//! The infinite plane that a network with frozen statistics paints, read by windows.
//!
//! Such a network is a local function of its noise, and the noise a function of place, so any window can be computed
//! alone and agrees with every other to the last bit. A window is worked off in blocks of bounded size; what
//! a block needs of every scale of a pyramid is in `region.rs`, how a scale is computed in `direct.rs` and `rolling.rs`.

mod direct;
mod layer;
mod pyramid;
mod region;
mod residual;
mod rolling;
mod source;

use rayon::prelude::*;
use thiserror::Error;

use self::pyramid::Pyramid;
use self::region::{Region, Span};
use self::residual::Residual;
use self::source::{Placed, Source};
use crate::image::{Content, Image, Window};
use crate::model::Model;
use crate::noise::Uniform;
use crate::spec::GeneratorSpec;
use texnet_kernels::Level;

/// Largest block, `[height, width]` in pixels: its features take some 20 MiB.
const BLOCK: [i64; 2] = [256, 1024];
/// Blocks worked on at once: the threads that one leaves idle while it changes scales have the other's work.
const CONCURRENT: usize = 2;
/// Largest coordinate of a window, so that no sum of coordinates overflows.
const MAX_COORDINATE: i64 = 1 << 60;

/// How a plane is painted.
#[derive(Debug, Clone)]
pub struct PlaneOptions {
    /// Each seed is another plane.
    pub seed: u64,
    /// `[height, width]` in pixels after which the plane repeats; multiples of the granularity.
    pub period: Option<[i64; 2]>,
    /// Factor on the noise: for style networks, how much of the style is shown (paper, figure 5).
    pub noise_scale: f32,
    /// Instructions to use; the bytes do not depend on it.
    pub level: Level,
}

impl Default for PlaneOptions {
    fn default() -> Self {
        Self { seed: 0, period: None, noise_scale: 1.0, level: Level::new() }
    }
}

/// Why there is no such plane or window.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlaneError {
    /// The statistics are not frozen.
    #[error("the model has no frozen statistics, but a plane needs them: calibrate it first")]
    Uncalibrated,
    /// A style network without a photograph.
    #[error("the model is a style network and paints on photographs: give it one ('texnet stylise')")]
    NeedsContent,
    /// A texture network with a photograph.
    #[error("the model is a texture network and takes no photograph: sample it instead ('texnet sample')")]
    TakesNoContent,
    /// A period that the coarsest scale cannot honour.
    #[error("{0}")]
    Period(String),
    /// A window outside the addressable plane.
    #[error("{0}")]
    Window(String),
}

enum Network {
    Pyramid(Pyramid),
    Residual(Residual),
}

/// What is painted, beside the network.
struct Painting<'a> {
    spec: GeneratorSpec,
    options: PlaneOptions,
    content: Option<&'a dyn Content>,
}

impl Painting<'_> {
    /// What enters a scale.
    fn source(&self, scale: usize, content: Option<Placed>) -> Source {
        let [low, high] = self.spec.scales[scale].noise;
        Source {
            level: self.options.level,
            seed: self.options.seed,
            scale,
            noise_channels: self.spec.noise_channels,
            range: Uniform { low, high, factor: self.options.noise_scale },
            period: self.options.period.map(|p| p.map(|side| side / self.spec.ratio(scale) as i64)),
            content,
        }
    }
}

/// A plane: see the module.
pub struct Plane<'a> {
    painting: Painting<'a>,
    network: Network,
}

impl Plane<'static> {
    /// The plane of a texture network.
    ///
    /// # Errors
    /// When the model is not calibrated or a style network, or the period is not a multiple of the granularity.
    pub fn texture(model: &Model, options: PlaneOptions) -> Result<Self, PlaneError> {
        if model.spec().content {
            return Err(PlaneError::NeedsContent);
        }
        Plane::new(model, None, options)
    }
}

impl<'a> Plane<'a> {
    /// The plane of a style network on a photograph, which lies at the origin and is continued by reflection.
    ///
    /// # Errors
    /// When the model is not calibrated or a texture network, or the period is not a multiple of the granularity.
    pub fn stylised(
        model: &Model,
        content: &'a dyn Content,
        options: PlaneOptions,
    ) -> Result<Self, PlaneError> {
        if !model.spec().content {
            return Err(PlaneError::TakesNoContent);
        }
        Self::new(model, Some(content), options)
    }

    fn new(
        model: &Model,
        content: Option<&'a dyn Content>,
        options: PlaneOptions,
    ) -> Result<Self, PlaneError> {
        if !model.is_calibrated() {
            return Err(PlaneError::Uncalibrated);
        }
        let spec = model.spec().clone();
        if let Some(period) = options.period {
            check_period(&spec, period)?;
        }
        let network = match spec.residual {
            0 => Network::Pyramid(Pyramid::new(model)),
            _ => Network::Residual(Residual::new(model)),
        };
        Ok(Self { painting: Painting { spec, options, content }, network })
    }

    /// The picture in a window: sRGB-coded values, not clamped to `[0, 1]`.
    ///
    /// Runs on the threads of rayon's current pool. Beside the picture itself, memory does not grow with the
    /// window.
    ///
    /// # Errors
    /// When the window is larger than memory can hold, or reaches beyond 2^60 pixels from the origin.
    pub fn window(&self, window: Window) -> Result<Image, PlaneError> {
        check_window(window)?;
        match &self.network {
            Network::Pyramid(pyramid) => Ok(self.by_blocks(pyramid, window)),
            Network::Residual(residual) => self.by_rows(residual, window),
        }
    }

    fn by_blocks(&self, pyramid: &Pyramid, window: Window) -> Image {
        let mut image = Image::new(window.height, window.width);
        let blocks: Vec<Region> = blocks(window.into()).collect();
        for group in blocks.chunks(CONCURRENT) {
            let raw: Vec<Placed> = group.par_iter().map(|&b| pyramid.run(&self.painting, b)).collect();
            raw.iter().zip(group).for_each(|(raw, &block)| self.decode(raw, block, window, &mut image));
        }
        image
    }

    fn by_rows(&self, residual: &Residual, window: Window) -> Result<Image, PlaneError> {
        let content = self.painting.content.ok_or(PlaneError::NeedsContent)?;
        check_inside(window, content.size())?;
        let mut image = Image::new(window.height, window.width);
        let noise = self.painting.source(0, None);
        residual
            .run(&noise, content, window.into(), |raw, region| self.decode(raw, region, window, &mut image));
        Ok(image)
    }

    fn decode(&self, raw: &Placed, block: Region, window: Window, image: &mut Image) {
        let column = (block.columns.start - window.x) as usize;
        for y in block.rows.start..block.rows.end {
            for c in 0..3 {
                let (channel, shift, scale) = self.painting.spec.output.source(c);
                let row = raw.row_from(channel, y, block.columns.start);
                let out = &mut image.row_mut(c, (y - window.y) as usize)[column..][..block.columns.len()];
                out.iter_mut().zip(row).for_each(|(v, &value)| *v = (value + shift) / scale);
            }
        }
    }
}

fn check_period(spec: &GeneratorSpec, period: [i64; 2]) -> Result<(), PlaneError> {
    let granularity = spec.granularity() as i64;
    let allowed = |side: i64| side > 0 && side % granularity == 0 && side <= MAX_COORDINATE;
    if period.into_iter().all(allowed) {
        return Ok(());
    }
    let nearest = |side: i64| {
        let steps = side.clamp(1, 1 << 40).saturating_add(granularity / 2) / granularity;
        steps.max(1) * granularity
    };
    let [height, width] = period;
    Err(PlaneError::Period(format!(
        "a seamless tile of {width}x{height} is asked for, but the coarsest scale of this model repeats only in \
         multiples of {granularity} pixels: ask for {}x{}",
        nearest(width),
        nearest(height)
    )))
}

fn check_window(window: Window) -> Result<(), PlaneError> {
    let Window { x, y, width, height } = window;
    let fail = |why: &str| {
        Err(PlaneError::Window(format!(
            "a window of {width}x{height} pixels at {x},{y} is asked for, but {why}"
        )))
    };
    let inside = |start: i64, size: usize| {
        let end = i64::try_from(size).ok().and_then(|size| start.checked_add(size));
        start >= -MAX_COORDINATE && end.is_some_and(|end| end <= MAX_COORDINATE)
    };
    if !inside(x, width) || !inside(y, height) {
        return fail("coordinates reach up to 2^60 on either side of the origin: choose one nearer to it");
    }
    let values = width.checked_mul(height).and_then(|area| area.checked_mul(12));
    if values.is_none_or(|bytes| bytes > 1 << 40) {
        return fail("at most 2^40 bytes fit in one picture: ask for bands of it");
    }
    Ok(())
}

/// A residual network knows no plane beyond its photograph: there its features are reflected.
fn check_inside(window: Window, [height, width]: [usize; 2]) -> Result<(), PlaneError> {
    let inside = |start: i64, size: usize, all: usize| start >= 0 && start + size as i64 <= all as i64;
    if inside(window.x, window.width, width) && inside(window.y, window.height, height) {
        return Ok(());
    }
    let Window { x, y, width: columns, height: rows } = window;
    Err(PlaneError::Window(format!(
        "a window of {columns}x{rows} pixels at {x},{y} is asked for, but a residual network paints the photograph's \
         {width}x{height} pixels alone: choose a window inside"
    )))
}

/// The blocks of a region, row after row.
fn blocks(region: Region) -> impl Iterator<Item = Region> {
    spans(region.rows, BLOCK[0])
        .flat_map(move |rows| spans(region.columns, BLOCK[1]).map(move |columns| Region { rows, columns }))
}

/// A span cut at multiples of `size`, so that blocks are aligned with the tiles.
fn spans(span: Span, size: i64) -> impl Iterator<Item = Span> {
    let first = span.start.div_euclid(size);
    let end = span.divided(size).end;
    (first..end).map(move |i| Span { start: span.start.max(i * size), end: span.end.min((i + 1) * size) })
}
