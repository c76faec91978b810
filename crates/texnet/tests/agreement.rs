//! The two executors of a spec are one network: that which learns and that which paints. Likewise the two paths of
//! every operation, our kernels and the composition from the tensor library, with all gradients.

use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Device, Int, Tensor};
use texnet::generator::{Generator, Parameters};
use texnet::ops::{FixedConv, Group, NormOptions, Path, Pool, gram, pool};
use texnet_infer::spec::{Norm, Padding};
use texnet_infer::whole::{self, Features, Inputs};
use texnet_infer::{GeneratorSpec, Level, Plane, PlaneOptions, Window, model::Summary};
use texnet_kernels::Border;

fn specs() -> Vec<(&'static str, GeneratorSpec)> {
    vec![
        ("coarse-wide", GeneratorSpec::coarse_wide(4)),
        ("paper", GeneratorSpec::paper(3)),
        ("code of 2016", GeneratorSpec::code_of_2016(3)),
        ("folded", GeneratorSpec { norm: Norm::Folded, ..GeneratorSpec::coarse_wide(3) }),
        ("smooth", GeneratorSpec::coarse_wide(3).interpolating(1)),
        (
            "smooth, reflecting",
            GeneratorSpec { padding: Padding::Reflect, ..GeneratorSpec::coarse_wide(3).interpolating(1) },
        ),
        ("reflecting", GeneratorSpec { padding: Padding::Reflect, ..GeneratorSpec::coarse_wide(3) }),
    ]
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn features(tensor: &Tensor<4>) -> Features {
    let [_, channels, height, width] = tensor.dims();
    Features { channels, height, width, data: values(tensor.clone()) }
}

fn colours(spec: &GeneratorSpec, raw: &Features) -> Vec<f32> {
    let plane = raw.height * raw.width;
    let channel = |c: usize| {
        let (channel, shift, scale) = spec.output.source(c);
        raw.data[channel * plane..(channel + 1) * plane].iter().map(move |v| (v + shift) / scale)
    };
    (0..3).flat_map(channel).collect()
}

fn assert_close(a: &[f32], b: &[f32], tolerance: f32, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
    assert!(worst <= tolerance * scale, "{what}: {worst} of {scale}");
}

/// Something else than ones and zeros where learning begins with those.
fn parameters(spec: &GeneratorSpec) -> Parameters {
    let mut parameters = Parameters::initial(spec, [0.5, 0.4, 0.3], 3);
    for (i, values) in parameters.values.iter_mut().enumerate() {
        values.iter_mut().enumerate().for_each(|(j, v)| *v += 0.01 * ((i + 3 * j) % 7) as f32);
    }
    parameters
}

#[test]
fn what_learns_is_what_paints() {
    let device = Device::flex();
    for (name, spec) in specs() {
        let parameters = parameters(&spec);
        let model = parameters.to_model(&spec, Summary::default()).expect("a model");
        for path in [Path::Fast, Path::Composed] {
            let generator = Generator::new(spec.clone(), path);
            let noise = generator.noise(&[7], [16, 32], 1.0, &device);
            let ours = generator.forward(&parameters.leaves(&device), &noise, None);
            let inputs = Inputs { noise: noise.iter().map(features).collect(), content: None };
            let raw = whole::run(&model, &inputs, Level::new());
            assert_close(&values(ours), &colours(&spec, &raw), 1e-4, &format!("{name} {path:?}"));
        }
    }
}

/// A residual network on a photograph: live statistics and none.
#[test]
fn residual_networks_that_learn_are_those_that_paint() {
    let device = Device::flex();
    for norm in [Norm::Instance, Norm::Folded] {
        let mut spec = GeneratorSpec { residual: 2, norm, ..GeneratorSpec::residual_style(3) };
        spec.negative_slope = 0.1;
        let parameters = parameters(&spec);
        let model = parameters.to_model(&spec, Summary::default()).expect("a model");
        let ramp = Tensor::<1, Int>::arange(0..3 * 24 * 32, &device).float();
        let content = (ramp * 0.61).sin().reshape([1, 3, 24, 32]);
        for path in [Path::Fast, Path::Composed] {
            let generator = Generator::new(spec.clone(), path);
            let noise = generator.noise(&[7], [24, 32], 1.0, &device);
            assert_eq!(noise.len(), 1);
            let ours =
                generator.forward(&parameters.leaves(&device), &noise, Some(std::slice::from_ref(&content)));
            let inputs = Inputs { noise: vec![features(&noise[0])], content: Some(features(&content)) };
            let raw = whole::run(&model, &inputs, Level::new());
            assert_close(&values(ours), &colours(&spec, &raw), 1e-3, &format!("{norm:?} {path:?}"));
        }
    }
}

#[test]
fn what_learns_with_frozen_statistics_is_what_paints() {
    let device = Device::flex();
    // A plane has no border to reflect at.
    for (name, spec) in specs().into_iter().filter(|(_, spec)| spec.padding == Padding::Circular) {
        let parameters = parameters(&spec).frozen(&spec, 1).expect("finite numbers");
        let model = parameters.to_model(&spec, Summary::default()).expect("a model");
        assert!(model.is_calibrated());
        let options = PlaneOptions { seed: 7, period: Some([32, 64]), ..PlaneOptions::default() };
        let plane = Plane::texture(&model, options).expect("a plane");
        let painted = plane.window(Window::sized(64, 32)).expect("a window");
        for path in [Path::Fast, Path::Composed] {
            let generator = Generator::new(spec.clone(), path);
            let noise = generator.noise(&[7], [32, 64], 1.0, &device);
            let ours = values(generator.forward(&parameters.leaves(&device), &noise, None));
            let ours: Vec<f32> = ours.into_iter().map(|v| v.clamp(0.0, 1.0)).collect();
            let painted: Vec<f32> = painted.data().iter().map(|v| v.clamp(0.0, 1.0)).collect();
            assert_close(&ours, &painted, 1e-3, &format!("{name} {path:?}"));
        }
    }
}

/// Every gradient of a network's parameters, by both paths, with live and with frozen statistics.
#[test]
fn both_paths_have_the_same_gradients() {
    let device = Device::flex().autodiff();
    let live = specs().into_iter().map(|(name, spec)| (name, parameters(&spec), spec));
    let frozen = specs().into_iter().map(|(name, spec)| {
        let frozen = parameters(&spec).frozen(&spec, 1).expect("finite numbers");
        (name, frozen, spec)
    });
    for (name, parameters, spec) in live.chain(frozen) {
        let gradients = |path| {
            let generator = Generator::new(spec.clone(), path);
            let noise = generator.noise(&[1, 2], [16, 16], 1.0, &device);
            let leaves = parameters.leaves(&device);
            let pictures = generator.forward(&leaves, &noise, None);
            let count = pictures.dims().iter().product::<usize>() as i64;
            let ramp = Tensor::<1, Int>::arange(0..count, &device).float();
            let ramp = (ramp * 0.37).sin().reshape(pictures.dims());
            let grads = (pictures * ramp).sum().backward();
            let of = |n: &str| leaves.get(n).grad(&grads).map_or_else(Vec::new, values);
            parameters.shapes.iter().map(|(n, _)| (n.clone(), of(n))).collect::<Vec<_>>()
        };
        let [fast, composed] = [Path::Fast, Path::Composed].map(gradients);
        // Some are zero but for rounding: shifts before a normalisation.
        let largest = composed.iter().flat_map(|(_, g)| g).fold(0.0_f32, |m, v| m.max(v.abs()));
        for ((parameter, fast), (_, composed)) in fast.iter().zip(&composed) {
            assert_eq!(fast.len(), composed.len(), "{name} {parameter}");
            let worst = fast.iter().zip(composed).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
            let scale = composed.iter().fold(1e-3 * largest, |m, v| m.max(v.abs()));
            assert!(worst <= 1e-3 * scale, "{name} {parameter}: {worst} of {scale}");
        }
    }
}

#[test]
fn every_operation_is_its_composition() {
    let device = Device::flex();
    let random = |shape: [usize; 4]| {
        Tensor::<4>::random(shape, burn::tensor::Distribution::Uniform(-1.0, 1.0), &device)
    };
    for border in [Border::Circular, Border::Reflect, Border::Replicate, Border::Zero] {
        for (x, w) in
            [([2, 3, 5, 9], [8, 3, 3, 3]), ([1, 7, 16, 16], [5, 7, 3, 3]), ([1, 4, 3, 3], [3, 4, 1, 1])]
        {
            let (x, w) = (random(x), random(w));
            let ours = Path::Fast.conv(x.clone(), w.clone(), None, border);
            assert_close(&values(ours), &values(Path::Composed.conv(x, w, None, border)), 1e-5, "conv");
        }
    }
    for group in [Group::Instance, Group::Batch] {
        for slope in [None, Some(0.1)] {
            let options = NormOptions { group, slope };
            let (x, gamma, beta) = (random([2, 3, 6, 5]), random([1, 1, 1, 3]), random([1, 1, 1, 3]));
            let [gamma, beta] = [gamma, beta].map(|v| v.reshape([3]));
            let ours = Path::Fast.norm(x.clone(), gamma.clone(), beta.clone(), options);
            assert_close(&values(ours), &values(Path::Composed.norm(x, gamma, beta, options)), 1e-5, "norm");
        }
    }
    let x = random([2, 3, 90, 70]);
    let ours = Path::Fast.activation(x.clone(), 0.1);
    assert_close(&values(ours), &values(Path::Composed.activation(x, 0.1)), 0.0, "activation");
    let (coarse, fine) = (random([2, 3, 2, 4]), random([2, 1, 4, 8]));
    for (smooth, tolerance) in [(None, 0.0), (Some(Border::Circular), 1e-6), (Some(Border::Zero), 1e-6)] {
        let ours = Path::Fast.join(coarse.clone(), fine.clone(), smooth);
        let composed = Path::Composed.join(coarse.clone(), fine.clone(), smooth);
        assert_close(&values(ours), &values(composed), tolerance, "join");
    }
}

fn wave(count: usize, pace: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * pace).sin()).collect()
}

