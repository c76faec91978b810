//! Agreement with torchvision's VGG-19: features, losses and gradients that torch computed in double precision.
//!
//! `tools/vgg19_golden.py` froze them, for weights that are a hash of their place and are made again here.

#[path = "golden_vgg/files.rs"]
mod files;

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use serde_json::Value;
use texnet::descriptor::{Coding, ConvWeights, Descriptor, Layer, Padding, Pooling, Vgg19, Vgg19Options};
use texnet::loss::{ContentConfig, GramConfig, GramDistance, Loss, Perceptual, total};

/// Largest error of sums and norms, relative to them, and of samples, relative to the largest.
const TOLERANCE: f64 = 1e-4;
/// Channels of the blocks and their convolutions.
const BLOCKS: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)];
/// Convolutions down to `conv5_1`.
const CONVS: usize = 13;
/// Samples kept of each tensor.
const SAMPLES: usize = 16;

fn data(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")).join(name)
}

fn mix(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x21F0_AAAD);
    let x = (x ^ (x >> 15)).wrapping_mul(0x735A_2D97);
    x ^ (x >> 15)
}

/// The script's numbers in `[-1, 1)`.
fn numbers(tensor: u32, count: usize) -> impl Iterator<Item = f32> {
    let start = mix(tensor);
    (0..count as u32).map(move |i| (mix(start.wrapping_add(i)) >> 8) as f32 * (-24_f32).exp2() * 2.0 - 1.0)
}

/// The first `count` convolutions.
fn weights(count: usize) -> Vec<ConvWeights> {
    let widths = BLOCKS.iter().flat_map(|&(width, convs)| vec![width; convs]);
    let mut inputs = 3;
    let conv = |(k, outputs): (usize, usize)| {
        let scale = (6.0 / (inputs * 9) as f64).sqrt() as f32;
        let weight = numbers(2 * k as u32, outputs * inputs * 9).map(|v| v * scale).collect();
        inputs = outputs;
        ConvWeights { weight, bias: numbers(2 * k as u32 + 1, outputs).map(|v| v * 0.1).collect() }
    };
    widths.take(count).enumerate().map(conv).collect()
}

struct Golden {
    case: Value,
    picture: Tensor<4>,
    exemplar: Tensor<4>,
    vgg: Vgg19,
    /// Largest relative errors, by what was compared.
    errors: BTreeMap<String, f64>,
}

impl Golden {
    fn layers(&self, member: &str) -> Vec<Layer> {
        let names = self.case[member].as_array().expect(member).iter();
        names.map(|name| name.as_str().expect("a name").parse().expect("a layer")).collect()
    }

    fn note(&mut self, what: &str, error: f64) {
        let largest = self.errors.entry(what.into()).or_default();
        // NaN must not pass as small.
        *largest = if error > *largest || error.is_nan() { error } else { *largest };
    }

    fn compare_number(&mut self, what: &str, ours: f64, expected: &Value) {
        let expected = expected.as_f64().expect("a number");
        self.note(what, (ours - expected).abs() / expected.abs());
    }

    fn compare(&mut self, what: &str, ours: Tensor<4>, expected: &Value) {
        let shape: Vec<u64> = ours.dims().iter().map(|&side| side as u64).collect();
        assert_eq!(expected["shape"], Value::from(shape), "{what}");
        let ours: Vec<f32> = ours.into_data().try_to_vec().expect("numbers");
        let ours: Vec<f64> = ours.into_iter().map(f64::from).collect();
        self.compare_number(what, ours.iter().map(|v| v.abs()).sum(), &expected["l1"]);
        self.compare_number(what, ours.iter().map(|v| v * v).sum::<f64>().sqrt(), &expected["l2"]);
        let samples = expected["samples"].as_array().expect("samples").iter();
        let samples: Vec<f64> = samples.map(|v| v.as_f64().expect("a number")).collect();
        let scale = ours.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
        for (i, sample) in samples.iter().enumerate() {
            let place = i * (ours.len() - 1) / (SAMPLES - 1);
            self.note(what, (ours[place] - sample).abs() / scale);
        }
    }

