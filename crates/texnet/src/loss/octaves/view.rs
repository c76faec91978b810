//! What one network compares in one symmetry: the exemplar's features at every octave.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::super::adversarial::{self, Discriminators};
use super::super::gram::GramTargets;
use super::super::{GramConfig, GramDistance, Term};
use super::OctavesConfig;
use crate::descriptor::{Descriptor, DescriptorError, Embedded, Layer};
use crate::draw::{Draw, Stream};
use crate::ops::{self, Pool};

/// The layers at which a window of the finer octaves is compared: larger things, the others say.
const OF_WINDOWS: [Layer; 2] = [Layer::Relu1_2, Layer::Relu2_2];
/// The layers of whole octaves whose places discriminators see: what is finer, patches and windows say.
const JUDGED: [Layer; 3] = [Layer::Relu2_2, Layer::Relu3_4, Layer::Relu4_1];

/// Pixels of an exemplar's octave that are seen, at most.
const SEEN: usize = 1 << 20;
/// Side of the windows of larger ones that are.
const WINDOW: usize = 256;

/// What one network compares in one symmetry.
#[derive(Debug)]
pub(super) struct View {
    pub(super) symmetry: usize,
    /// From the picture on to the coarsest octave.
    levels: Vec<Level>,
}

/// What one network compares in one symmetry and octave.
#[derive(Debug)]
struct Level {
    octave: usize,
    part: Part,
    network: Embedded,
    layers: Vec<Layer>,
    grams: GramTargets,
    /// The exemplar's features at the layers whose places are judged, `[channels, places]`.
    judged: Vec<(Layer, Tensor<2>)>,
}

/// A network without padding, and the same on a torus.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) inner: Embedded,
    pub(super) torus: Embedded,
}

/// What of an octave is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    /// All of it, a torus.
    Whole,
    /// A square of this side.
    Window(usize),
}

impl Part {
    /// Of an octave of pictures of `size`: as much as all of the finest that is compared as a whole.
    fn of(octave: usize, config: &OctavesConfig, size: [usize; 2]) -> Self {
        match octave < config.finest {
            true => Self::Window(size[0].min(size[1]) >> config.finest),
            false => Self::Whole,
        }
    }

    /// The layers that are compared there, and those of them whose places are judged.
    fn layers(self) -> (&'static [Layer], &'static [Layer]) {
        match self {
            Self::Whole => (&Embedded::TEXTURE, &JUDGED),
            Self::Window(_) => (&OF_WINDOWS, &OF_WINDOWS),
        }
    }

    /// Its size in an octave of pictures of `size`.
    fn size(self, octave: usize, size: [usize; 2]) -> [usize; 2] {
        match self {
            Self::Whole => size.map(|side| side >> octave),
            Self::Window(side) => [side; 2],
        }
    }

    /// That part of pictures.
    fn cut(self, pictures: &Tensor<4>) -> Tensor<4> {
        match self {
            Self::Whole => pictures.clone(),
            Self::Window(side) => pictures.clone().narrow(2, 0, side).narrow(3, 0, side),
        }
    }
}

impl View {
    /// Of an exemplar `[n, 3, h, w]` that is turned already, for pictures of `size`.
    pub(super) fn new(
        config: &OctavesConfig,
        networks: &Networks,
        symmetry: usize,
        mut exemplar: Tensor<4>,
        size: [usize; 2],
    ) -> Result<Self, DescriptorError> {
        let mut levels = Vec::new();
        for octave in 0..config.octaves {
            if octave > 0 {
                exemplar = ops::pool(exemplar, Pool::Average);
            }
            levels.push(Level::new(octave, config, networks, &seen(&exemplar), size)?);
        }
        levels.retain(|level| !level.layers.is_empty());
        Ok(Self { symmetry, levels })
    }

    /// The octaves that are compared.
    #[cfg(test)]
    pub(super) fn octaves(&self) -> Vec<usize> {
        self.levels.iter().map(|level| level.octave).collect()
    }

    #[cfg(test)]
    pub(super) fn forget_windows(&mut self) {
        self.levels.retain(|level| level.part == Part::Whole);
    }

    /// How many layers are compared in all, and how many of them judged.
    pub(super) fn counts(&self) -> [usize; 2] {
        let counts = |of: fn(&Level) -> usize| self.levels.iter().map(of).sum();
        [counts(|level| level.layers.len()), counts(|level| level.judged.len())]
    }

    /// The terms of pictures that are turned so, each of weight 1, those of discriminators apart; none if there are none.
    pub(super) fn terms(
        &self,
        mut pictures: Tensor<4>,
        discriminators: Option<&Discriminators>,
    ) -> [Vec<Term>; 2] {
        let mut octave = 0;
        let [mut compared, mut judged] = [Vec::new(), Vec::new()];
        for level in &self.levels {
            while octave < level.octave {
                pictures = ops::pool(pictures, Pool::Average);
                octave += 1;
            }
            let features = level.features(&pictures);
            compared.extend(level.grams.terms(&features));
            judged.extend(discriminators.into_iter().flat_map(|all| level.judge(&features, all)));
        }
        [compared, judged]
    }

