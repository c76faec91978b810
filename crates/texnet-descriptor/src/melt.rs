//! What generators get wrong: things that have grown together, are bent, or have ragged outlines.

use std::f32::consts::TAU;

use texnet::draw::Draw;
use texnet_infer::Image;

use crate::crops::bilinear;

/// Plane waves of a field.
const WAVES: usize = 8;
/// Wavelengths of masks and of what is bent, in pixels.
const LONG: [f32; 2] = [8.0, 28.0];
/// Wavelengths of ragged outlines.
const SHORT: [f32; 2] = [2.5, 6.0];
/// How far pixels are moved, in wavelengths, for the two of them.
const REACH: [f32; 2] = [0.12, 0.35];

/// Two views of a texture whose things are spoilt, in the same way in both.
pub(crate) fn melted(views: &[Image; 2], draw: &mut Draw) -> [Image; 2] {
    match draw.below(3) {
        0 => mixed(views, draw),
        1 => moved(views, LONG, REACH[0], draw),
        _ => moved(views, SHORT, REACH[1], draw),
    }
}

/// Each view with parts of the other, which it passes into softly.
fn mixed([a, b]: &[Image; 2], draw: &mut Draw) -> [Image; 2] {
    let mask = Field::new(LONG, draw);
    let sharpness = 1.0 + 3.0 * draw.uniform();
    [(a, b), (b, a)].map(|(a, b)| {
        Image::from_fn(a.height(), a.width(), |y, x| {
            let share = 0.5 + 0.5 * (sharpness * mask.at(y, x)).tanh();
            let [a, b] = [a, b].map(|image| image.pixel(y, x));
            [0, 1, 2].map(|c| share * a[c] + (1.0 - share) * b[c])
        })
    })
}

/// Views whose pixels are moved by smooth noise.
fn moved(views: &[Image; 2], lengths: [f32; 2], reach: f32, draw: &mut Draw) -> [Image; 2] {
    let reach = reach * (0.5 + draw.uniform());
    views.each_ref().map(|image| {
        let [down, across] = [0, 1].map(|_| Field::new(lengths, draw));
        let by = |field: &Field, y, x| reach * field.length * field.at(y, x);
        Image::from_fn(image.height(), image.width(), |y, x| {
            let v = reflected(y as f32 + by(&down, y, x), image.height());
            let u = reflected(x as f32 + by(&across, y, x), image.width());
            bilinear(image, v, u)
        })
    })
}

/// A place beyond a picture of this many pixels, as in a mirror at its edge.
fn reflected(at: f32, side: usize) -> f32 {
    let last = (side - 1) as f32;
    (last - (last - at.abs()).abs()).clamp(0.0, last)
}

/// Smooth noise of variance 1.
struct Field {
    /// Mean wavelength, in pixels.
    length: f32,
    waves: [[f32; 3]; WAVES],
}

impl Field {
    fn new([least, most]: [f32; 2], draw: &mut Draw) -> Self {
        let length = least * (most / least).powf(draw.uniform());
        let waves = std::array::from_fn(|_| {
            let (angle, frequency) = (TAU * draw.uniform(), TAU / length * (0.6 + 0.8 * draw.uniform()));
            [frequency * angle.cos(), frequency * angle.sin(), TAU * draw.uniform()]
        });
        Self { length, waves }
    }

    fn at(&self, y: usize, x: usize) -> f32 {
        let wave = |[a, b, phase]: &[f32; 3]| (a * y as f32 + b * x as f32 + phase).cos();
        self.waves.iter().map(wave).sum::<f32>() * (2.0 / WAVES as f32).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use texnet::draw::Stream;

    use super::*;

    const SIDE: usize = 48;

    fn draw(seed: u64) -> Draw {
        Draw::new(seed, Stream::Noise, 0)
    }

    #[test]
    fn straight_things_are_bent_or_mixed_and_nothing_is_added() {
        let stripes = |phase: usize| {
            Image::from_fn(SIDE, SIDE, |_, x| [if (x + phase) % 8 < 4 { 0.9 } else { 0.1 }, 0.5, 0.2])
        };
        let pair = [stripes(0), stripes(3)];
        for seed in 0..20 {
            for image in melted(&pair, &mut draw(seed)) {
                let red = |y: usize, x: usize| image.pixel(y, x)[0];
                let places = || (1..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x)));
                let bent = places().filter(|&(y, x)| (red(y, x) - red(0, x)).abs() > 0.1).count();
                assert!(bent > SIDE * SIDE / 20, "seed {seed}: {bent}");
                assert!(places().all(|(y, x)| (0.0999..0.9001).contains(&red(y, x))), "seed {seed}");
                assert!(places().all(|(y, x)| (image.pixel(y, x)[1] - 0.5).abs() < 1e-5));
            }
        }
    }

    #[test]
    fn fields_have_mean_0_and_variance_1() {
        let fields: Vec<Field> = (0..64).map(|seed| Field::new(SHORT, &mut draw(seed))).collect();
        let values = || fields.iter().flat_map(|f| (0..64 * 64).map(move |i| f.at(i / 64, i % 64)));
        let mean =
            |values: &mut dyn Iterator<Item = f32>| values.sum::<f32>() / (fields.len() * 64 * 64) as f32;
        let (first, second) = (mean(&mut values()), mean(&mut values().map(|v| v * v)));
        assert!(first.abs() < 0.02 && (second - 1.0).abs() < 0.05, "{first} {second}");
    }

    #[test]
    fn places_beyond_a_picture_are_reflected_into_it() {
        let found = [-1.5, 0.0, 4.0, 10.5, 40.0].map(|at| reflected(at, 10));
        assert_eq!(found, [1.5, 0.0, 4.0, 7.5, 0.0]);
    }
}
