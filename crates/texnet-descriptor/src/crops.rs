//! What the network sees: pairs of views of random textures, and of pictures that differ from them by structure alone.

use std::ops::Range;

use rayon::prelude::*;
use texnet::draw::{Draw, Stream};
use texnet_exemplars::{Image, RandomTexture, View};

use crate::colours::{Colours, grained, recoloured, varied};
use crate::melt::melted;
use crate::mine::Mined;
use crate::phase::random_phase;

/// Side of the pictures, in pixels.
pub(crate) const SIDE: usize = 64;
/// Textures of a step.
pub(crate) const TEXTURES: usize = 16;
/// How many of them are the materials of the repository's exemplars.
const MATERIALS: usize = 3;
/// How many also come with random phases, as textures of their own.
const PHASES: usize = 8;
/// Which of them generators have learned.
const MINED: Range<usize> = 4..10;

/// Where textures come from.
pub(crate) struct Source {
    seed: u64,
    materials: Vec<Image>,
    melted: usize,
    mined: Vec<Mined>,
}

impl Source {
    /// Random textures of this seed, and pictures of some more. So many textures of a step, 16 at most, also come melted, as
    /// textures of their own.
    pub(crate) fn with(seed: u64, materials: Vec<Image>, melted: usize) -> Self {
        Self { seed, materials, melted: melted.min(TEXTURES), mined: Vec::new() }
    }

    /// With textures that generators have learned, whose pictures of them are textures of their own.
    pub(crate) fn mined(self, mined: Vec<Mined>) -> Self {
        Self { mined, ..self }
    }

    /// The pictures of a step, `[n, 3, SIDE, SIDE]`: the second half shows the textures of the first from elsewhere.
    pub(crate) fn batch(&self, step: u64) -> Vec<f32> {
        let pairs: Vec<[Image; 2]> = (0..TEXTURES).into_par_iter().map(|i| self.pair(step, i)).collect();
        let phases = pairs[..PHASES].par_iter().enumerate().map(|(i, pair)| {
            let mut draw = Draw::new(self.seed, Stream::Noise, step * 100 + i as u64);
            pair.each_ref().map(|image| random_phase(image, &mut draw))
        });
        let phases: Vec<[Image; 2]> = phases.collect();
        let melted = pairs[TEXTURES - self.melted..].par_iter().enumerate().map(|(i, pair)| {
            melted(pair, &mut Draw::new(self.seed, Stream::Noise, step * 100 + 50 + i as u64))
        });
        let melted: Vec<[Image; 2]> = melted.collect();
        let painted: Vec<[Image; 2]> = MINED.into_par_iter().filter_map(|i| self.painted(step, i)).collect();
        let pairs: Vec<[Image; 2]> = pairs.into_iter().chain(phases).chain(melted).chain(painted).collect();
        let [first, second] = [0, 1].map(|view| self.finished(step, view, &pairs));
        first.into_iter().chain(second).flatten().collect()
    }

    /// Pictures of textures alone, `[TEXTURES, 3, SIDE, SIDE]`: what features are measured on.
    pub(crate) fn sample(&self, step: u64) -> Vec<f32> {
        let views = (0..TEXTURES).into_par_iter().flat_map_iter(|i| {
            let [view, _] = self.pair(step, i);
            view.data().iter().map(|v| v.clamp(0.0, 1.0)).collect::<Vec<f32>>()
        });
        views.collect()
    }

    /// What texture `i` of a step is, if generators have learned it; another one for each.
    fn learned(&self, step: u64, i: usize) -> Option<&Mined> {
        if self.mined.is_empty() || !MINED.contains(&i) {
            return None;
        }
        let mut draw = Draw::new(self.seed, Stream::Selection, step);
        let mut order: Vec<&Mined> = self.mined.iter().collect();
        order.sort_by_cached_key(|_| draw.seed());
        Some(order[(i - MINED.start) % order.len()])
    }

