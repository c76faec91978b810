//! Gram matrices of the built-in descriptor, at several octaves of the picture.
//!
//! A network of few layers sees a few pixels at a time. Run over the picture, its half and its quarter, it sees the
//! arrangement of large things with the same weights.
//!
//! What a network cannot see becomes stripes, weave or fur. So each step looks at the picture mirrored or turned
//! otherwise, and several networks take turns: what all of them agree upon is left, at the price of one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::adversarial::{self, Discriminators};
use super::gram::GramTargets;
use super::{GramConfig, GramDistance, HELD_OUT, Loss, LossError, Term};
use crate::descriptor::{Descriptor, DescriptorError, Embedded, Layer, Padding};
use crate::draw::{Draw, Stream};
use crate::ops::{self, Pool};

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
    /// The finest that is compared: 0 is the picture, 1 its half.
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

    fn networks(&self, padding: Padding, device: &Device) -> Result<Vec<Embedded>, DescriptorError> {
        match self.weights.is_empty() {
            true => Ok(vec![Embedded::new(padding, device)?]),
            false => self.weights.iter().map(|path| Embedded::load(path, padding, device)).collect(),
        }
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

/// A torus that is moved at random by less than this, a position of the coarsest layer of the coarsest octave but one.
const MOVED: usize = 32;

/// Pictures that are tori, moved at random: features lie on a lattice, and a picture should not.
fn moved(pictures: Tensor<4>, step: u64) -> Tensor<4> {
    let mut draw = Draw::new(0, Stream::Crop, step);
    [2, 3].into_iter().fold(pictures, |pictures, axis| {
        let size = pictures.dims()[axis];
        let by = draw.below(MOVED.min(size));
        if by == 0 {
            return pictures;
        }
        let part = |start, length| pictures.clone().narrow(axis, start, length);
        Tensor::cat(vec![part(by, size - by), part(0, by)], axis)
    })
}

/// The layers whose places discriminators see: what is finer, patches say.
const JUDGED: [Layer; 3] = [Layer::Relu2_2, Layer::Relu3_4, Layer::Relu4_1];

/// The loss of pictures that are tori.
#[derive(Debug)]
pub struct Octaves {
    finest: usize,
    discriminators: Arc<Discriminators>,
    adversarial: f32,
    /// Every network in every symmetry, in the order of the steps that use them: all symmetries of one, then of the next.
    views: Vec<View>,
}

/// What one network compares in one symmetry.
#[derive(Debug)]
struct View {
    symmetry: usize,
    /// From the finest octave on.
    levels: Vec<Level>,
}

/// What one network compares in one symmetry and octave.
#[derive(Debug)]
struct Level {
    octave: usize,
    /// On a torus.
    network: Embedded,
    layers: Vec<Layer>,
    grams: GramTargets,
    /// The exemplar's features at the layers whose places are judged, `[channels, places]`.
    judged: Vec<(Layer, Tensor<2>)>,
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
        // Nothing is known of what lies beyond the exemplar.
        let [inner, torus] =
            [Padding::None, Padding::Circular].map(|padding| config.networks(padding, device));
        let networks: Vec<_> = inner?.into_iter().zip(torus?).collect();
        let exemplars: Vec<_> = (0..SYMMETRIES).map(|symmetry| turned(exemplar.clone(), symmetry)).collect();
        let views = networks.iter().flat_map(|network| {
            let turned = exemplars.iter().enumerate();
            turned.map(move |(symmetry, exemplar)| View::new(config, network, symmetry, exemplar, size))
        });
        let views = views.collect::<Result<Vec<View>, _>>()?;
        let judged = views[0].levels.iter().map(|level| level.judged.len()).sum::<usize>();
        let adversarial = config.adversarial() / judged.max(1) as f32;
        Ok(Self { finest: config.finest, discriminators, adversarial, views })
    }
}

impl View {
    /// Of an exemplar that is turned already, by a network without padding and the same on a torus.
    fn new(
        config: &OctavesConfig,
        (inner, torus): &(Embedded, Embedded),
        symmetry: usize,
        exemplar: &Tensor<4>,
        size: [usize; 2],
    ) -> Result<Self, DescriptorError> {
        let mut exemplar = exemplar.clone();
        let mut compared = Vec::new();
        for octave in 0..config.octaves {
            if octave > 0 {
                exemplar = ops::pool(exemplar, Pool::Average);
            }
            if octave < config.finest {
                continue;
            }
            let [.., height, width] = exemplar.dims();
            let fits = |layer| {
                inner.check([height, width], &[layer])?;
                torus.check(size.map(|side| side >> octave), &[layer])
            };
            let layers: Vec<_> = Embedded::TEXTURE.into_iter().filter(|&l| fits(l).is_ok()).collect();
            if octave == config.finest && layers.is_empty() {
                fits(Embedded::TEXTURE[0])?;
            }
            let features = inner.features(&exemplar, &layers)?;
            compared.push((octave, layers, features));
        }
        let count: usize = compared.iter().map(|(_, layers, _)| layers.len()).sum();
        let weight = config.weight() / count as f32;
        let level = |(octave, layers, features): (usize, Vec<Layer>, Vec<Tensor<4>>)| {
            let grams = grams(&layers, weight, &features);
            let size = size.map(|side| side >> octave);
            let judges = config.adversarial() > 0.0;
            let judged = if judges { judged(&layers, &features, size) } else { Vec::new() };
            Level { octave, network: torus.clone(), layers, grams, judged }
        };
        let compared = compared.into_iter().filter(|(_, layers, _)| !layers.is_empty());
        Ok(Self { symmetry, levels: compared.map(level).collect() })
    }
}

