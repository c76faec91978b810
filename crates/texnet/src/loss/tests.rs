//! Gradients against central differences, and properties, in double precision on a small random descriptor.

use burn::tensor::activation::relu;
use burn::tensor::module::{avg_pool2d, conv2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions};
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::descriptor::{Descriptor, Layer};

const LAYERS: [Layer; 2] = [Layer::Relu1_1, Layer::Relu2_1];
/// Half the step of central differences.
const STEP: f64 = 1e-5;

/// Numbers in `[0, 1)` that look random.
fn values(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..count).map(|_| next()).collect()
}

fn tensor(values: Vec<f64>, shape: [usize; 4]) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

fn pictures(shape: [usize; 4], seed: u64) -> Tensor<4> {
    tensor(values(shape.iter().product(), seed), shape)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_to_vec().expect("numbers")
}

/// `relu1_1` of four channels and, at half the size, `relu2_1` of five.
struct Small;

impl Small {
    fn conv(x: Tensor<4>, outputs: usize) -> Tensor<4> {
        let shape = [outputs, x.dims()[1], 3, 3];
        let weights = values(shape.iter().product(), 77).into_iter().map(|v| v - 0.5).collect();
        relu(conv2d(x, tensor(weights, shape), None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1)))
    }
}

impl Descriptor for Small {
    fn name(&self) -> String {
        "small".into()
    }

    fn check(&self, [height, width]: [usize; 2], layers: &[Layer]) -> Result<(), DescriptorError> {
        let Some(&layer) = layers.iter().max() else { return Ok(()) };
        if height.min(width) < 4 {
            return Err(DescriptorError::TooSmall { height, width, layer, least: 4 });
        }
        Ok(())
    }

    fn features(&self, pictures: &Tensor<4>, layers: &[Layer]) -> Result<Vec<Tensor<4>>, DescriptorError> {
        let [.., height, width] = pictures.dims();
        self.check([height, width], layers)?;
        let first = Self::conv(pictures.clone(), 4);
        let second = Self::conv(avg_pool2d(first.clone(), AvgPoolOptions::new([2, 2])), 5);
        let of = |layer| if layer == LAYERS[0] { first.clone() } else { second.clone() };
        Ok(layers.iter().map(|&layer| of(layer)).collect())
    }
}

/// Pictures are their own features, at any layer.
struct Identity;

impl Descriptor for Identity {
    fn name(&self) -> String {
        "identity".into()
    }

    fn check(&self, _size: [usize; 2], _layers: &[Layer]) -> Result<(), DescriptorError> {
        Ok(())
    }

    fn features(&self, pictures: &Tensor<4>, layers: &[Layer]) -> Result<Vec<Tensor<4>>, DescriptorError> {
        Ok(vec![pictures.clone(); layers.len()])
    }
}

fn config(layers: &[(Layer, f32)], distance: GramDistance, normalize_gradients: bool) -> GramConfig {
    GramConfig { layers: layers.into(), divide_by_channels: true, distance, normalize_gradients }
}

fn texture(descriptor: impl Descriptor + 'static, config: GramConfig) -> Perceptual {
    let exemplar = pictures([1, 3, 9, 10], 5);
    Perceptual::new(descriptor).with_texture(&exemplar, config).expect("large enough")
}

fn value(loss: &dyn Loss, pictures: &Tensor<4>) -> f64 {
    numbers(total(&loss.terms(pictures, 0)).expect("a term"))[0]
}

fn gradient(loss: &dyn Loss, pictures: &Tensor<4>) -> Vec<f64> {
    let pictures = pictures.clone().autodiff().require_grad();
    let gradients = total(&loss.terms(&pictures, 0)).expect("a term").backward();
    numbers(pictures.grad(&gradients).expect("a gradient"))
}

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |max, v| if v.abs() > max || v.is_nan() { v.abs() } else { max })
}

/// Holds the gradient equal to central differences at forty coordinates.
fn assert_gradient(loss: &dyn Loss, pictures: &Tensor<4>) {
    let gradient = gradient(loss, pictures);
    let scale = largest(gradient.iter().copied());
    assert!(scale > 0.0, "no gradient");
    for choice in values(40, 3) {
        let at = (choice * gradient.len() as f64) as usize;
        let moved = |step: f64| {
            let mut values = numbers(pictures.clone());
            values[at] += step;
            value(loss, &tensor(values, pictures.dims()))
        };
        let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let error = (gradient[at] - difference).abs() / scale;
        assert!(error < 1e-6, "at {at}: {} against {difference}", gradient[at]);
    }
}

#[test]
fn gradients_of_gram_distances_are_central_differences() {
    let weights = [(LAYERS[0], 2.0), (LAYERS[1], 0.5)];
    let distances = [
        GramDistance::Squared,
        GramDistance::MeanSquared,
        GramDistance::RelativeRoot,
        GramDistance::Relative,
    ];
    for distance in distances {
        let loss = texture(Small, config(&weights, distance, false));
        assert_gradient(&loss, &pictures([2, 3, 8, 6], 1));
    }
}

