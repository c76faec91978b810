//! The work of learning, as it is timed: that of the peers' `describe`, `describe-grad` and `train`, a step of five scales
//! by patches, and the objective of our default preset.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, TensorView};
use texnet::descriptor::{Descriptor, Layer, Padding, Pooling, Vgg19, Vgg19Options};
use texnet::draw::{Draw, Stream};
use texnet::loss::{GramConfig, Loss, Perceptual, Term, total};
use texnet::train::{TrainConfig, Trainer};
use texnet_infer::Image;

use crate::Options;

/// Something that can be done again and again.
pub type Work = Box<dyn FnMut() -> Result<()> + Send>;

/// The names that [`named`] knows.
pub const NAMES: &str = "describe | describe-grad | train | step | live | frozen | teach";

/// VGG-19 to relu5_1 (`describe`), also with the gradient of Gram losses to the picture (`describe-grad`), one Adam
/// step of the paper's generator through that (`train`), a step of five scales by patches (`step`), a step of the default
/// preset with live or frozen statistics (`live`, `frozen`), or its objective with the gradient to the picture (`teach`).
///
/// # Errors
/// When the name is unknown or the exemplar is not there.
pub fn named(options: &Options) -> Result<Work> {
    let device = Device::flex();
    let pictures = noise(options.batch, options.size, 1);
    match options.words.first().map(String::as_str) {
        Some("describe") => {
            let vgg = vgg()?;
            Ok(Box::new(move || {
                vgg.features(&pictures, &Layer::TEXTURE)?;
                Ok(())
            }))
        }
        Some("describe-grad") => {
            let loss =
                Perceptual::new(vgg()?).with_texture(&noise(1, options.size, 2), GramConfig::default())?;
            gradients(pictures, move |pictures, step| loss.terms(pictures, step))
        }
        Some("teach") => {
            let (config, image) = default_preset(options, &[])?;
            let objective = config.objective(&[image], None, Arc::default(), &device)?;
            gradients(pictures, move |pictures, step| objective.terms(pictures, step))
        }
        Some("train") => paper_step(options, &device),
        Some("step") => preset_step(options, &PROTOTYPE, &device),
        Some("live") => preset_step(options, &["iterations=1000000", "frozen_iterations=0"], &device),
        // The first step has live ones.
        Some("frozen") => preset_step(options, &["iterations=1", "frozen_iterations=1000000"], &device),
        _ => bail!("choose one of {NAMES}"),
    }
}

/// The gradient of the sum of some terms to the pictures, step after step.
fn gradients(
    pictures: Tensor<4>,
    terms: impl Fn(&Tensor<4>, u64) -> Vec<Term> + Send + 'static,
) -> Result<Work> {
    let mut step = 0;
    Ok(Box::new(move || {
        let pictures = pictures.clone().autodiff().require_grad();
        let sum = total(&terms(&pictures, step)).context("a loss")?;
        pictures.grad(&sum.backward()).context("a gradient")?;
        step += 1;
        Ok(())
    }))
}

fn paper_step(options: &Options, device: &Device) -> Result<Work> {
    let (size, batch) = (options.size, options.batch);
    let weights = weights_file()?;
    let settings =
        [format!("size={size}"), format!("batch={batch}"), format!("vgg19.weights={:?}", weights.path())];
    let image = Image::from_planes(size, size, values(3 * size * size, 2));
    let config = TrainConfig::new("paper", &settings)?.resolve(std::slice::from_ref(&image))?;
    steps(Trainer::new(&config, &[image], device)?)
}

fn preset_step(options: &Options, settings: &[&str], device: &Device) -> Result<Work> {
    let (config, image) = default_preset(options, settings)?;
    steps(Trainer::new(&config, &[image], device)?)
}

/// The work of the prototype: five scales and levels, patches alone.
const PROTOTYPE: [&str; 4] = ["scales=5", "sliced.levels=5", "sliced.strides=[4,2]", "octaves.weight=0"];

/// The default preset, with some settings, at its full size from the first step on, and an exemplar.
fn default_preset(options: &Options, settings: &[&str]) -> Result<(TrainConfig, Image)> {
    let whole =
        [format!("size={}", options.size), "iterations=1000000".into(), "coarse_iterations=[]".into()];
    let settings: Vec<String> = whole.into_iter().chain(settings.iter().map(ToString::to_string)).collect();
    let exemplar = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/exemplars/bricks.png");
    let image = texnet_io::read::read(&exemplar)?.to_image();
    let config = TrainConfig::new("default", &settings)?.resolve(std::slice::from_ref(&image))?;
    Ok((config, image))
}

fn steps(mut trainer: Trainer) -> Result<Work> {
    Ok(Box::new(move || {
        trainer.step()?;
        Ok(())
    }))
}

fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut draw = Draw::new(seed, Stream::Noise, 0);
    (0..count).map(|_| draw.uniform()).collect()
}

fn noise(batch: usize, size: usize, seed: u64) -> Tensor<4> {
    let values = values(3 * batch * size * size, seed);
    Tensor::from_data(TensorData::new(values, [batch, 3, size, size]), &Device::flex())
}

/// A VGG-19 of random weights: only time and memory are measured.
fn vgg() -> Result<Vgg19> {
    let options = Vgg19Options { pooling: Pooling::Max, padding: Padding::Zero, coding: None };
    Ok(Vgg19::load(weights_file()?.path(), options, &Device::flex())?)
}

/// Random weights in the layout of torchvision, down to relu5_1, in a temporary file.
fn weights_file() -> Result<tempfile::NamedTempFile> {
    let layers = [(0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256), (12, 256, 256)];
    let deep =
        [(14, 256, 256), (16, 256, 256), (19, 256, 512), (21, 512, 512), (23, 512, 512), (25, 512, 512)];
    let mut tensors: HashMap<String, (Vec<usize>, Vec<u8>)> = HashMap::new();
    for (i, inputs, outputs) in layers.into_iter().chain(deep).chain([(28, 512, 512)]) {
        let bound = (6.0 / (9.0 * inputs as f32)).sqrt();
        let weights = values(9 * inputs * outputs, i).into_iter().map(|v| bound * (2.0 * v - 1.0));
        let bytes = weights.flat_map(f32::to_le_bytes).collect();
        tensors.insert(format!("features.{i}.weight"), (vec![outputs, inputs, 3, 3], bytes));
        tensors.insert(format!("features.{i}.bias"), (vec![outputs], vec![0; 4 * outputs]));
    }
    let file = tempfile::Builder::new().suffix(".safetensors").tempfile()?;
    let views: HashMap<&str, TensorView<'_>> = tensors
        .iter()
        .map(|(name, (shape, bytes))| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<_>>()?;
    std::fs::write(file.path(), safetensors::serialize(views, None)?)?;
    Ok(file)
}