fn waves(shape: [usize; 4], pace: f32) -> Tensor<4> {
    let data = burn::tensor::TensorData::new(wave(shape.iter().product(), pace), shape);
    Tensor::from_data(data, &Device::flex())
}

/// The gradient of a sum to `x`.
fn gradient(x: &Tensor<4>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Vec<f32> {
    let x = x.clone().autodiff().require_grad();
    let out = f(x.clone());
    let ramp = waves(out.dims(), 0.23).autodiff();
    values(x.grad(&(out * ramp).sum().backward()).expect("a gradient"))
}

/// Shapes of features.
const FEATURES: [[usize; 4]; 2] = [[2, 5, 9, 7], [1, 24, 16, 16]];

#[test]
fn fixed_convolutions_are_their_compositions() {
    for (shape, outputs) in FEATURES.into_iter().zip([12, 40]) {
        let x = waves(shape, 0.37);
        let (weight, bias) = (wave(outputs * shape[1] * 9, 0.71), wave(outputs, 1.3));
        let fast = FixedConv::new(shape[1], weight.clone(), bias.clone(), &Device::flex());
        let composed = FixedConv::composed(shape[1], weight, bias, &Device::flex());
        let zero = Some(Border::Zero);
        let cases = [(zero, true), (zero, false), (Some(Border::Circular), true), (None, true)];
        for (border, activated) in cases {
            let what = format!("{shape:?} to {outputs}, {border:?}, {activated}");
            let [ours, expected] = [&fast, &composed].map(|c| c.forward(x.clone(), border, activated));
            assert_close(&values(ours), &values(expected), 1e-5, &what);
            let [ours, expected] =
                [&fast, &composed].map(|c| gradient(&x, |x| c.forward(x, border, activated)));
            assert_close(&ours, &expected, 1e-5, &what);
        }
    }
}

#[test]
fn pools_and_gram_matrices_are_their_compositions() {
    let max = |x| max_pool2d(x, MaxPoolOptions::new([2, 2]));
    let average = |x| avg_pool2d(x, AvgPoolOptions::new([2, 2]));
    let composed_gram = |x: Tensor<4>| {
        let [n, c, h, w] = x.dims();
        let rows = x.reshape([n, c, h * w]);
        rows.clone().matmul(rows.transpose()).div_scalar((h * w) as f64).reshape([n, 1, c, c])
    };
    let our_gram = |x: Tensor<4>| {
        let [n, c, ..] = x.dims();
        gram(&x).reshape([n, 1, c, c])
    };
    for x in FEATURES.map(|shape| waves(shape, 0.37)) {
        let same =
            |what: &str, ours: &dyn Fn(Tensor<4>) -> Tensor<4>, composed: &dyn Fn(Tensor<4>) -> Tensor<4>| {
                assert_close(&values(ours(x.clone())), &values(composed(x.clone())), 1e-5, what);
                assert_close(&gradient(&x, ours), &gradient(&x, composed), 1e-5, what);
            };
        same("max", &|x| pool(x, Pool::Max), &max);
        same("average", &|x| pool(x, Pool::Average), &average);
        same("gram", &our_gram, &composed_gram);
    }
}
