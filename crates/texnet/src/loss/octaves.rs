//! Gram matrices of the built-in descriptor, at several octaves of the picture.
//!
//! A network of few layers sees a few pixels at a time. Run over the picture, its half and its quarter, it sees the
//! arrangement of large things with the same weights. Of octaves that would take too long as a whole, a window is seen.
//!
//! What a network cannot see becomes stripes, weave or fur. So each step looks at the picture mirrored or turned
//! otherwise, and several networks take turns: what all of them agree upon is left, at the price of one.

mod view;

use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::adversarial::Discriminators;
use super::{HELD_OUT, Loss, LossError, Term};
use crate::descriptor::{DescriptorError, Embedded, Padding};
use crate::draw::{Draw, Stream};
use view::{Networks, View};

/// What is compared in features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OctavesConfig {
    /// Weight of the mean over all octaves and layers; nothing is compared when 0, or when it is absent and nobody chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f32>,
    /// Weight of the mean over all discriminators, which learn beside a network to tell its pictures from the exemplar; as
    /// above when 0 or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adversarial: Option<f32>,
    /// Octaves: the picture, its half, and so on.
    pub octaves: usize,
    /// The finest that is compared as a whole: 0 is the picture, 1 its half. Of finer ones a window as large as that is
    /// compared, in layers that see little.
    pub finest: usize,
    /// Files of other weights, as `texnet-descriptor` writes them, which take turns; the one built in when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<PathBuf>,
}

impl Default for OctavesConfig {
    fn default() -> Self {
        Self { weight: None, adversarial: None, octaves: 3, finest: 0, weights: Vec::new() }
    }
}

impl OctavesConfig {
    /// The weight.
    #[must_use]
    pub fn weight(&self) -> f32 {
        self.weight.unwrap_or(0.0)
    }

    /// The weight of discriminators.
    #[must_use]
    pub fn adversarial(&self) -> f32 {
        self.adversarial.unwrap_or(0.0)
    }

    fn networks(&self, device: &Device) -> Result<Vec<Networks>, DescriptorError> {
        let both = |load: &dyn Fn(Padding) -> Result<Embedded, DescriptorError>| {
            // Nothing is known of what lies beyond the exemplar.
            Ok(Networks { inner: load(Padding::None)?, torus: load(Padding::Circular)? })
        };
        if self.weights.is_empty() {
            return Ok(vec![both(&|padding| Embedded::new(padding, device))?]);
        }
        let load = |path: &PathBuf| both(&|padding| Embedded::load(path, padding, device));
        self.weights.iter().map(load).collect()
    }
}

/// Symmetries of a square.
const SYMMETRIES: usize = 8;

/// Pictures in one of the [`SYMMETRIES`]: mirrored by the lowest bits, and transposed by the third.
fn turned(pictures: Tensor<4>, symmetry: usize) -> Tensor<4> {
    let pictures = if symmetry & 1 > 0 { pictures.flip([3]) } else { pictures };
    let pictures = if symmetry & 2 > 0 { pictures.flip([2]) } else { pictures };
    if symmetry & 4 > 0 { pictures.swap_dims(2, 3) } else { pictures }
}

/// Pictures that are tori, moved at random: features lie on a lattice, and windows in a corner; a picture should not.
fn moved(pictures: Tensor<4>, step: u64) -> Tensor<4> {
    let mut draw = Draw::new(0, Stream::Crop, step);
    [2, 3].into_iter().fold(pictures, |pictures, axis| {
        let size = pictures.dims()[axis];
        let by = draw.below(size);
        if by == 0 {
            return pictures;
        }
        let part = |start, length| pictures.clone().narrow(axis, start, length);
        Tensor::cat(vec![part(by, size - by), part(0, by)], axis)
    })
}

/// The loss of pictures that are tori.
#[derive(Debug)]
pub struct Octaves {
    discriminators: Arc<Discriminators>,
    /// Of each layer, and of each discriminator.
    weights: [f32; 2],
    /// Every network in every symmetry, in the order of the steps that use them: all symmetries of one, then of the next.
    views: Vec<View>,
}

