//! Photographs that a style network learns from, cut anew for every step.

use texnet_infer::Image;
use texnet_infer::image::halved;

use crate::draw::{Draw, Stream};

/// A pool of photographs, and how they are cut: the crop of a step is a function of the step alone.
///
/// A photograph is reduced so that its shorter side is between one and two crops long, at random; a square of it is
/// cut at random, and every other one is mirrored. Even a pool of 16 photographs is enough (Ulyanov et al. 2016,
/// section 4.2).
#[derive(Debug)]
pub struct Photographs {
    /// Each photograph at its own size, at half of it, and so on, as long as a crop can use it.
    octaves: Vec<Vec<Image>>,
    size: usize,
    batch: usize,
    /// Pixels that the second crop of a pair is moved by at most; none when crops are single.
    motion: Option<usize>,
    /// The least and the most.
    strengths: [f32; 2],
    seed: u64,
}

impl Photographs {
    /// A pool of at least one photograph, of which `batch` squares of `size` pixels are cut for a step.
    #[must_use]
    pub fn new(pool: &[Image], size: usize, batch: usize, seed: u64) -> Self {
        let octaves = pool.iter().map(|image| octaves(image, size)).collect();
        Self { octaves, size, batch, motion: None, strengths: [1.0; 2], seed }
    }

    /// Every crop twice, the second moved by up to so many pixels, rows and columns.
    #[must_use]
    pub fn in_pairs(self, motion: usize) -> Self {
        Self { motion: Some(motion), ..self }
    }

    /// Of which each step draws a strength, the least and the most.
    #[must_use]
    pub fn with_strengths(self, strengths: [f32; 2]) -> Self {
        Self { strengths, ..self }
    }

    /// How strongly the style of a step should show: it multiplies the noise, from which a network learns to tell, and
    /// the photograph counts for more below 1, and for less above: see [`Photographs::weight`].
    #[must_use]
    pub fn strength(&self, step: u64) -> f32 {
        let [least, most] = self.strengths;
        least + (most - least) * Draw::new(self.seed, Stream::Strength, step).uniform()
    }

    /// What the photographs of a step count for, against 1 at a strength of 1: three times as much at 0, a third at 2.
    #[must_use]
    pub fn weight(&self, step: u64) -> f32 {
        let strength = self.strength(step);
        (3.0 - strength) / (1.0 + strength)
    }

    /// How many crops a step has.
    #[must_use]
    pub fn count(&self) -> usize {
        if self.motion.is_some() { 2 * self.batch } else { self.batch }
    }

    /// Rows and columns that the second crop of each pair of a step is moved by: it shows at a pixel what the first shows
    /// so far below and to the right. None where crops are single.
    #[must_use]
    pub fn motions(&self, step: u64) -> Vec<[i32; 2]> {
        let Some(most) = self.motion else { return Vec::new() };
        let mut draw = Draw::new(self.seed, Stream::Motion, step);
        let mut along = || draw.below(2 * most + 1) as i32 - most as i32;
        (0..self.batch).map(|_| [along(), along()]).collect()
    }

    /// Rows and columns of a crop.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The crops of a step: `[count, 3, size, size]`, sRGB-coded, in `[0, 1]`.
    #[must_use]
    pub fn crops(&self, step: u64) -> Vec<f32> {
        let mut draw = Draw::new(self.seed, Stream::Crop, step);
        let mut crops = Vec::with_capacity(self.count() * 3 * self.size * self.size);
        let motions = self.motions(step);
        for i in 0..self.batch {
            let moved = motions.get(i).copied();
            let place = draw.clone();
            self.crop(&mut draw, [0, 0], &mut crops);
            if let Some(motion) = moved {
                self.crop(&mut place.clone(), motion, &mut crops);
            }
        }
        crops
    }

    fn crop(&self, draw: &mut Draw, motion: [i32; 2], out: &mut Vec<f32>) {
        let octaves = &self.octaves[draw.below(self.octaves.len())];
        let wanted = self.size as f32 * draw.uniform().exp2();
        let short = |image: &Image| image.height().min(image.width()) as f32;
        let image = octaves.iter().rev().find(|image| short(image) >= wanted).unwrap_or(&octaves[0]);
        // Pixels of the photograph to one of the crop: a photograph that is smaller than a crop is enlarged.
        let ratio = short(image) / wanted;
        let mirrored = draw.uniform() < 0.5;
        // A mirrored picture moves the other way.
        let across = if mirrored { -motion[1] } else { motion[1] };
        let [rows, columns] = [(image.height(), motion[0]), (image.width(), across)].map(|(side, moved)| {
            let room = (side as f32 - ratio * self.size as f32).max(0.0);
            Taps::new(room * draw.uniform() + ratio * moved as f32, ratio, self.size, side)
        });
        let columns = if mirrored { columns.mirrored() } else { columns };
        for c in 0..3 {
            for &(row, below, share) in &rows.0 {
                let [above, below] = [image.row(c, row), image.row(c, below)];
                let at = |x: usize| above[x] + share * (below[x] - above[x]);
                let value = |&(left, right, share): &Tap| at(left) + share * (at(right) - at(left));
                out.extend(columns.0.iter().map(value));
            }
        }
    }
}

/// Two neighbours and the second's share of the value between them.
type Tap = (usize, usize, f32);

/// Linear interpolation along one axis.
struct Taps(Vec<Tap>);

impl Taps {
    /// `count` places from `start` on, `ratio` pixels apart, of an axis of `side` pixels.
    fn new(start: f32, ratio: f32, count: usize, side: usize) -> Self {
        let last = side - 1;
        let tap = |i: usize| {
            let place = (start + ratio * (i as f32 + 0.5) - 0.5).clamp(0.0, last as f32);
            let left = place as usize;
            (left, (left + 1).min(last), place - left as f32)
        };
        Self((0..count).map(tap).collect())
    }