    /// Two views of what a generator makes of texture `i` of a step, as grained as the texture is.
    fn painted(&self, step: u64, i: usize) -> Option<[Image; 2]> {
        let painted = &self.learned(step, i)?.painted;
        let grain = grain(&mut Draw::new(self.seed, Stream::Crop, step * 100 + i as u64));
        let mut draw = Draw::new(self.seed, Stream::Crop, step * 100 + 50 + i as u64);
        Some(views(grain, &mut draw, |view, draw| window(painted, view, draw)))
    }

    /// The picture that texture `i` of a step is seen in, unless it is a random one.
    fn picture(&self, step: u64, i: usize) -> Option<&Image> {
        let learned = self.learned(step, i).map(|mined| &mined.exemplar);
        let turn = i >= TEXTURES - MATERIALS && !self.materials.is_empty();
        // A different one each.
        let material = || &self.materials[(step as usize * MATERIALS + i) % self.materials.len()];
        learned.or_else(|| turn.then(material))
    }

    /// Two views of texture `i` of a step.
    fn pair(&self, step: u64, i: usize) -> [Image; 2] {
        let mut draw = Draw::new(self.seed, Stream::Crop, step * 100 + i as u64);
        let grain = grain(&mut draw);
        let texture = RandomTexture::new((draw.uniform() * 16_777_216.0) as u32);
        let picture = self.picture(step, i);
        views(grain, &mut draw, |view, draw| match picture {
            Some(picture) => window(picture, view, draw),
            None => texture.paint(SIDE, view),
        })
    }

    /// One view of everything, each picture's values, with colours varied; in every other step all have the same colours.
    fn finished(&self, step: u64, view: usize, pairs: &[[Image; 2]]) -> Vec<Vec<f32>> {
        let mut draw = Draw::new(self.seed, Stream::Strength, step);
        let equal = draw.below(2) == 0;
        let colours = Colours::of(&pairs[draw.below(TEXTURES)][0]);
        let one = |(i, pair): (usize, &[Image; 2])| {
            let mut draw = Draw::new(self.seed, Stream::Motion, step * 100 + (i * 2 + view) as u64);
            let image = if equal { recoloured(&pair[view], &colours) } else { pair[view].clone() };
            varied(&image, &mut draw).data().iter().map(|v| v.clamp(0.0, 1.0)).collect()
        };
        pairs.par_iter().enumerate().map(one).collect()
    }
}

/// The repository's exemplars, in the order of their names in `texnet_exemplars`; painting them takes a minute or two.
pub(crate) fn materials() -> Vec<Image> {
    let names: Vec<&str> = texnet_exemplars::names().collect();
    names.into_par_iter().filter_map(texnet_exemplars::paint).collect()
}

/// Deviation of the noise that a texture has, often none.
fn grain(draw: &mut Draw) -> f32 {
    if draw.below(10) < 3 { 0.01 + 0.05 * draw.uniform() } else { 0.0 }
}

/// Two views, with white noise of this deviation.
fn views(grain: f32, draw: &mut Draw, shown: impl Fn(View, &mut Draw) -> Image) -> [Image; 2] {
    [0, 1].map(|_| {
        let view = view(draw);
        let image = shown(view, draw);
        if grain > 0.0 { grained(&image, grain, draw) } else { image }
    })
}

/// A little turned, nearer or farther, anywhere.
fn view(draw: &mut Draw) -> View {
    let origin = [0, 1].map(|_| 4096.0 * (draw.uniform() - 0.5));
    View { origin, angle: 0.34 * (draw.uniform() - 0.5), scale: (0.3 * draw.uniform() - 0.18).exp() }
}

/// A part of a picture that a view shows, wherever it fits.
fn window(picture: &Image, view: View, draw: &mut Draw) -> Image {
    let (sin, cos) = view.angle.sin_cos();
    let reach = SIDE as f32 * view.scale * (sin.abs() + cos.abs());
    let middle = [picture.height(), picture.width()].map(|side| {
        let room = (side as f32 - 2.0 - reach).max(0.0);
        0.5 * reach + 0.5 + room * draw.uniform()
    });
    Image::from_fn(SIDE, SIDE, |y, x| {
        let [v, u] = [y, x].map(|i| (i as f32 + 0.5 - SIDE as f32 / 2.0) * view.scale);
        bilinear(picture, middle[0] + u * sin + v * cos, middle[1] + u * cos - v * sin)
    })
}

