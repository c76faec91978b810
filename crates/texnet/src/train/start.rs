//! What networks begin as: random numbers, or a network that has learned another texture.
//!
//! What textures have in common is learned already then: outlines, shades, and how scales follow each other. After a
//! hundred steps little is left of the other texture, and no stages of small pictures are needed.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use texnet_infer::{GeneratorSpec, Model};

use super::config::{ConfigError, TrainConfig};
use crate::generator::Parameters;

/// In 16 bits; see `assets/PROVENANCE.md`.
const BUILT_IN: &[u8] = include_bytes!("../../../../assets/start.safetensors");

/// What a network begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The network that is built in, of six scales.
    BuiltIn,
    /// Random numbers.
    Random,
}

/// The network that is built in.
static NETWORK: LazyLock<Parameters> = LazyLock::new(|| {
    let model = Model::from_bytes(BUILT_IN).expect("the network that is built in");
    Parameters::of_model(&model)
});

impl Start {
    /// Whether the network that is built in has the same numbers as one of this architecture.
    pub(super) fn fits(spec: &GeneratorSpec) -> bool {
        NETWORK.shapes == spec.parameters()
    }

    /// Numbers to begin with, for a network that has random ones: those of coarse scales alone while it grows.
    pub(super) fn begin(self, mut random: Parameters) -> Parameters {
        match self {
            Self::BuiltIn if random.shapes == NETWORK.shapes => NETWORK.clone(),
            Self::BuiltIn => {
                random.adopt(&NETWORK);
                random
            }
            Self::Random => random,
        }
    }
}

impl TrainConfig {
    /// What the network begins as.
    pub(crate) fn start(&self) -> Start {
        self.start.unwrap_or(Start::Random)
    }

    /// The network that is built in, where it fits and no stages are asked for.
    pub(super) fn choose_start(&mut self) {
        let fits = self.freezes() && self.spec().is_ok_and(|spec| Start::fits(&spec));
        let built_in = fits && self.coarse_iterations.is_none();
        self.start.get_or_insert(if built_in { Start::BuiltIn } else { Start::Random });
    }

    /// Whether what the network begins as is of its architecture.
    pub(super) fn check_start(&self, spec: &GeneratorSpec) -> Result<(), ConfigError> {
        if self.start() == Start::BuiltIn && !Start::fits(spec) {
            return Err(ConfigError::new(
                "start is built-in, but that is a coarse-wide network of six scales for textures: give scales=6, or \
                 start=\"random\"",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::choice::tests::resolved;
    use super::*;
    use crate::measure::tests::blocks;

    fn large(settings: &[&str]) -> TrainConfig {
        resolved("default", settings, blocks([24; 2], 256))
    }

    #[test]
    fn large_objects_begin_with_the_built_in_network_and_without_small_pictures() {
        let [config, random] = [large(&[]), large(&["start=\"random\""])];
        assert_eq!((config.start(), random.start()), (Start::BuiltIn, Start::Random));
        assert_eq!(config.stages().expect("stages").len(), 2);
        assert_eq!(random.stages().expect("stages").len(), 4);
        assert_eq!(
            (config.iterations, config.frozen_iterations),
            (random.iterations, random.frozen_iterations)
        );
        assert_eq!(large(&["iterations=1000"]).steps(), 1000);
        let stage = config.stage(0).expect("a stage");
        assert_eq!(stage.parameters([0.5; 3]).values, NETWORK.values);
    }

    #[test]
    fn other_networks_and_stages_that_are_given_begin_with_random_numbers() {
        for settings in [["scales=5"], ["coarse_iterations=[]"], ["coarse_iterations=[10]"]] {
            assert_eq!(large(&settings).start(), Start::Random);
        }
        assert_eq!(resolved("default", &[], blocks([4; 2], 256)).start(), Start::Random);
        assert_eq!(resolved("style", &[], blocks([24; 2], 256)).start(), Start::Random);
    }

    #[test]
    fn a_network_that_grows_begins_with_the_coarse_scales() {
        let config = large(&["start=\"built-in\"", "coarse_iterations=[10]"]);
        let [half, whole] = [0, 10].map(|step| config.stage(step).expect("a stage").parameters([0.5; 3]));
        assert!(half.shapes.len() < whole.shapes.len() && whole.values == NETWORK.values);
        for ((name, shape), values) in half.shapes.iter().zip(&half.values) {
            let i = whole.shapes.iter().position(|(other, _)| name == other).expect(name);
            let same = (shape, values) == (&whole.shapes[i].1, &whole.values[i]);
            assert_eq!(same, !name.starts_with("head."), "{name}");
        }
    }

    #[test]
    fn the_built_in_network_is_of_six_scales() {
        let settings = ["start=\"built-in\"".to_owned(), "scales=5".to_owned()];
        let config = TrainConfig::new("default", &settings).expect("settings");
        let error = config.resolve(&[blocks([24; 2], 256)]).expect_err("another network");
        assert!(error.to_string().contains("scales=6"), "{error}");
    }
}