    fn mirrored(mut self) -> Self {
        self.0.reverse();
        self
    }
}

/// The sizes of a photograph that crops are taken from.
fn octaves(image: &Image, size: usize) -> Vec<Image> {
    let short = |image: &Image| image.height().min(image.width());
    let mut octaves = vec![image.clone()];
    while let Some(last) = octaves.last().filter(|last| short(last) >= 2 * size) {
        octaves.push(last.halved());
        // No crop is more than twice as wide: what is larger is not used.
        if octaves.last().is_some_and(|half| short(half) >= 2 * size) {
            octaves.remove(octaves.len() - 2);
        }
    }
    octaves
}

/// Planes of `side * side` at every scale of a network of `scales`, the coarsest first: means of 2x2, again and again.
#[must_use]
pub fn pyramid(planes: Vec<f32>, side: usize, scales: usize) -> Vec<Vec<f32>> {
    let mut levels = vec![planes];
    for scale in 1..scales {
        let side = side >> (scale - 1);
        let coarser = levels[scale - 1].chunks_exact(side * side).flat_map(|p| halved(p, [side; 2]));
        levels.push(coarser.collect());
    }
    levels.reverse();
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red tells the column, green the row, as shares of the sides.
    fn map(height: usize, width: usize) -> Image {
        Image::from_fn(height, width, |y, x| {
            [(x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32, 0.25]
        })
    }

    #[test]
    fn crops_are_parts_of_a_photograph_one_to_two_crops_large_and_half_of_them_are_mirrored() {
        let pool = Photographs::new(&[map(300, 200)], 32, 1, 0);
        let (mut mirrored, mut shares) = (0, Vec::new());
        for step in 0..200 {
            let crop = pool.crops(step);
            assert_eq!(crop, pool.crops(step));
            let across = crop[31] - crop[0];
            mirrored += usize::from(across < 0.0);
            shares.push(across.abs() * 32.0 / 31.0);
            let down = crop[1024 + 31 * 32] - crop[1024];
            // The map is 1.5 times as high as wide: rows rise by less.
            assert!((down * 1.5 - across.abs()).abs() < 0.02, "{down} {across}");
            assert!((crop[2048] - 0.25).abs() < 1e-6);
        }
        let [least, most] = [f32::min, f32::max].map(|f| shares.iter().copied().reduce(f).expect("shares"));
        assert!((0.49..0.55).contains(&least) && (0.92..1.01).contains(&most), "{least} to {most}");
        assert!((70..130).contains(&mirrored), "{mirrored} of 200");
    }

    #[test]
    fn a_photograph_that_is_smaller_than_a_crop_is_enlarged() {
        let crop = Photographs::new(&[map(9, 5)], 32, 2, 1).crops(3);
        assert_eq!(crop.len(), 2 * 3 * 32 * 32);
        assert!(crop.iter().all(|v| (0.0..=1.0).contains(v)));
    }

    #[test]
    fn the_second_of_a_pair_shows_what_the_first_shows_further_on() {
        let noise = Image::from_fn(90, 120, |y, x| [((x * 7 + y * 13) % 32) as f32 / 32.0, 0.0, 1.0]);
        let pool = Photographs::new(&[noise], 32, 2, 4).in_pairs(5);
        let mut moved = 0;
        for step in 0..20 {
            let (crops, motions) = (pool.crops(step), pool.motions(step));
            assert_eq!((crops.len(), motions.len()), (4 * 3 * 1024, 2));
            for (pair, [dy, dx]) in crops.chunks_exact(2 * 3 * 1024).zip(motions) {
                moved += dy.abs() + dx.abs();
                let (first, second) = pair.split_at(3 * 1024);
                // Away from the borders of the photograph, which both may reach beyond.
                let differs = |y: i32, x: i32| {
                    let [a, b] = [(y + dy) * 32 + x + dx, y * 32 + x];
                    (first[a as usize] - second[b as usize]).abs() > 1e-4
                };
                let inside = (5..27).flat_map(|y| (5..27).map(move |x| (y, x)));
                let wrong = inside.filter(|&(y, x)| differs(y, x)).count();
                assert!(wrong <= 22 * 5, "{wrong} pixels after a motion by {dy} and {dx}");
            }
        }
        assert!(moved > 100);
    }

    #[test]
    fn a_strength_lies_where_it_must_and_weighs_the_photograph_against_the_style() {
        let pool = || Photographs::new(&[map(40, 40)], 16, 1, 5);
        assert!((0..20).all(|step| pool().strength(step) == 1.0 && pool().weight(step) == 1.0));
        let some = pool().with_strengths([0.5, 2.0]);
        let drawn: Vec<f32> = (0..200).map(|step| some.strength(step)).collect();
        assert!(drawn.iter().all(|s| (0.5..2.0).contains(s)) && drawn.iter().any(|&s| s < 0.6));
        for (step, strength) in drawn.into_iter().enumerate() {
            let weight = some.weight(step as u64);
            assert!((1.0 / 3.0..=5.0 / 3.0).contains(&weight) && (weight < 1.0) == (strength > 1.0));
        }
    }

    #[test]
    fn a_pyramid_holds_means() {
        let planes: Vec<f32> = (0..64).map(|i| (i % 8) as f32).collect();
        let levels = pyramid(planes, 8, 3);
        assert_eq!(levels.iter().map(Vec::len).collect::<Vec<_>>(), [4, 16, 64]);
        assert_eq!(levels[0], [1.5, 5.5, 1.5, 5.5]);
    }
}