pub(crate) fn bilinear(picture: &Image, y: f32, x: f32) -> [f32; 3] {
    let place = |at: f32, side: usize| {
        let low = (at.max(0.0) as usize).min(side - 2);
        (low, (at - low as f32).clamp(0.0, 1.0))
    };
    let ((top, fy), (left, fx)) = (place(y, picture.height()), place(x, picture.width()));
    let row = |y: usize| {
        let [a, b] = [picture.pixel(y, left), picture.pixel(y, left + 1)];
        [0, 1, 2].map(|c| a[c] + fx * (b[c] - a[c]))
    };
    let [a, b] = [row(top), row(top + 1)];
    [0, 1, 2].map(|c| a[c] + fy * (b[c] - a[c]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_generator_paints_follows_as_a_texture_of_its_own() {
        let plain = |colour: [f32; 3]| Image::from_fn(96, 96, |_, _| colour);
        let [exemplar, painted] = [plain([0.8, 0.2, 0.2]), plain([0.2, 0.8, 0.2])];
        let source = Source::with(1, Vec::new(), 2).mined(vec![Mined { exemplar, painted }]);
        // A step whose pictures keep their colours.
        let batch =
            (0..).map(|step| source.batch(step)).find(|batch| spread(batch) > 0.02).expect("one in two");
        let means = means(&batch);
        assert_eq!(means.len(), 2 * (TEXTURES + PHASES + 2 + MINED.len()));
        for view in means.chunks(means.len() / 2) {
            assert!(view[MINED].iter().all(|[red, green, _]| red - green > 0.4));
            assert!(view[view.len() - MINED.len()..].iter().all(|[red, green, _]| green - red > 0.4));
        }
    }

    #[test]
    fn the_second_half_shows_the_textures_of_the_first() {
        let material = Image::from_fn(200, 200, |y, x| [0.5 + 0.4 * ((y / 9 + x / 7) % 2) as f32, 0.2, 0.7]);
        let source = Source::with(1, vec![material], 2);
        // A step whose pictures keep their colours.
        let batch =
            (0..).map(|step| source.batch(step)).find(|batch| spread(batch) > 0.02).expect("one in two");
        let pictures = 2 * (TEXTURES + PHASES + 2);
        assert_eq!(batch.len(), pictures * 3 * SIDE * SIDE);
        assert!(batch.iter().all(|v| (0.0..=1.0).contains(v)));
        let means = means(&batch);
        let (first, second) = means.split_at(pictures / 2);
        let apart = |a: &[f32; 3], b: &[f32; 3]| (0..3).map(|c| (a[c] - b[c]).abs()).sum::<f32>();
        let partners: f32 = first.iter().zip(second).map(|(a, b)| apart(a, b)).sum();
        let strangers: f32 = first.iter().zip(second.iter().cycle().skip(1)).map(|(a, b)| apart(a, b)).sum();
        assert!(2.0 * partners < strangers, "{partners} {strangers}");
    }

    /// Mean colours of all pictures.
    fn means(batch: &[f32]) -> Vec<[f32; 3]> {
        let mean = |plane: &[f32]| plane.iter().sum::<f32>() / plane.len() as f32;
        let picture = |picture: &[f32]| [0, 1, 2].map(|c| mean(&picture[c * SIDE * SIDE..][..SIDE * SIDE]));
        batch.chunks_exact(3 * SIDE * SIDE).map(picture).collect()
    }

    /// Variance of the mean reds.
    fn spread(batch: &[f32]) -> f32 {
        let reds: Vec<f32> = means(batch).iter().map(|mean| mean[0]).collect();
        let mean = reds.iter().sum::<f32>() / reds.len() as f32;
        reds.iter().map(|red| (red - mean).powi(2)).sum::<f32>() / reds.len() as f32
    }
}