#[test]
fn gradients_of_content_smoothness_and_diversity_are_central_differences() {
    let config = ContentConfig { layer: LAYERS[1], weight: 3.0 };
    let fixed = Perceptual::new(Small).with_photograph(&pictures([1, 3, 8, 6], 8), config);
    assert_gradient(&fixed.expect("large enough"), &pictures([2, 3, 8, 6], 1));
    let drawn = Perceptual::new(Small).with_photographs(|step| pictures([2, 3, 8, 6], step + 9), config);
    assert_gradient(&drawn, &pictures([2, 3, 8, 6], 1));
    assert_gradient(&TotalVariation { weight: 2.0 }, &pictures([2, 3, 8, 6], 1));
    assert_gradient(&Diversity { weight: 2.0 }, &pictures([4, 3, 3, 3], 1));
}

#[test]
fn gram_matrices_are_symmetric_means_of_products() {
    let features = pictures([2, 4, 3, 5], 1);
    let grams = gram(&features);
    assert_eq!(grams.dims(), [2, 4, 4]);
    assert_eq!(numbers(grams.clone()), numbers(grams.clone().transpose()));
    let rows = numbers(features);
    let row = |n: usize, c: usize| &rows[(n * 4 + c) * 15..][..15];
    let product: f64 = row(1, 2).iter().zip(row(1, 3)).map(|(a, b)| a * b).sum();
    let entry = numbers(grams)[16 + 4 * 2 + 3];
    assert!((entry - product / 15.0).abs() < 1e-12);
}

#[test]
fn gram_matrices_ignore_where_and_how_often_a_pattern_is() {
    let features = pictures([1, 4, 3, 5], 1);
    let tiled = Tensor::cat(vec![features.clone(), features.clone().flip([2])], 3);
    let differences = numbers(gram(&tiled) - gram(&features));
    assert!(largest(differences) < 1e-12);
}

#[test]
fn a_picture_has_its_own_texture_and_content() {
    let exemplar = pictures([1, 3, 9, 10], 5);
    let weights = [(LAYERS[0], 1.0), (LAYERS[1], 1.0)];
    for (distance, floor) in [
        (GramDistance::Squared, 0.0),
        (GramDistance::MeanSquared, 0.0),
        (GramDistance::RelativeRoot, 2e-3),
        (GramDistance::Relative, 0.0),
    ] {
        let loss = texture(Small, config(&weights, distance, false));
        assert!((value(&loss, &exemplar) - floor).abs() < 1e-12);
        assert!(value(&loss, &pictures([1, 3, 9, 10], 6)) > floor);
    }
    let content = Perceptual::new(Small).with_photograph(&exemplar, ContentConfig::default());
    assert_eq!(value(&content.expect("large enough"), &exemplar), 0.0);
}

#[test]
fn distances_are_related_by_the_number_of_entries() {
    let pictures = pictures([2, 3, 8, 6], 1);
    let of = |distance| value(&texture(Small, config(&[(LAYERS[0], 1.0)], distance, false)), &pictures);
    let ratio = of(GramDistance::Squared) / of(GramDistance::MeanSquared);
    assert!((ratio - 16.0).abs() < 1e-9, "{ratio}");
}

#[test]
fn a_relative_error_does_not_know_the_magnitude_of_features() {
    let exemplar = pictures([1, 3, 9, 10], 5);
    let other = pictures([1, 3, 9, 10], 6);
    let of = |distance: GramDistance, scale: f64| {
        let config = config(&[(LAYERS[0], 1.0)], distance, false);
        let exemplar = exemplar.clone().mul_scalar(scale);
        let loss = Perceptual::new(Identity).with_texture(&exemplar, config).expect("any size");
        value(&loss, &other.clone().mul_scalar(scale))
    };
    for distance in [GramDistance::RelativeRoot, GramDistance::Relative] {
        assert!((of(distance, 1.0) - of(distance, 100.0)).abs() < 1e-9);
    }
    let root = of(GramDistance::RelativeRoot, 1.0);
    assert!((root.powi(2) - 1e-6 - of(GramDistance::Relative, 1.0)).abs() < 1e-12);
}

#[test]
fn a_silent_layer_gives_numbers() {
    let silent = Tensor::zeros([1, 3, 4, 4], (&Device::flex(), DType::F64));
    for (distance, normalize) in [
        (GramDistance::RelativeRoot, false),
        (GramDistance::RelativeRoot, true),
        (GramDistance::Relative, false),
        (GramDistance::Squared, true),
    ] {
        let config = config(&[(LAYERS[0], 1.0)], distance, normalize);
        let loss = Perceptual::new(Identity).with_texture(&silent, config).expect("any size");
        assert!(value(&loss, &silent).is_finite());
        assert!(gradient(&loss, &silent).iter().all(|g| g.is_finite()));
    }
}