impl Octaves {
    /// Against an exemplar of shape `[n, 3, h, w]`, for pictures of `size`. Layers that an octave is too small for are left
    /// out. The discriminators go on from what they learned, and learn in every step that is not
    /// held out for scores: such a step is not repeated by its number alone.
    ///
    /// # Errors
    /// The weights cannot be read, or the exemplar or the pictures are too small for any layer.
    pub fn new(
        config: &OctavesConfig,
        exemplar: &Tensor<4>,
        size: [usize; 2],
        discriminators: Arc<Discriminators>,
        device: &Device,
    ) -> Result<Self, DescriptorError> {
        let exemplar = exemplar.clone().without_autodiff();
        let networks = config.networks(device)?;
        let all =
            networks.iter().flat_map(|network| (0..SYMMETRIES).map(move |symmetry| (network, symmetry)));
        let view = |(network, symmetry)| {
            View::new(config, network, symmetry, turned(exemplar.clone(), symmetry), size)
        };
        let views = all.map(view).collect::<Result<Vec<View>, _>>()?;
        let [compared, judged] = views[0].counts().map(|count| count.max(1) as f32);
        let weights = [config.weight() / compared, config.adversarial() / judged];
        Ok(Self { discriminators, weights, views })
    }

    /// One term: the weighted means, of pictures as they lie.
    fn compared(&self, pictures: Tensor<4>, step: u64) -> Vec<Term> {
        let view = &self.views[(step % self.views.len() as u64) as usize];
        let discriminators = (step < HELD_OUT).then_some(&*self.discriminators);
        let terms = view.terms(turned(pictures, view.symmetry), discriminators);
        let weighted = terms
            .iter()
            .zip(self.weights)
            .filter_map(|(terms, weight)| Some(super::total(terms)?.mul_scalar(weight)));
        let sum = weighted.reduce(|a, b| a + b);
        sum.map(|sum| Term::new("features", sum)).into_iter().collect()
    }
}

impl Loss for Octaves {
    /// One term: the weighted means.
    fn terms(&self, pictures: &Tensor<4>, step: u64) -> Vec<Term> {
        self.compared(moved(pictures.clone(), step), step)
    }

