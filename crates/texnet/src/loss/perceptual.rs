//! Losses in a descriptor's features: texture, content, or both, from one run of the descriptor.

use std::collections::BTreeMap;
use std::fmt;

use burn::tensor::Tensor;

use super::content::Photographs;
use super::gram::GramTargets;
use super::{ContentConfig, GramConfig, Loss, LossError, Term, content_distance};
use crate::descriptor::{Descriptor, Layer};

/// Distances of pictures from an exemplar's texture and a photograph's content, in the features of a descriptor.
pub struct Perceptual {
    descriptor: Box<dyn Descriptor>,
    texture: Option<GramTargets>,
    content: Option<(ContentConfig, Photographs)>,
}

impl Perceptual {
    /// A loss without terms yet.
    pub fn new(descriptor: impl Descriptor + 'static) -> Self {
        Self { descriptor: Box::new(descriptor), texture: None, content: None }
    }

    /// With terms `gram LAYER`: pictures should have the texture of an exemplar of shape `[1, 3, h, w]`.
    ///
    /// # Errors
    /// The exemplar has no features at one of the layers.
    pub fn with_texture(self, exemplar: &Tensor<4>, config: GramConfig) -> Result<Self, LossError> {
        let layers: Vec<_> = config.layers.iter().map(|&(layer, _)| layer).collect();
        let features = self.descriptor.features(&exemplar.clone().without_autodiff(), &layers)?;
        Ok(self.with_texture_of(&features, config))
    }

    /// The same from the exemplar's features at the layers of the configuration, for instance those of a descriptor that
    /// does not look beyond its border.
    #[must_use]
    pub fn with_texture_of(mut self, features: &[Tensor<4>], config: GramConfig) -> Self {
        self.texture = Some(GramTargets::new(config, features));
        self
    }

    /// With a term `content LAYER`: all pictures should show this photograph, of shape `[1, 3, h, w]` and of their size.
    ///
    /// # Errors
    /// The photograph has no features at this layer, or there are several.
    pub fn with_photograph(
        mut self,
        photograph: &Tensor<4>,
        config: ContentConfig,
    ) -> Result<Self, LossError> {
        let [n, _, height, width] = photograph.dims();
        if n != 1 {
            return Err(LossError::Photographs(n));
        }
        let photograph = photograph.clone().without_autodiff();
        for features in self.descriptor.features(&photograph, &[config.layer])? {
            self.content = Some((config, Photographs::Fixed(Box::new(features), [height, width])));
        }
        Ok(self)
    }

    /// With a term `content LAYER`: the pictures of a step should show the photographs of that step, which have the
    /// shape of the pictures. They are a function of the step, so that a step can be repeated.
    #[must_use]
    pub fn with_photographs(
        mut self,
        photographs: impl Fn(u64) -> Tensor<4> + Send + Sync + 'static,
        config: ContentConfig,
    ) -> Self {
        self.content = Some((config, Photographs::Drawn(Box::new(photographs))));
        self
    }

    /// All layers that any term asks for, once each.
    fn layers(&self) -> Vec<Layer> {
        let texture = self.texture.iter().flat_map(GramTargets::layers);
        let mut layers: Vec<_> = texture.chain(self.content.iter().map(|(c, _)| c.layer)).collect();
        layers.sort_unstable();
        layers.dedup();
        layers
    }

    fn features(&self, pictures: &Tensor<4>, layers: &[Layer]) -> Vec<Tensor<4>> {
        let features = self.descriptor.features(pictures, layers);
        features.unwrap_or_else(|error| panic!("pictures that were not checked: {error}"))
    }

    fn content_term(&self, features: &BTreeMap<Layer, Tensor<4>>, step: u64) -> Option<Term> {
        let (config, photographs) = self.content.as_ref()?;
        let wanted = match photographs {
            Photographs::Fixed(features, _) => (**features).clone(),
            Photographs::Drawn(draw) => {
                self.features(&draw(step).without_autodiff(), &[config.layer]).pop()?
            }
        };
        let distance = content_distance(features.get(&config.layer)?, &wanted);
        Some(Term::new(format!("content {}", config.layer), distance.mul_scalar(config.weight)))
    }
}

impl Loss for Perceptual {
    /// One term per layer of the texture, one for the content.
    ///
    /// # Panics
    /// The pictures have a size that [`check`](Loss::check) refuses, or the photographs of a step have another.
    fn terms(&self, pictures: &Tensor<4>, step: u64) -> Vec<Term> {
        let layers = self.layers();
        let features = self.features(pictures, &layers);
        let features = layers.into_iter().zip(features).collect();
        let texture = self.texture.iter().flat_map(|targets| targets.terms(&features));
        texture.chain(self.content_term(&features, step)).collect()
    }

    fn check(&self, size: [usize; 2]) -> Result<(), LossError> {
        self.descriptor.check(size, &self.layers())?;
        match &self.content {
            Some((_, Photographs::Fixed(_, photograph))) if *photograph != size => {
                Err(LossError::PhotographSize { photograph: *photograph, pictures: size })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Perceptual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { descriptor, texture, content } = self;
        let descriptor = descriptor.name();
        let mut out = f.debug_struct("Perceptual");
        out.field("descriptor", &descriptor).field("texture", texture).field("content", content).finish()
    }
}
