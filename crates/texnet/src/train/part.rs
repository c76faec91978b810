//! What one stage of a run works with.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use texnet_infer::Image;

use super::config::ConfigError;
use super::stage::Stage;
use crate::generator::{Generator, Leaves, Parameters};
use crate::loss::Objective;
use crate::loss::adversarial::Discriminators;
use crate::photographs::{Photographs, pyramid};
use crate::profile::{Work, measured};

/// Pictures that a run learns from.
#[derive(Debug, Clone)]
pub(super) struct Pictures {
    /// Those of the texture or style.
    pub(super) exemplars: Vec<Image>,
    /// Those that a style network dresses; none for a texture.
    pub(super) photographs: Vec<Image>,
}

/// The network and the objective of a stage.
pub(super) struct Part {
    pub(super) stage: Stage,
    pub(super) generator: Generator,
    pub(super) objective: Objective,
    photographs: Option<Arc<Photographs>>,
    /// The mean colour of the exemplars.
    pub(super) colour: [f32; 3],
}

impl Part {
    pub(super) fn new(
        stage: Stage,
        pictures: &Pictures,
        discriminators: &Arc<Discriminators>,
        device: &Device,
    ) -> Result<Self, ConfigError> {
        let config = &stage.config;
        let exemplars = config.scaled(&pictures.exemplars)?;
        let photographs = config.photographs(&pictures.photographs)?;
        let objective =
            config.objective(&exemplars, photographs.clone(), Arc::clone(discriminators), device)?;
        let generator = Generator::new(stage.spec.clone(), config.path);
        Ok(Self { generator, objective, photographs, colour: mean_colour(&exemplars), stage })
    }

    /// Goes on with a stage of the same size, and so with the same objective: to make it anew takes a minute where an
    /// exemplar has millions of pixels.
    pub(super) fn go_on(&mut self, stage: Stage) {
        self.generator = Generator::new(stage.spec.clone(), stage.config.path);
        self.stage = stage;
    }

    pub(super) fn parameters(&self) -> Parameters {
        self.stage.parameters(self.colour)
    }

    /// The step after its last.
    pub(super) fn end(&self) -> u64 {
        self.stage.first + self.stage.steps
    }

    /// Pictures of the stage's size for these seeds; a style network dresses the photographs of a step, both of a pair on
    /// the same noise.
    pub(super) fn paint(&self, leaves: &Leaves, seeds: &[u64], step: u64, device: &Device) -> Tensor<4> {
        let size = self.stage.config.size();
        let times = if self.stage.config.moves() { 2 } else { 1 };
        let seeds: Vec<u64> = seeds.iter().flat_map(|&seed| vec![seed; times]).collect();
        let strength = self.photographs.as_ref().map_or(1.0, |photographs| photographs.strength(step));
        let noise = || self.generator.noise(&seeds, size, strength, device);
        let noise = measured("= noise", Work::default(), noise);
        let content = self.content(step, device);
        let paint = || self.generator.forward(leaves, &noise, content.as_deref());
        measured("= forward", Work::default(), paint)
    }

    /// The photographs of a step at every scale, the coarsest first.
    fn content(&self, step: u64, device: &Device) -> Option<Vec<Tensor<4>>> {
        let photographs = self.photographs.as_ref()?;
        let [side, _] = self.stage.config.size();
        let scales = self.stage.spec.scales.len();
        let tensor = |(i, values): (usize, Vec<f32>)| {
            let side = side >> (scales - 1 - i);
            let shape = [values.len() / (3 * side * side), 3, side, side];
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        let pyramid = || pyramid(photographs.crops(step), side, scales).into_iter().enumerate().map(tensor);
        Some(measured("= photographs", Work::default(), || pyramid().collect()))
    }

    /// Photographs that no step sees whole, above what the network makes of them; for a texture, one picture of at
    /// least `side` pixels.
    pub(super) fn preview(&self, parameters: &Parameters, side: usize, device: &Device) -> Image {
        let leaves = parameters.leaves(device);
        let size = self.stage.config.size();
        let values = |picture: Tensor<4>| picture.into_data().iter::<f32>().collect::<Vec<f32>>();
        let Some(photographs) = &self.photographs else {
            let size = size.map(|granule| side.next_multiple_of(granule));
            let noise = self.generator.noise(&[0], size, 1.0, device);
            return Image::from_planes(
                size[0],
                size[1],
                values(self.generator.forward(&leaves, &noise, None)),
            );
        };
        let pairs: Vec<[Image; 2]> = (0..PREVIEWS)
            .map(|step| {
                let seeds = vec![0; self.stage.config.batch];
                let image = |values: &[f32]| {
                    Image::from_planes(size[0], size[1], values[..3 * size[0] * size[1]].to_vec())
                };
                let dressed = values(self.paint(&leaves, &seeds, FIRST_PREVIEW + step, device));
                [image(&photographs.crops(FIRST_PREVIEW + step)), image(&dressed)]
            })
            .collect();
        let [height, width] = size;
        Image::from_fn(2 * height, PREVIEWS as usize * width, |y, x| {
            pairs[x / width][y / height].pixel(y % height, x % width)
        })
    }
}

/// Photographs of a preview, and the first of the steps that they are cut for: no run comes so far.
const PREVIEWS: u64 = 4;
const FIRST_PREVIEW: u64 = 1 << 51;

fn mean_colour(images: &[Image]) -> [f32; 3] {
    let mean = |c: usize| {
        let plane = |image: &Image| image.plane(c).iter().map(|&v| f64::from(v)).sum::<f64>();
        let count: usize = images.iter().map(|i| i.height() * i.width()).sum();
        (images.iter().map(plane).sum::<f64>() / count as f64) as f32
    };
    [0, 1, 2].map(mean)
}