    pub(super) fn check(&self, size: [usize; 2]) -> Result<(), DescriptorError> {
        self.levels
            .iter()
            .try_for_each(|level| level.network.check(level.part.size(level.octave, size), &level.layers))
    }
}

impl Level {
    /// Of an exemplar that is halved already, for pictures of `size` before they are.
    fn new(
        octave: usize,
        config: &OctavesConfig,
        networks: &Networks,
        exemplar: &Tensor<4>,
        size: [usize; 2],
    ) -> Result<Self, DescriptorError> {
        let part = Part::of(octave, config, size);
        let network = if part == Part::Whole { &networks.torus } else { &networks.inner };
        let size = part.size(octave, size);
        let [.., height, width] = exemplar.dims();
        let fits = |layer| {
            networks.inner.check([height, width], &[layer])?;
            network.check(size, &[layer])
        };
        let (compared, judged) = part.layers();
        let layers: Vec<_> = compared.iter().copied().filter(|&layer| fits(layer).is_ok()).collect();
        if octave == config.finest && layers.is_empty() {
            fits(compared[0])?;
        }
        let features = networks.inner.features(exemplar, &layers)?;
        let judges = config.adversarial() > 0.0;
        let seen = layers.iter().zip(&features).filter(|(layer, _)| judges && judged.contains(layer));
        let judged = seen.filter_map(|(&layer, features)| {
            let places = size.map(|side| side >> (layer.block() - 1)).iter().product();
            Some((layer, adversarial::places(features, places)?))
        });
        let judged = judged.collect();
        Ok(Self { octave, part, network: network.clone(), grams: grams(&layers, &features), judged, layers })
    }

    /// The features of pictures of its octave.
    fn features(&self, pictures: &Tensor<4>) -> BTreeMap<Layer, Tensor<4>> {
        let features = self.network.features(&self.part.cut(pictures), &self.layers);
        let features = features.unwrap_or_else(|error| panic!("pictures that were not checked: {error}"));
        self.layers.iter().copied().zip(features).collect()
    }

    fn judge(&self, features: &BTreeMap<Layer, Tensor<4>>, discriminators: &Discriminators) -> Vec<Term> {
        let term = |(layer, exemplar): &(Layer, Tensor<2>)| {
            let value = discriminators.term((self.octave, *layer), exemplar, &features[layer]);
            Term::new(format!("adversarial {layer}"), value)
        };
        self.judged.iter().map(term).collect()
    }
}

/// An exemplar `[n, 3, h, w]`, or, of a large one, windows at random: features of photographs would take minutes and
/// gigabytes.
fn seen(exemplar: &Tensor<4>) -> Tensor<4> {
    let [n, _, height, width] = exemplar.dims();
    if n * height * width <= SEEN || height.min(width) < WINDOW {
        return exemplar.clone();
    }
    let mut draw = Draw::new(0, Stream::Selection, (height * width) as u64);
    let mut range = |size: usize, length: usize| {
        let start = draw.below(size - length + 1);
        start..start + length
    };
    let window = |_| exemplar.clone().slice([range(n, 1), 0..3, range(height, WINDOW), range(width, WINDOW)]);
    Tensor::cat((0..SEEN / (WINDOW * WINDOW)).map(window).collect(), 0)
}

/// The Gram matrices of the exemplar's features at some layers.
fn grams(layers: &[Layer], features: &[Tensor<4>]) -> GramTargets {
    let layers = layers.iter().map(|&layer| (layer, 1.0)).collect();
    let config = GramConfig { layers, distance: GramDistance::RelativeRoot, ..GramConfig::default() };
    GramTargets::new(config, features)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// With a number of its own for every value.
    fn numbered(shape: [usize; 4]) -> Tensor<4> {
        let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|i| i as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn windows_are_seen_of_large_exemplars_and_all_of_others() {
        assert_eq!(seen(&numbered([1, 3, 1024, 1024])).dims(), [1, 3, 1024, 1024]);
        let (height, width) = (1100, 1000);
        let windows = seen(&numbered([1, 3, height, width]));
        assert_eq!(windows.dims(), [16, 3, WINDOW, WINDOW]);
        let values: Vec<f32> = windows.into_data().iter::<f32>().collect();
        let mut places = std::collections::BTreeSet::new();
        for window in values.chunks_exact(3 * WINDOW * WINDOW) {
            let start = window[0] as usize;
            assert!(start / width <= height - WINDOW && start % width <= width - WINDOW);
            let at = |i: usize| {
                let (c, y, x) = (i / (WINDOW * WINDOW), i / WINDOW % WINDOW, i % WINDOW);
                (start + (c * height + y) * width + x) as f32
            };
            assert!(window.iter().enumerate().all(|(i, &value)| value == at(i)));
            places.insert(start);
        }
        assert!(places.len() > 12, "{places:?}");
    }
}
