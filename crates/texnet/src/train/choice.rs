//! What a configuration leaves open, chosen from the pictures.

use texnet_infer::Image;

use super::config::{Architecture, TrainConfig};
use crate::loss::nearest::NearestConfig;
use crate::loss::sliced::SlicedConfig;
use crate::measure::object_size;

/// Objects of more pixels than this are learned by larger networks on larger pictures.
const LARGE_OBJECTS: f32 = 12.0;
/// Millions of pixels that are painted by an effort of 1.
const MEGAPIXELS: f32 = 240.0;
/// Those of textures with large objects, of which each takes twice the time.
const LARGE_MEGAPIXELS: f32 = 140.0;
/// Least side of an exemplar that larger pictures are compared with.
const LARGE_EXEMPLAR: usize = 224;
/// The same for a style, of which a few motifs are enough.
const LARGE_STYLE: usize = 112;
/// Scales of a network for large objects: they see all of a picture.
const LARGE_SCALES: usize = 6;
/// Scales of a network for small ones.
const SMALL_SCALES: usize = 4;
/// Scales of a residual network: the photograph is halved twice, as by Johnson et al.
const RESIDUAL_SCALES: usize = 3;
/// Levels of the losses of patches, for a texture. Filters as large as a picture would make a network for large objects
/// learn the exemplar's arrangement by heart.
const LEVELS: usize = 4;
/// Most scales and levels of styles.
const MAX_STYLE_DEPTH: usize = 6;
/// Pixels of a picture, at least, for each patch that is drawn to the nearest of the exemplar, where objects are large.
const PIXELS_OF_A_PLACE: usize = 128;
/// Weight of features, for large objects: outlines are closed, and less is copied. More would make smooth things bumpy.
const LARGE_FEATURES: f32 = 0.4;
/// Weight of discriminators where there are features: things are lit, dense and whole.
const ADVERSARIAL: f32 = 0.25;

impl TrainConfig {
    /// Chooses what was left open, for pictures that are scaled already.
    pub(super) fn choose(&mut self, scaled: &[Image]) {
        let least = least_side(scaled);
        if self.content.is_some() {
            self.choose_for_style(least);
        } else {
            self.choose_for_texture(large_objects(scaled));
        }
        self.noiseless_scales = Some(self.noiseless_scales());
        self.choose_start();
        let halvings = if self.coarse_iterations.is_none() { self.halvings(scaled) } else { 0 };
        self.share_steps(halvings);
    }

    fn choose_for_texture(&mut self, large: bool) {
        self.size.get_or_insert(side(large));
        self.megapixels.get_or_insert(self.effort * if large { LARGE_MEGAPIXELS } else { MEGAPIXELS });
        self.scales.get_or_insert(if large { LARGE_SCALES } else { SMALL_SCALES });
        self.choose_patches(LEVELS, large);
        let features = *self.octaves.weight.get_or_insert(if large { LARGE_FEATURES } else { 0.0 });
        self.octaves.adversarial.get_or_insert(if features > 0.0 { ADVERSARIAL } else { 0.0 });
    }

    /// As deep as to where a motif of a quarter of the pictures is a few pixels.
    fn choose_for_style(&mut self, least: usize) {
        let size = *self.size.get_or_insert(side(least >= LARGE_STYLE));
        self.megapixels.get_or_insert(self.effort * MEGAPIXELS);
        let depth = ((size.min(least) / 4).max(2).ilog2() as usize).min(MAX_STYLE_DEPTH);
        let residual = self.architecture == Architecture::Residual;
        self.scales.get_or_insert(if residual { RESIDUAL_SCALES } else { depth });
        self.choose_patches(depth, depth > 4);
        self.octaves.weight.get_or_insert(0.0);
        self.octaves.adversarial.get_or_insert(0.0);
        if let Some(content) = &mut self.content {
            content.fit(size);
        }
    }

    /// On large pictures, a part of the places is enough.
    fn choose_patches(&mut self, levels: usize, large: bool) {
        if self.sliced.strides == [0] {
            self.sliced.strides = if large { vec![4, 2] } else { vec![2] };
        }
        if self.nearest.places == 0 {
            let enough = self.size()[0].pow(2) / PIXELS_OF_A_PLACE;
            let most = NearestConfig::default().places;
            self.nearest.places = if large { enough.clamp(1, most) } else { most };
        }
        choose_levels(&mut self.sliced, &mut self.nearest, levels);
    }
}

