//! Discriminators that learn beside a generator, on the features of a descriptor that stays as it is (Goodfellow et al.
//! 2014; Sauer et al. 2021, "Projected GANs converge faster").
//!
//! Gram matrices say which features are where other features are, on the average. Whether each single place could be one
//! of the exemplar, a discriminator says, and it looks for what is wrong with this generator's pictures.
//!
//! Departures from Sauer et al.: it sees each place of a layer alone, without mixing layers or channels at random; weights
//! of given lengths stand for spectral normalisation; and a generator minimises the squares of what scores lack of 1, as in
//! least squares GANs (Mao et al. 2017), where the hinge has their negative mean: what passes is left alone.

mod discriminator;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Int, Tensor, TensorData};

use super::host::linear;
use crate::descriptor::Layer;
use crate::draw::{Draw, Stream};

pub use discriminator::Discriminator;

/// The place of a discriminator: an octave, 0 being the picture, and a layer.
pub type Place = (usize, Layer);

/// Fewer places of an exemplar than these are known by heart.
const LEAST_PLACES: usize = 100;

/// Their learning rate, relative to the generator's.
const RATE_SHARE: f32 = 0.5;

/// What discriminators have learned so far.
#[derive(Debug, Default)]
pub struct Discriminators(Mutex<Learned>);

#[derive(Debug, Default)]
struct Learned {
    rate: f32,
    all: BTreeMap<Place, Discriminator>,
}

impl Discriminators {
    /// All of them.
    #[must_use]
    pub fn state(&self) -> BTreeMap<Place, Discriminator> {
        self.learned().all.clone()
    }

    /// From now on they learn beside a generator at this rate; before, not at all.
    pub fn set_rate(&self, rate: f32) {
        self.learned().rate = RATE_SHARE * rate;
    }

    /// Goes on with these.
    pub fn set_state(&self, state: BTreeMap<Place, Discriminator>) {
        self.learned().all = state;
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much less like an exemplar's places those of pictures are, by what was learned so far: half of the mean square of
    /// what scores lack of 1, of their features, which are of shape `[n, c, h, w]`. Then learns from both.
    pub(super) fn term(&self, place: Place, exemplar: &Tensor<2>, pictures: &Tensor<4>) -> Tensor<1> {
        let Learned { rate, all } = &mut *self.learned();
        let features = flat(pictures);
        let [channels, _] = features.dims();
        let seed = (place.0 * Layer::ALL.len() + place.1.index()) as u64;
        let discriminator = all.entry(place).or_insert_with(|| Discriminator::new(channels, seed));
        let verdict = discriminator.judge(&features);
        let gradient = discriminator.gradient(&verdict, &features.device());
        discriminator.learn(exemplar, &features, &verdict, *rate);
        let [n, c, h, w] = pictures.dims();
        let gradient = gradient.reshape([c, n, h, w]).swap_dims(0, 1).reshape([n, c, h, w]);
        let gradient = if pictures.is_tracked() { gradient.autodiff() } else { gradient };
        linear(pictures, gradient, verdict.error())
    }
}

/// Features of an exemplar that pictures are compared with, `[channels, places]`, in random order: those of so many
/// places, if it has more; none if it has too few.
pub(super) fn places(features: &Tensor<4>, most: usize) -> Option<Tensor<2>> {
    let features = flat(features);
    let [_, count] = features.dims();
    if count < LEAST_PLACES {
        return None;
    }
    let mut chosen: Vec<i32> = (0..count as i32).collect();
    Draw::new(0, Stream::Selection, count as u64).shuffle(&mut chosen);
    chosen.truncate(most);
    let shape = [chosen.len()];
    let chosen = Tensor::<1, Int>::from_data(TensorData::new(chosen, shape), &features.device());
    Some(features.select(1, chosen))
}

/// `[n, c, h, w]` as `[c, n * h * w]`, without gradients.
fn flat(features: &Tensor<4>) -> Tensor<2> {
    let [n, c, h, w] = features.dims();
    features.clone().without_autodiff().swap_dims(0, 1).reshape([c, n * h * w])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    const SHAPE: [usize; 4] = [2, 3, 8, 9];
    const PLACE: Place = (1, Layer::Relu2_2);

    fn values(seed: u64, mean: f32) -> Vec<f32> {
        let mut draw = Draw::new(seed, Stream::Noise, 0);
        (0..SHAPE.iter().product()).map(|_| mean + draw.normal()).collect()
    }

    fn features(values: Vec<f32>) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values, SHAPE), &Device::flex())
    }

    fn exemplar() -> Tensor<2> {
        places(&features(values(9, 0.5)), 1000).expect("enough places")
    }

    fn value(discriminators: &Discriminators, values: Vec<f32>) -> f32 {
        discriminators.term(PLACE, &exemplar(), &features(values)).into_scalar::<f32>()
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_term() {
        let values = values(1, 0.0);
        let tracked = features(values.clone()).autodiff().require_grad();
        let term = Discriminators::default().term(PLACE, &exemplar(), &tracked);
        let gradient: Vec<f32> =
            tracked.grad(&term.backward()).expect("a gradient").into_data().iter::<f32>().collect();
        for i in [0, 100, 250, 431] {
            let moved = |by: f32| {
                let mut values = values.clone();
                values[i] += by;
                value(&Discriminators::default(), values)
            };
            let slope = (moved(0.02) - moved(-0.02)) / 0.04;
            assert!((slope - gradient[i]).abs() < 1e-4, "{i}: {slope} {}", gradient[i]);
        }
    }

    #[test]
    fn what_is_unlike_the_exemplar_costs_more_when_it_was_learned() {
        let discriminators = Discriminators::default();
        discriminators.set_rate(0.004);
        for step in 0..200 {
            value(&discriminators, values(step, 0.0));
        }
        let [unlike, alike] = [0.0, 0.5].map(|mean| {
            let same = Discriminators::default();
            same.set_state(discriminators.state());
            value(&same, values(1000, mean))
        });
        assert!(unlike > alike + 0.3, "{unlike} {alike}");
    }

    #[test]
    fn an_exemplar_has_as_many_places_as_pictures_and_not_too_few() {
        let exemplar = features(values(9, 0.5));
        let all = SHAPE[0] * SHAPE[2] * SHAPE[3];
        for (most, count) in [(1000, all), (all, all), (120, 120)] {
            assert_eq!(places(&exemplar, most).expect("enough places").dims(), [SHAPE[1], count]);
        }
        assert!(places(&exemplar.clone().slice([0..1, 0..3]), 1000).is_none());
        let sorted = |values: Tensor<2>| values.sort(1).into_data().iter::<f32>().collect::<Vec<_>>();
        let shuffled = places(&exemplar, all).expect("enough places");
        assert_eq!(sorted(shuffled.clone()), sorted(flat(&exemplar)));
        assert_ne!(shuffled.into_data(), flat(&exemplar).into_data());
    }

    #[test]
    fn the_halves_of_the_places_are_learned_from_in_turn() {
        let after = |steps: usize, second: f32| {
            let half = SHAPE.iter().product::<usize>() / 2;
            let pictures = [&values(1, 0.0)[..half], &values(2, second)[..half]].concat();
            let discriminators = Discriminators::default();
            discriminators.set_rate(0.004);
            (0..steps).for_each(|_| _ = value(&discriminators, pictures.clone()));
            discriminators.state()
        };
        assert_eq!(after(1, 0.0), after(1, 1.0));
        assert_ne!(after(2, 0.0), after(2, 1.0));
    }
}
