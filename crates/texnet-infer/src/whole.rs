//! A whole picture with live statistics: the plain executor.
//!
//! It follows the spec layer by layer with the padding that the spec names, and normalises with the statistics of
//! the features themselves, as networks are trained and as the models of 2016 were sampled. Windows of a plane are
//! [`crate::plane`]'s business.

use std::collections::BTreeMap;

use rayon::prelude::*;
use texnet_kernels::{Border, Conv, DirectConv, Level, Map, Moments, pad, resample, statistics};

use crate::model::Model;
use crate::residual;
use crate::spec::{ConvSpec, Norm};

/// Added to variances: the code of 2016, and every common batch norm.
pub const EPSILON: f64 = 1e-5;

/// Values of shape `[channels, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values, channel after channel, row after row.
    pub data: Vec<f32>,
}

impl Features {
    fn to_map(&self) -> Map {
        Map::from_planes(self.channels, self.height, self.width, &self.data)
    }

    fn from_map(map: &Map) -> Self {
        let [channels, height, width] = [map.channels(), map.height(), map.width()];
        Self { channels, height, width, data: map.to_planes() }
    }
}

/// What a generator reads.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// One map of noise per scale that reads some, from the coarsest to the finest, each twice as large as the one before.
    pub noise: Vec<Features>,
    /// Red, green and blue in `[0, 1]` at the size of the finest scale; for style networks.
    pub content: Option<Features>,
}

/// The raw output of the head, `[3, height, width]`, as the spec's output coding says.
///
/// # Panics
/// When the inputs do not have the shapes that the spec asks for.
#[must_use]
pub fn run(model: &Model, inputs: &Inputs, level: Level) -> Features {
    let noise = inputs.noise.iter().map(Features::to_map).collect();
    let (output, _) = execute(model, noise, inputs.content.as_ref().map(Features::to_map), level);
    Features::from_map(&output)
}

/// The output, and the moments that each normalisation saw, by its prefix.
pub(crate) fn execute(
    model: &Model,
    noise: Vec<Map>,
    content: Option<Map>,
    level: Level,
) -> (Map, BTreeMap<String, Vec<Moments>>) {
    let spec = model.spec();
    assert_eq!(noise.len(), spec.noisy_scales(), "one map of noise per scale that reads some");
    assert_eq!(content.is_some(), spec.content, "content goes with style networks");
    if spec.residual > 0 {
        let content = content.expect("asserted above");
        return residual::execute(model, &noise[0], &content, level);
    }
    let mut whole = Whole { model, level, moments: BTreeMap::new() };
    let contents = content_pyramid(content, noise.len());
    let mut deep: Option<Map> = None;
    for (i, (noise, content)) in noise.into_iter().zip(contents).enumerate() {
        let input = content.map_or_else(|| noise.clone(), |c| c.join(&noise));
        let side = whole.block(&spec.side_block(i), input);
        deep = Some(match deep {
            None => side,
            Some(deep) => whole.join(i, deep, side),
        });
    }
    let output = whole.conv(&spec.head(), &deep.expect("a spec has at least one scale"));
    (output, whole.moments)
}

/// The content at every scale, from the coarsest to the finest.
fn content_pyramid(content: Option<Map>, scales: usize) -> Vec<Option<Map>> {
    let mut levels = vec![content];
    while levels.len() < scales {
        let halved = levels[levels.len() - 1].as_ref().map(resample::halve);
        levels.push(halved);
    }
    levels.reverse();
    levels
}

struct Whole<'a> {
    model: &'a Model,
    level: Level,
    moments: BTreeMap<String, Vec<Moments>>,
}