/// Side of the pictures that are learned from.
fn side(large: bool) -> usize {
    if large { 256 } else { 128 }
}

/// Whether the objects of some pictures are large, and the pictures large enough to show it.
pub(crate) fn large_objects(exemplars: &[Image]) -> bool {
    let object = exemplars.iter().map(object_size).fold(0.0, f32::max);
    object > LARGE_OBJECTS && least_side(exemplars) >= LARGE_EXEMPLAR
}

/// Height or width of some pictures, whichever is least.
pub(super) fn least_side(images: &[Image]) -> usize {
    images.iter().map(|image| image.height().min(image.width())).min().unwrap_or(0)
}

/// The levels of the losses of patches, where they were left open.
pub(crate) fn choose_levels(sliced: &mut SlicedConfig, nearest: &mut NearestConfig, levels: usize) {
    if sliced.levels == 0 {
        sliced.levels = levels;
    }
    if nearest.levels == 0 {
        nearest.levels = sliced.levels.saturating_sub(2).max(1);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use texnet_infer::GeneratorSpec;

    use super::*;
    use crate::measure::tests::blocks;

    /// A configuration for a picture.
    pub(crate) fn resolved(preset: &str, settings: &[&str], picture: Image) -> TrainConfig {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        TrainConfig::new(preset, &settings).and_then(|c| c.resolve(&[picture])).expect("a configuration")
    }

    #[test]
    fn large_objects_are_learned_by_deeper_networks_and_the_descriptor() {
        let config = resolved("default", &["start=\"random\""], blocks([24; 2], 256));
        assert_eq!((config.size, config.scales, config.nearest.levels), (Some(256), Some(6), 2));
        assert_eq!((config.sliced.levels, &config.sliced.strides[..]), (4, &[4, 2][..]));
        let places = ["128", "256", "512"]
            .map(|size| resolved("default", &[&format!("size={size}")], blocks([24; 2], 256)).nearest.places);
        assert_eq!(places, [128, 512, 512]);
        let stages = config.stages().expect("stages");
        assert_eq!(stages.iter().map(|s| s.spec.scales.len()).collect::<Vec<_>>(), [4, 5, 6, 6]);
        assert!(stages.iter().map(|s| &s.config.octaves).all(|o| o.weight() > 0.0 && o.octaves > o.finest));
    }

    #[test]
    fn small_objects_small_pictures_and_styles_are_learned_by_patches_alone() {
        for picture in [blocks([4; 2], 256), blocks([24; 2], 128)] {
            let config = resolved("default", &[], picture);
            assert_eq!((config.size, config.scales, config.sliced.levels), (Some(128), Some(4), 4));
            assert_eq!((&config.sliced.strides[..], config.nearest.places), (&[2][..], 512));
            assert_eq!((config.octaves.weight, config.noiseless_scales), (Some(0.0), Some(0)));
        }
        let style = resolved("style", &[], blocks([24; 2], 256));
        assert_eq!((style.octaves.weight, style.noiseless_scales), (Some(0.0), Some(2)));
    }

    #[test]
    fn what_is_given_is_kept() {
        let given = ["scales=5", "octaves.weight=0", "sliced.levels=5", "size=128"];
        let finest = ["noiseless_scales=1", "smooth_scales=2"];
        let config = resolved("default", &[&given[..], &finest].concat(), blocks([24; 2], 256));
        assert_eq!(config.sliced.strides, [4, 2]);
        let dense = resolved("default", &["sliced.strides=[1]", "nearest.places=64"], blocks([24; 2], 256));
        assert_eq!((&dense.sliced.strides[..], dense.sliced.levels, dense.nearest.places), (&[1][..], 4, 64));
        assert_eq!((config.size, config.scales, config.nearest.levels), (Some(128), Some(5), 3));
        assert_eq!((config.octaves.weight, config.noiseless_scales), (Some(0.0), Some(1)));
        let noisy = |spec: GeneratorSpec| spec.scales.iter().filter(|scale| scale.noise != [0.0; 2]).count();
        let smooth = |spec: &GeneratorSpec| spec.scales.iter().filter(|scale| scale.smooth).count();
        let stages = config.stages().expect("stages");
        assert_eq!(stages.iter().map(|s| smooth(&s.spec)).collect::<Vec<_>>(), [1, 2, 2]);
        assert_eq!(stages.into_iter().map(|s| noisy(s.spec)).collect::<Vec<_>>(), [4, 4, 4]);
    }
}
