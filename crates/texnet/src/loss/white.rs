//! Where textures are compared without a network: a Gaussian pyramid in the exemplar's own colour space.

use rayon::prelude::*;
use texnet_infer::Image;
use texnet_kernels::Border;
use texnet_kernels::learn::pyramid;

use super::colour::Whitening;
use super::host::Measured;
use crate::profile::{Work, measured};

/// A picture of three planes.
#[derive(Debug, Clone)]
pub(crate) struct Planes {
    pub(crate) data: Vec<f32>,
    pub(crate) size: [usize; 2],
}

impl Planes {
    /// The values of a square patch, channel by channel, row by row; `y` and `x` are those of its corner.
    pub(crate) fn patch(&self, y: usize, x: usize, side: usize) -> impl Iterator<Item = f32> {
        let [height, width] = self.size;
        let places = (0..3 * side * side).map(move |t| (t / (side * side), t / side % side, t % side));
        places.map(move |(c, ky, kx)| self.data[(c * height + y + ky) * width + x + kx])
    }

    fn halve(&mut self) {
        self.data = pyramid::reduce(&self.data, self.size, Border::Reflect);
        self.size = pyramid::reduced(self.size);
    }
}

/// The exemplars at every level, the finest first.
pub(crate) fn exemplar_levels(whitening: &Whitening, exemplars: &[Image], levels: usize) -> Vec<Vec<Planes>> {
    let mut pictures: Vec<Planes> = exemplars.iter().map(|image| whitening.apply(image)).collect();
    let next = |level: usize| {
        if level > 0 {
            pictures.iter_mut().for_each(Planes::halve);
        }
        pictures.clone()
    };
    (0..levels).map(next).collect()
}

/// Distance between rows and columns of patches, so that `pictures` of this size have at most `most` in all.
pub(crate) fn thin([height, width]: [usize; 2], pictures: usize, most: usize) -> usize {
    let share = (most / pictures).max(1);
    (1..).find(|s| (height / s) * (width / s) <= share).unwrap_or(1)
}

/// The way of pictures, tori of one size, into the pyramid, and of gradients back.
#[derive(Debug, Clone)]
pub(crate) struct White {
    pub(crate) whitening: Whitening,
    pub(crate) size: [usize; 2],
    pub(crate) levels: usize,
}

impl White {
    /// Rows and columns of a level.
    pub(crate) fn size_at(&self, level: usize) -> [usize; 2] {
        self.size.map(|side| side >> level)
    }

    /// The sum of what every level contributes, and its gradient to a batch `[n, 3, height, width]`. `share` gets a
    /// level and its planes of every picture, and returns its value and the gradients to them.
    pub(crate) fn measure(
        &self,
        pictures: &[f32],
        share: impl Fn(usize, &[Vec<f32>]) -> (f32, Vec<Vec<f32>>) + Sync,
    ) -> Measured {
        // A level holds a quarter of the one before: four thirds in all, and five plus five taps a pixel.
        let work = Work::new(pictures.len() * 8, pictures.len() * 3);
        let levels = measured("pyramid", work, || self.split(pictures));
        let shares: Vec<(f32, Vec<Vec<f32>>)> =
            levels.par_iter().enumerate().map(|(level, pictures)| share(level, pictures)).collect();
        let value = shares.iter().map(|(value, _)| value).sum();
        let gradients = shares.into_iter().map(|(_, gradient)| gradient).collect();
        Measured { value, gradient: measured("pyramid gradient", work, || self.gather(gradients)) }
    }

    /// The planes of every level of every picture of a batch `[n, 3, height, width]`: `[level][picture]`.
    fn split(&self, pictures: &[f32]) -> Vec<Vec<Vec<f32>>> {
        let volume = 3 * self.size[0] * self.size[1];
        let white = pictures.chunks_exact(volume).map(|p| self.whitening.planes(p));
        let mut levels: Vec<Vec<Vec<f32>>> = vec![white.collect()];
        for level in 1..self.levels {
            let size = self.size_at(level - 1);
            let reduced = levels[level - 1].iter().map(|p| pyramid::reduce(p, size, Border::Circular));
            let reduced = reduced.collect();
            levels.push(reduced);
        }
        levels
    }

    /// The gradient to the batch from those to its planes.
    fn gather(&self, mut gradients: Vec<Vec<Vec<f32>>>) -> Vec<f32> {
        while gradients.len() > 1 {
            let coarse = gradients.pop().unwrap_or_default();
            let level = gradients.len() - 1;
            for (coarse, fine) in coarse.iter().zip(&mut gradients[level]) {
                pyramid::reduce_adjoint(coarse, self.size_at(level), Border::Circular, fine);
            }
        }
        let of_pictures: Vec<Vec<f32>> =
            gradients.iter().flatten().map(|g| self.whitening.adjoint(g)).collect();
        of_pictures.concat()
    }
}