#[test]
fn a_normalised_gradient_has_the_weight_as_its_norm_and_the_value_stays() {
    let pictures = pictures([2, 3, 8, 6], 1);
    let of = |normalize| texture(Identity, config(&[(LAYERS[0], 3.0)], GramDistance::MeanSquared, normalize));
    let [plain, normalised] = [gradient(&of(false), &pictures), gradient(&of(true), &pictures)];
    let norm = |gradient: &[f64]| gradient.iter().map(|g| g.abs()).sum::<f64>();
    assert!((norm(&normalised) - 3.0).abs() < 1e-4, "{}", norm(&normalised));
    let ratio = norm(&normalised) / norm(&plain);
    assert!(largest(plain.iter().zip(&normalised).map(|(p, n)| p * ratio - n)) < 1e-12);
    let tracked = pictures.clone().autodiff().require_grad();
    assert!((value(&of(true), &tracked) - value(&of(false), &pictures)).abs() < 1e-12);
    assert_eq!(value(&of(true), &pictures), value(&of(false), &pictures));
}

#[test]
fn normalised_gradients_of_layers_add_up() {
    let pictures = pictures([2, 3, 8, 6], 1);
    let of = |layers: &[(Layer, f32)]| {
        gradient(&texture(Small, config(layers, GramDistance::MeanSquared, true)), &pictures)
    };
    let both = of(&[(LAYERS[0], 2.0), (LAYERS[1], 0.5)]);
    let [first, second] = [of(&[(LAYERS[0], 2.0)]), of(&[(LAYERS[1], 0.5)])];
    let differences = both.iter().zip(first.iter().zip(&second)).map(|(b, (f, s))| b - f - s);
    assert!(largest(differences) < 1e-12);
}

#[test]
fn one_run_of_the_descriptor_serves_texture_and_content() {
    let exemplar = pictures([1, 3, 9, 10], 5);
    let weights = [(LAYERS[0], 1.0), (LAYERS[1], 1.0)];
    let content = ContentConfig { layer: LAYERS[1], weight: 3.0 };
    let texture_alone = texture(Small, config(&weights, GramDistance::Squared, false));
    let content_alone = Perceptual::new(Small).with_photograph(&exemplar, content).expect("large enough");
    let both = texture(Small, config(&weights, GramDistance::Squared, false));
    let both = both.with_photograph(&exemplar, content).expect("large enough");
    let pictures = pictures([2, 3, 9, 10], 1);
    let names: Vec<_> = both.terms(&pictures, 0).into_iter().map(|term| term.name).collect();
    assert_eq!(names, ["gram relu1_1", "gram relu2_1", "content relu2_1"]);
    let sum = value(&texture_alone, &pictures) + value(&content_alone, &pictures);
    assert!((value(&both, &pictures) - sum).abs() < 1e-12);
}

#[test]
fn sizes_are_checked_before_the_first_step() {
    let photograph = pictures([1, 3, 8, 6], 8);
    let loss = texture(Small, config(&[(LAYERS[0], 1.0)], GramDistance::Squared, false));
    let loss = loss.with_photograph(&photograph, ContentConfig::default()).expect("large enough");
    let objective = Objective::default().with(TotalVariation { weight: 1.0 }).with(loss);
    assert_eq!(objective.check([8, 6]), Ok(()));
    let sentence = |size| objective.check(size).map_err(|e| e.to_string()).expect_err("refused");
    assert_eq!(sentence([9, 6]), "the photograph is 6x8, but pictures are 6x9: give it their size");
    assert!(sentence([3, 6]).contains("at least 4x4"));
    let several =
        Perceptual::new(Small).with_photograph(&pictures([2, 3, 8, 6], 8), ContentConfig::default());
    assert_eq!(several.err(), Some(LossError::Photographs(2)));
}

#[test]
fn smoothness_is_zero_on_flat_pictures_and_counts_steps() {
    let loss = TotalVariation { weight: 1.0 };
    assert_eq!(value(&loss, &tensor(vec![0.5; 3 * 4 * 5], [1, 3, 4, 5])), 0.0);
    let ramp = (0..3 * 4 * 5).map(|i| (i % 5) as f64).collect();
    assert!((value(&loss, &tensor(ramp, [1, 3, 4, 5])) - 1.0).abs() < 1e-12);
    assert_eq!(value(&loss, &pictures([1, 3, 1, 1], 1)), 0.0);
}

#[test]
fn diversity_rewards_distance_to_the_nearest_neighbour() {
    let loss = Diversity { weight: 1.0 };
    assert!(loss.terms(&pictures([1, 3, 4, 4], 1), 0).is_empty());
    let of = |levels: &[f64]| {
        let flat = levels.iter().flat_map(|&level| vec![level; 12]).collect();
        value(&loss, &tensor(flat, [levels.len(), 3, 2, 2]))
    };
    assert!(of(&[0.0, 0.5]) < of(&[0.0, 0.1]));
    // The third's nearest neighbour is the second, whose own is the first: distances 0.1, 0.1 and 0.4.
    let expected = -[0.1_f64, 0.1, 0.4].map(|d| 0.5 * (d * d + 1e-6).ln()).iter().sum::<f64>() / 3.0;
    assert!((of(&[0.0, 0.1, 0.5]) - expected).abs() < 1e-9);
    assert!(of(&[0.3, 0.3, 0.3]).is_finite());
}
