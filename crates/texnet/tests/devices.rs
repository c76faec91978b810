//! The same network on every device that was compiled in and is there: the CPU alone by default, GPUs with the
//! features `cuda` and `wgpu`, where a driver in software counts as one.

use burn::tensor::{Device, Tensor, TensorData};
use texnet::descriptor::{Coding, ConvWeights, Descriptor, Layer, Vgg19, Vgg19Options};
use texnet::device;
use texnet::generator::{Generator, Parameters};
use texnet::ops::Path;
use texnet_infer::GeneratorSpec;

fn devices() -> Vec<(String, Device)> {
    let of_kind = |kind: &&str| {
        let numbered = device::found(kind).into_iter().enumerate();
        numbered.map(|(i, device)| (format!("{kind}:{i}"), device)).collect::<Vec<_>>()
    };
    let devices: Vec<_> = device::KINDS.iter().flat_map(of_kind).collect();
    println!("devices: {:?}", devices.iter().map(|(name, _)| name).collect::<Vec<_>>());
    devices
}

fn assert_close(name: &str, ours: Tensor<4>, expected: &[f32]) {
    let ours: Vec<f32> = ours.into_data().iter::<f32>().collect();
    let scale = expected.iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
    let worst = ours.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
    assert!(ours.len() == expected.len() && worst <= 1e-3 * scale, "{name}: {worst} of {scale}");
}

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn generators_paint_the_same_on_every_device() {
    for spec in [GeneratorSpec::coarse_wide(4), GeneratorSpec::paper(3)] {
        let parameters = Parameters::initial(&spec, [0.5, 0.4, 0.3], 3);
        let paint = |device: &Device| {
            let generator = Generator::new(spec.clone(), Path::Fast);
            let noise = generator.noise(&[7], [32, 48], 1.0, device);
            generator.forward(&parameters.leaves(device), &noise, None)
        };
        let expected = values(paint(&Device::flex()));
        devices().iter().for_each(|(name, device)| assert_close(name, paint(device), &expected));
    }
}

#[test]
fn vgg_describes_the_same_on_every_device() {
    let wave = |count: usize, scale: f32| (0..count).map(|i| (i as f32 * 0.7).sin() * scale).collect();
    let conv = |inputs: usize, outputs: usize| ConvWeights {
        weight: wave(inputs * outputs * 9, 0.1),
        bias: wave(outputs, 0.1),
    };
    let picture: Vec<f32> = (0..3 * 20 * 26).map(|i| 0.5 + 0.5 * (i as f32 * 1.3).sin()).collect();
    let describe = |device: &Device| {
        let weights = vec![conv(3, 64), conv(64, 64), conv(64, 128)];
        let vgg =
            Vgg19::new(weights, Coding::Torchvision, Vgg19Options::default(), device).expect("a network");
        let picture = Tensor::from_data(TensorData::new(picture.clone(), [1, 3, 20, 26]), device);
        vgg.features(&picture, &[Layer::Relu2_1]).expect("features").remove(0)
    };
    let expected = values(describe(&Device::flex()));
    devices().iter().for_each(|(name, device)| assert_close(name, describe(device), &expected));
}
