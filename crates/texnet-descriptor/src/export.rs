//! From the network in training to the one that is shipped: norms become part of the convolutions, and every feature is
//! scaled to a root mean square of 1 over many textures, as Gatys et al. (2015) scaled VGG-19.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use texnet::descriptor::ConvWeights;
use texnet::generator::Parameters;
use texnet::ops::EPSILON;
use texnet_io::whole_file::write_whole;

use crate::crops::Source;
use crate::net::{self, Conv};

/// Steps whose textures are measured; none of them was learned from.
const MEASURED: std::ops::Range<u64> = (1 << 40)..(1 << 40) + 12;
/// Least root mean square that a feature is scaled from: one that is nearly silent must not be blown up.
const LEAST: f32 = 0.02;

/// Pictures `[n, 3, SIDE, SIDE]` that no step learns from.
pub(crate) fn measured(source: &Source) -> Tensor<4> {
    let sample: Vec<f32> = MEASURED.flat_map(|step| source.sample(step)).collect();
    net::pictures(sample, &Device::flex())
}

/// The convolutions of the trained network, norms and scales included, as these pictures are seen by it.
pub(crate) fn folded(parameters: &Parameters, pictures: Tensor<4>) -> Vec<(Conv, ConvWeights)> {
    let device = pictures.device();
    let leaves = parameters.leaves(&device);
    let mut x = net::coded(pictures);
    // Of the features that come in, one for each channel.
    let mut scales = vec![1.0; 3];
    let mut convs = Vec::new();
    for conv in net::convs() {
        let weight = net::weight(conv, &leaves);
        let out = net::convolved(conv, weight.clone(), x);
        let moments = channels(out.clone()).zip(channels(out.clone().square()));
        let [gamma, beta] =
            ["gamma", "beta"].map(|part| values(leaves.get(&format!("{}.norm.{part}", conv.layer))));
        let affine = moments.zip(gamma.iter().zip(&beta)).map(|((mean, square), (gamma, beta))| {
            let gain = gamma / (square - mean * mean + EPSILON as f32).sqrt();
            [gain, beta - gain * mean]
        });
        let affine: Vec<[f32; 2]> = affine.collect();
        x = relu(applied(out, &affine, &device));
        let own: Vec<f32> = channels(x.clone().square()).map(|square| square.sqrt().max(LEAST)).collect();
        convs.push((conv, scaled(conv, &values(weight.reshape([-1])), &affine, &scales, &own)));
        scales = own;
    }
    convs
}

/// Weights and biases that take features divided by `scales` to features divided by `own`.
fn scaled(conv: Conv, weight: &[f32], affine: &[[f32; 2]], scales: &[f32], own: &[f32]) -> ConvWeights {
    let value = |(i, w): (usize, &f32)| {
        let (output, input) = (i / (9 * conv.inputs), i / 9 % conv.inputs);
        w * affine[output][0] * scales[input] / own[output]
    };
    let bias = affine.iter().zip(own).map(|([_, shift], own)| shift / own).collect();
    ConvWeights { weight: weight.iter().enumerate().map(value).collect(), bias }
}

/// Channel by channel, `gain * x + shift`.
fn applied(x: Tensor<4>, affine: &[[f32; 2]], device: &Device) -> Tensor<4> {
    let column = |part: usize| {
        let values: Vec<f32> = affine.iter().map(|a| a[part]).collect();
        Tensor::<4>::from_data(TensorData::new(values, [1, affine.len(), 1, 1]), device)
    };
    x * column(0) + column(1)
}

/// The mean of every channel.
fn channels(x: Tensor<4>) -> impl Iterator<Item = f32> {
    let [_, c, ..] = x.dims();
    let means = x.mean_dim(3).mean_dim(2).mean_dim(0).reshape([c]);
    values(means).into_iter()
}

fn values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Writes the convolutions in 16 bits, with their origin, whole or not at all.
pub(crate) fn write(convs: &[(Conv, ConvWeights)], origin: &str, path: &Path) -> Result<()> {
    let half = |values: &[f32]| values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect();
    let parts = convs.iter().flat_map(|(conv, numbers)| {
        let Conv { layer, inputs, outputs, .. } = *conv;
        [
            (format!("{layer}.weight"), vec![outputs, inputs, 3, 3], half(&numbers.weight)),
            (format!("{layer}.bias"), vec![outputs], half(&numbers.bias)),
        ]
    });
    let parts: Vec<(String, Vec<usize>, Vec<u8>)> = parts.collect();
    let views = parts
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F16, shape.clone(), bytes)?)));
    let views: Vec<_> = views.collect::<Result<_>>()?;
    let metadata = HashMap::from([("origin".to_owned(), origin.to_owned())]);
    let bytes = safetensors::serialize(views, Some(metadata))?;
    write_whole(path, |file| file.write_all(&bytes)).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use texnet::descriptor::{Descriptor, Embedded, Padding};

    use super::*;
    use crate::net::TAPS;

    #[test]
    fn what_is_written_is_read_and_its_features_have_a_root_mean_square_of_one() {
        let pictures = measured(&Source::with(3, Vec::new(), 0));
        let convs = folded(&net::initial(5), pictures.clone());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("descriptor.safetensors");
        write(&convs, "a test", &path).expect("a writable folder");
        let network = Embedded::load(&path, Padding::None, &Device::flex()).expect("what was written");
        // The deepest sees more than these pictures.
        let taps = &TAPS[..3];
        let features = network.features(&pictures, taps).expect("large enough");
        // Not exactly: borders are not seen here, and numbers have 16 bits.
        for (tap, features) in taps.iter().zip(features) {
            let squares: Vec<f32> = channels(features.square()).collect();
            let mean = squares.iter().sum::<f32>() / squares.len() as f32;
            assert!((mean - 1.0).abs() < 0.1, "{tap}: {mean}");
            assert!(squares.iter().all(|square| (0.3..3.0).contains(square)), "{tap}: {squares:?}");
        }
    }
}