    fn check(&self, size: [usize; 2]) -> Result<(), LossError> {
        Ok(self.views[0].check(size)?)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::TensorData;

    use super::*;
    use crate::descriptor::Layer;
    use crate::ops::{self, Pool};

    const SIDE: usize = 64;

    /// Blots of a few colours, as rows of `[1, 3, SIDE, SIDE]`.
    fn blots(phase: f32) -> Vec<f32> {
        let value = |i: usize| {
            let (c, y, x) = (i / (SIDE * SIDE), (i / SIDE % SIDE) as f32, (i % SIDE) as f32);
            let turn = std::f32::consts::TAU / SIDE as f32;
            let wave = (3.0 * turn * x + phase).sin() * (5.0 * turn * y).cos() + (7.0 * turn * (x + y)).sin();
            0.5 + 0.2 * wave * (1.0 - 0.3 * c as f32)
        };
        (0..3 * SIDE * SIDE).map(value).collect()
    }

    fn tensor(values: Vec<f32>) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values, [1, 3, SIDE, SIDE]), &Device::flex())
    }

    fn loss() -> Octaves {
        loss_against(&tensor(blots(0.0)))
    }

    fn loss_against(exemplar: &Tensor<4>) -> Octaves {
        by(Vec::new(), exemplar)
    }

    fn by(weights: Vec<PathBuf>, exemplar: &Tensor<4>) -> Octaves {
        let config = OctavesConfig { weight: Some(1.0), weights, ..OctavesConfig::default() };
        new(&config, exemplar, [SIDE; 2])
    }

    fn new(config: &OctavesConfig, exemplar: &Tensor<4>, size: [usize; 2]) -> Octaves {
        Octaves::new(config, exemplar, size, Arc::default(), &Device::flex()).expect("large enough")
    }

    /// The files of two networks: the one that is built in, and one with the signs of the first convolution changed.
    fn two_networks(folder: &Path) -> Vec<PathBuf> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/descriptor.safetensors");
        let mut bytes = std::fs::read(&own).expect("the file that is built in");
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        // 24 biases and 24 x 3 x 3 x 3 weights of 16 bits come first; the second byte of each holds the sign.
        bytes[header..][..1344].iter_mut().skip(1).step_by(2).for_each(|byte| *byte ^= 0x80);
        let other = folder.join("other.safetensors");
        std::fs::write(&other, bytes).expect("a writable folder");
        vec![own, other]
    }

    fn value(loss: &Octaves, picture: &Tensor<4>, step: u64) -> f32 {
        loss.compared(picture.clone(), step).remove(0).value.into_scalar::<f32>()
    }

    #[test]
    fn a_picture_of_the_texture_is_near_and_another_far() {
        let loss = loss();
        let [same, grey] =
            [blots(2.0), vec![0.5; 3 * SIDE * SIDE]].map(|values| value(&loss, &tensor(values), 0));
        assert!(same < 0.3 * grey, "{same} {grey}");
    }

    /// Blots, but for the half of the picture.
    fn halved(values: Vec<f32>) -> Tensor<4> {
        ops::pool(tensor(values), Pool::Average)
    }

    #[test]
    fn the_second_octave_alone_is_the_first_of_half_the_picture_but_for_a_window() {
        let of = |octaves, finest, exemplar: &Tensor<4>| {
            let config = OctavesConfig { weight: Some(1.0), octaves, finest, ..OctavesConfig::default() };
            let [.., height, width] = exemplar.dims();
            new(&config, exemplar, [height, width])
        };
        let mut second = of(2, 1, &tensor(blots(0.0)));
        let first = of(1, 0, &halved(blots(0.0)));
        second.views.iter_mut().for_each(View::forget_windows);
        second.weights = first.weights;
        let [found, wanted] = [(second, tensor(blots(1.0))), (first, halved(blots(1.0)))]
            .map(|(loss, picture)| value(&loss, &picture, 0));
        assert_eq!(found, wanted);
    }

    #[test]
    fn of_the_picture_itself_a_window_is_compared_and_judged() {
        let adversarial = Some(0.5);
        let config =
            OctavesConfig { weight: Some(1.0), adversarial, octaves: 2, finest: 1, ..Default::default() };
        let loss = new(&config, &tensor(blots(0.0)), [SIDE; 2]);
        let with = |inside: bool| {
            let changed = |(i, value): (usize, f32)| {
                let in_window = i / SIDE % SIDE < SIDE / 2 && i % SIDE < SIDE / 2;
                // A checkerboard, of which nothing is left in the half.
                let sign = if (i / SIDE + i).is_multiple_of(2) { 1.0 } else { -1.0 };
                if in_window == inside { value + 0.1 * sign } else { value }
            };
            let values = blots(0.0).into_iter().enumerate().map(changed).collect();
            value(&loss, &tensor(values), HELD_OUT)
        };
        let plain = value(&loss, &tensor(blots(0.0)), HELD_OUT);
        let [inside, outside] = [true, false].map(with);
        assert!((outside - plain).abs() < 1e-4 && inside > plain + 0.1, "{plain} {inside} {outside}");
        value(&loss, &tensor(blots(1.0)), 0);
        let judged = loss.discriminators.state();
        let places: Vec<_> = judged.keys().copied().collect();
        assert_eq!(places, [(0, Layer::Relu1_2), (0, Layer::Relu2_2), (1, Layer::Relu2_2)]);
    }

    #[test]
    fn a_torus_that_is_moved_is_the_same_texture() {
        let (loss, picture) = (loss(), blots(1.0));
        // By a position of the coarsest layer of the coarsest octave.
        let moved: Vec<f32> =
            (0..picture.len()).map(|i| picture[i / SIDE * SIDE + (i + 32) % SIDE]).collect();
        let [still, moved] = [picture, moved].map(|values| value(&loss, &tensor(values), 0));
        assert!((still - moved).abs() < 1e-4 * still, "{still} {moved}");
    }

    #[test]
    fn steps_take_turns_in_networks_and_symmetries() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let networks = two_networks(folder.path());
        let (loss, picture) = (by(networks.clone(), &tensor(blots(0.0))), tensor(blots(1.0)));
        assert_eq!(loss.views.len(), networks.len() * SYMMETRIES);
        let mut values: Vec<f32> = Vec::new();
        for symmetry in 0..SYMMETRIES {
            let upright = by(networks.clone(), &turned(tensor(blots(0.0)), symmetry));
            let picture_turned = turned(picture.clone(), symmetry);
            for network in (0..loss.views.len()).step_by(SYMMETRIES) {
                let step = network + symmetry;
                let found = value(&loss, &picture, (step + loss.views.len()) as u64);
                let same = value(&upright, &picture_turned, network as u64);
                assert!((found - same).abs() < 1e-5 * same, "{step}: {found} {same}");
                let differs = values.iter().all(|other| (found - other).abs() > 1e-5 * found);
                assert!(differs, "{step}: {found} {values:?}");
                values.push(found);
            }
        }
    }

    #[test]
    fn pictures_are_moved_around_the_torus_before_they_are_compared() {
        let (loss, picture) = (loss(), tensor(blots(1.0)));
        let at = |y: usize, x: usize| y % SIDE * SIDE + x % SIDE;
        let mut found = std::collections::BTreeSet::new();
        for step in 0..9 {
            let values = |picture: Tensor<4>| picture.into_data().iter::<f32>().collect::<Vec<f32>>();
            let (still, moved) = (values(picture.clone()), values(moved(picture.clone(), step)));
            let by = (0..SIDE * SIDE).find(|by| {
                (0..SIDE * SIDE).all(|i| {
                    let (y, x) = (i / SIDE + by / SIDE, i % SIDE + by % SIDE);
                    moved[i] == still[at(y, x)]
                })
            });
            found.insert(by.expect("a move"));
            let of_moved = value(&loss, &super::moved(picture.clone(), step), step);
            assert_eq!(loss.terms(&picture, step).remove(0).value.into_scalar::<f32>(), of_moved);
        }
        assert!(found.len() > 6, "{found:?}");
    }

    #[test]
    fn discriminators_learn_in_steps_that_are_not_held_out() {
        let config = OctavesConfig { weight: Some(1.0), adversarial: Some(0.5), ..OctavesConfig::default() };
        let (exemplar, picture) = (tensor(blots(0.0)), tensor(blots(1.0)));
        let loss = new(&config, &exemplar, [SIDE; 2]);
        let held_out = value(&loss, &picture, HELD_OUT);
        assert!(loss.discriminators.state().is_empty());
        assert_eq!(held_out, value(&loss_against(&exemplar), &picture, HELD_OUT));
        loss.discriminators.set_rate(0.004);
        let [first, second] = [0, 0].map(|step| {
            value(&loss, &picture, step);
            loss.discriminators.state()
        });
        let places: Vec<_> = first.keys().copied().collect();
        assert_eq!(places, [(0, Layer::Relu2_2), (1, Layer::Relu2_2)], "at others the exemplar is too small");
        assert!(first != second);
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let (loss, picture) = (loss(), blots(1.0));
        // Upright and transposed.
        for step in [0, SYMMETRIES / 2].map(|step| step as u64) {
            let tracked = tensor(picture.clone()).autodiff().require_grad();
            let gradients = loss.compared(tracked.clone(), step).remove(0).value.backward();
            let gradient: Vec<f32> =
                tracked.grad(&gradients).expect("a gradient").into_data().iter::<f32>().collect();
            // Along the gradient itself, where the slope is steep beside the rounding of the sums.
            let length = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
            let along = |by: f32| {
                let moved = picture.iter().zip(&gradient).map(|(v, g)| v + by / length * g).collect();
                value(&loss, &tensor(moved), step)
            };
            let slope = (along(0.005) - along(-0.005)) / 0.01;
            assert!((slope / length - 1.0).abs() < 0.03, "{step}: {slope} {length}");
        }
    }

    #[test]
    fn pictures_too_small_for_any_layer_are_refused_and_octaves_without_layers_left_out() {
        let exemplar = tensor(blots(0.0));
        let new = |octaves, side| {
            let config = OctavesConfig { weight: Some(1.0), octaves, ..OctavesConfig::default() };
            Octaves::new(&config, &exemplar, [side; 2], Arc::default(), &Device::flex())
        };
        assert!(new(1, 1).is_err());
        assert_eq!(new(6, SIDE).expect("large enough").views[0].octaves(), [0, 1, 2, 3, 4]);
    }
}
