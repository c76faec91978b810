//! Calibration: the statistics of one sample, stored beside the weights, so that the network becomes local.

use texnet_kernels::{Level, Map, Moments};

use crate::image::{Content, Image};
use crate::model::{Model, Tensor};
use crate::noise::{Column, RowKey, Uniform};
use crate::reflect;
use crate::whole;

/// Least side of the sample that statistics are taken from, in pixels.
pub const SAMPLE: usize = 512;

/// A texture model with the statistics of a sample of at least 512x512 pixels of this seed.
///
/// # Panics
/// When the model is a style network: those are calibrated on a photograph.
#[must_use]
pub fn calibrate(model: &Model, seed: u64) -> Model {
    let side = SAMPLE.next_multiple_of(model.spec().granularity());
    measure(model, noise(model, [side, side], seed, 1.0), None)
}

/// A style model with the statistics of this photograph, its noise multiplied by `noise_scale`.
///
/// Sides that are no multiples of the granularity are continued by reflection.
#[must_use]
pub fn calibrate_on(model: &Model, content: &Image, seed: u64, noise_scale: f32) -> Model {
    let size = content.size().map(|side| side.next_multiple_of(model.spec().granularity()));
    let content = reflected(content, size);
    measure(model, noise(model, size, seed, noise_scale), Some(content))
}

fn reflected(image: &Image, [height, width]: [usize; 2]) -> Map {
    let [rows, columns] = image.size();
    let mut map = Map::new(3, height, width);
    for y in 0..height {
        let source = reflect::index(y as i64, rows);
        for c in 0..3 {
            let row = image.row(c, source);
            let out = map.row_mut(c, y).iter_mut().enumerate();
            out.for_each(|(x, v)| *v = row[reflect::index(x as i64, columns)]);
        }
    }
    map
}

/// The plane's noise at every scale, from its origin on.
fn noise(model: &Model, [height, width]: [usize; 2], seed: u64, factor: f32) -> Vec<Map> {
    let spec = model.spec();
    let at_scale = |(i, scale): (usize, &crate::spec::Scale)| {
        let [low, high] = scale.noise;
        let ratio = spec.ratio(i);
        Map::from_fn(spec.noise_channels, height / ratio, width / ratio, |c, y, x| {
            RowKey::new(seed, i, c, y as i64).value(Column::new(x as i64), Uniform { low, high, factor })
        })
    };
    spec.scales.iter().take(spec.noisy_scales()).enumerate().map(at_scale).collect()
}

fn measure(model: &Model, noise: Vec<Map>, content: Option<Map>) -> Model {
    let (_, moments) = whole::execute(model, noise, content, Level::new());
    let mut weights = model.weights().clone();
    for (name, moments) in &moments {
        let mut insert = |part: &str, value: fn(&Moments) -> f64| {
            // Beyond f32 only where the features overflow anyway; a model holds finite numbers only.
            let data =
                moments.iter().map(|m| (value(m) as f32).clamp(f32::MIN, f32::MAX)).map(finite).collect();
            weights.insert(format!("{name}.{part}"), Tensor { shape: vec![moments.len()], data });
        };
        insert("mean", |m| m.mean);
        insert("variance", |m| m.variance);
    }
    Model::new(model.spec().clone(), weights, model.summary.clone()).expect("finite statistics of every norm")
}

fn finite(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}