impl Whole<'_> {
    fn join(&mut self, scale: usize, deep: Map, mut side: Map) -> Map {
        let spec = self.model.spec();
        let mut up = match spec.scales[scale].smooth {
            true => resample::upsample_smooth(&pad::pad(&deep, spec.padding.into())),
            false => resample::upsample(&deep),
        };
        drop(deep);
        if let Some([(up_norm, _), (side_norm, _)]) = spec.join_norms(scale) {
            self.normalise(&up_norm, &mut up, None);
            self.normalise(&side_norm, &mut side, None);
        }
        let joined = up.join(&side);
        // Features of whole pictures are large: none is kept longer than it is needed.
        drop((up, side));
        self.block(&spec.join_block(scale), joined)
    }

    fn block(&mut self, convs: &[ConvSpec], mut map: Map) -> Map {
        for spec in convs {
            map = self.conv(spec, &map);
            if self.model.spec().norm != Norm::Folded {
                let slope = self.model.spec().negative_slope;
                self.normalise(&format!("{}.norm", spec.name), &mut map, Some(slope));
            }
        }
        map
    }

    fn conv(&self, spec: &ConvSpec, map: &Map) -> Map {
        let conv = DirectConv::from(&plain_conv(self.model, spec));
        match spec.kernel {
            1 => apply_parallel(&conv, self.level, map),
            _ => apply_padded(&conv, self.level, map, self.model.spec().padding.into()),
        }
    }

    /// Gives every channel the learned mean and scale, then the activation.
    fn normalise(&mut self, name: &str, map: &mut Map, slope: Option<f32>) {
        let moments = statistics::moments(map);
        let factors = affine(self.model, name, &moments);
        for y in 0..map.height() {
            for (c, &[scale, shift]) in factors.iter().enumerate() {
                for value in map.row_mut(c, y) {
                    // In f64: a mean far above the deviation would cost digits that later layers miss.
                    let normalised = (f64::from(*value) * scale + shift) as f32;
                    *value = slope.map_or(normalised, |s| normalised.max(s * normalised));
                }
            }
        }
        self.moments.insert(name.to_owned(), moments);
    }
}

/// `[scale, shift]` of every channel of a normalisation with these moments.
pub(crate) fn affine(model: &Model, name: &str, moments: &[Moments]) -> Vec<[f64; 2]> {
    let [gamma, beta] = ["gamma", "beta"].map(|p| model.values(&format!("{name}.{p}")));
    let channels = moments.iter().zip(gamma).zip(beta);
    channels
        .map(|((m, &gamma), &beta)| {
            let scale = f64::from(gamma) / (m.variance + EPSILON).sqrt();
            [scale, f64::from(beta) - m.mean * scale]
        })
        .collect()
}

/// The convolution as the model holds it; with its activation where no normalisation comes between.
pub(crate) fn plain_conv(model: &Model, spec: &ConvSpec) -> Conv {
    let folded = model.spec().norm == Norm::Folded;
    Conv {
        inputs: spec.inputs,
        outputs: spec.outputs,
        kernel: spec.kernel,
        weight: model.values(&format!("{}.weight", spec.name)).to_vec(),
        bias: model.values(&format!("{}.bias", spec.name)).to_vec(),
        slope: (folded && spec.normalised).then_some(model.spec().negative_slope),
    }
}

/// Rows that one thread computes at a time.
const ROWS: usize = 8;

/// [`DirectConv::apply`] with rows spread over the threads.
pub(crate) fn apply_parallel(conv: &DirectConv, level: Level, input: &Map) -> Map {
    let k = conv.kernel();
    let mut out = Map::new(conv.outputs(), input.height() + 1 - k, input.width() + 1 - k);
    let bands: Vec<_> = out.bands_mut(ROWS).enumerate().collect();
    bands.into_par_iter().for_each(|(i, band)| conv.apply_rows(level, input, i * ROWS, band));
    out
}

/// Likewise for a 3x3 kernel, with a border that is made band by band: a second copy of all features never exists.
fn apply_padded(conv: &DirectConv, level: Level, input: &Map, border: Border) -> Map {
    let mut out = Map::new(conv.outputs(), input.height(), input.width());
    let bands: Vec<_> = out.bands_mut(ROWS).enumerate().collect();
    bands.into_par_iter().for_each(|(i, band)| {
        let end = input.height().min((i + 1) * ROWS) + 2;
        conv.apply_rows(level, &pad::pad_rows(input, border, i * ROWS..end), 0, band);
    });
    out
}