/// The Gram matrices of the exemplar's features at some layers, each of this weight.
fn grams(layers: &[Layer], weight: f32, features: &[Tensor<4>]) -> GramTargets {
    let layers = layers.iter().map(|&layer| (layer, weight)).collect();
    let config = GramConfig { layers, distance: GramDistance::RelativeRoot, ..GramConfig::default() };
    GramTargets::new(config, features)
}

/// The exemplar's features that discriminators see, for pictures of a size: as many places as those have.
fn judged(layers: &[Layer], features: &[Tensor<4>], size: [usize; 2]) -> Vec<(Layer, Tensor<2>)> {
    let seen = layers.iter().zip(features).filter(|(layer, _)| JUDGED.contains(layer));
    let judged = seen.filter_map(|(&layer, features)| {
        let places = size.map(|side| side >> (layer.block() - 1)).iter().product();
        Some((layer, adversarial::places(features, places)?))
    });
    judged.collect()
}

impl Level {
    /// The terms of pictures of its octave, without the discriminators if there are none.
    fn terms(&self, pictures: &Tensor<4>, discriminators: Option<(&Discriminators, f32)>) -> Vec<Term> {
        let features = self.network.features(pictures, &self.layers);
        let features = features.unwrap_or_else(|error| panic!("pictures that were not checked: {error}"));
        let features: BTreeMap<_, _> = self.layers.iter().copied().zip(features).collect();
        let mut terms = self.grams.terms(&features);
        let Some((discriminators, weight)) = discriminators else { return terms };
        for (layer, exemplar) in &self.judged {
            let place = (self.octave, *layer);
            let term = discriminators.term(place, exemplar, &features[layer]);
            terms.push(Term::new(format!("adversarial {layer}"), term.mul_scalar(weight)));
        }
        terms
    }
}

impl Octaves {
    /// One term: the weighted means, of pictures as they lie.
    fn compared(&self, pictures: Tensor<4>, step: u64) -> Vec<Term> {
        let View { symmetry, levels } = &self.views[(step % self.views.len() as u64) as usize];
        let halved = |pictures, _| ops::pool(pictures, Pool::Average);
        let mut pictures = (0..self.finest).fold(turned(pictures, *symmetry), halved);
        let discriminators = (step < HELD_OUT).then_some((&*self.discriminators, self.adversarial));
        let mut terms = Vec::new();
        for (i, level) in levels.iter().enumerate() {
            if i > 0 {
                pictures = ops::pool(pictures, Pool::Average);
            }
            terms.extend(level.terms(&pictures, discriminators));
        }
        super::total(&terms).map(|sum| Term::new("features", sum)).into_iter().collect()
    }
}

impl Loss for Octaves {
    /// One term: the weighted means.
    fn terms(&self, pictures: &Tensor<4>, step: u64) -> Vec<Term> {
        self.compared(moved(pictures.clone(), step), step)
    }

    fn check(&self, size: [usize; 2]) -> Result<(), LossError> {
        let mut levels = self.views[0].levels.iter();
        levels.try_for_each(|level| {
            Ok(level.network.check(size.map(|side| side >> level.octave), &level.layers)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::TensorData;

    use super::*;

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

    #[test]
    fn the_second_octave_alone_is_the_first_of_half_the_picture() {
        let half = |values| ops::pool(tensor(values), Pool::Average);
        let of = |octaves, finest, exemplar: &Tensor<4>| {
            let config = OctavesConfig { weight: Some(1.0), octaves, finest, ..OctavesConfig::default() };
            let [.., height, width] = exemplar.dims();
            new(&config, exemplar, [height, width])
        };
        let second = value(&of(2, 1, &tensor(blots(0.0))), &tensor(blots(1.0)), 0);
        let terms = of(1, 0, &half(blots(0.0))).compared(half(blots(1.0)), 0);
        assert_eq!(second, terms[0].value.clone().into_scalar::<f32>());
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
            let by = (0..MOVED * MOVED).find(|by| {
                (0..SIDE * SIDE).all(|i| {
                    let (y, x) = (i / SIDE + by / MOVED, i % SIDE + by % MOVED);
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
        assert_eq!(new(6, SIDE).expect("large enough").views[0].levels.len(), 5);
    }
}