    fn features(&mut self) {
        let layers = [self.layers("layers"), self.layers("content")].concat();
        let features = self.vgg.features(&self.picture, &layers).expect("large enough");
        for (layer, features) in layers.iter().zip(features) {
            let expected = self.case["features"][layer.name()].clone();
            self.compare(&format!("features {layer}"), features, &expected);
        }
    }

    /// Terms and their gradient.
    fn loss(&mut self, loss: &Perceptual, terms: &str, gradient: &str) {
        let picture = self.picture.clone().autodiff().require_grad();
        let found = loss.terms(&picture, 0);
        for term in &found {
            let layer = term.name.split(' ').next_back().expect("a layer");
            let expected = self.case[terms][layer].clone();
            self.compare_number(terms, f64::from(term.value.clone().into_scalar::<f32>()), &expected);
        }
        let gradients = total(&found).expect("terms").backward();
        let expected = self.case[gradient].clone();
        self.compare(gradient, picture.grad(&gradients).expect("a gradient"), &expected);
    }

    fn texture(&self, divide_by_channels: bool, distance: GramDistance, normalize: bool) -> Perceptual {
        let layers = self.layers("layers").into_iter().map(|layer| (layer, 1.0)).collect();
        let config = GramConfig { layers, divide_by_channels, distance, normalize_gradients: normalize };
        Perceptual::new(self.vgg.clone()).with_texture(&self.exemplar, config).expect("large enough")
    }

    fn losses(&mut self) {
        let squared = self.texture(false, GramDistance::Squared, false);
        self.loss(&squared, "squared", "gradient_squared");
        let root = self.texture(false, GramDistance::RelativeRoot, false);
        self.loss(&root, "relative_root", "gradient_relative_root");
        let normalized = self.texture(true, GramDistance::MeanSquared, true);
        self.loss(&normalized, "mean_squared", "gradient_normalized");
        for layer in self.layers("content") {
            let config = ContentConfig { layer, weight: 1.0 };
            let content = Perceptual::new(self.vgg.clone()).with_photograph(&self.exemplar, config);
            self.loss(&content.expect("large enough"), "content_distance", "gradient_content");
        }
    }
}

fn options(case: &Value) -> Vgg19Options {
    Vgg19Options {
        pooling: if case["pooling"] == "max" { Pooling::Max } else { Pooling::Average },
        padding: if case["padded"] == true { Padding::Zero } else { Padding::None },
        coding: Some(if case["coding"] == "caffe" { Coding::Caffe } else { Coding::Torchvision }),
    }
}

#[test]
fn features_losses_and_gradients_are_those_of_torch() {
    let golden = std::fs::read(data("vgg19_golden.json")).expect("the frozen numbers");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let [height, width] = ["height", "width"].map(|side| golden[side].as_u64().expect(side) as usize);
    let device = Device::flex();
    let picture = |tensor| {
        let values: Vec<f32> = numbers(tensor, 3 * height * width).map(|v| (v + 1.0) * 0.5).collect();
        Tensor::<4>::from_data(TensorData::new(values, [1, 3, height, width]), &device)
    };
    let mut worst = 0.0_f64;
    for case in golden["cases"].as_array().expect("cases") {
        let vgg = Vgg19::new(weights(CONVS), Coding::Torchvision, options(case), &device).expect("weights");
        let [picture, exemplar] = [picture(1000), picture(1001)];
        let mut golden = Golden { case: case.clone(), picture, exemplar, vgg, errors: BTreeMap::new() };
        golden.features();
        golden.losses();
        let name = golden.vgg.name();
        for (what, error) in &golden.errors {
            println!("{name}: {what} {error:.1e}");
            worst = if *error > worst || error.is_nan() { *error } else { worst };
        }
    }
    println!("largest relative error {worst:.1e}");
    assert!(worst <= TOLERANCE, "{worst} is more than {TOLERANCE}");
}
