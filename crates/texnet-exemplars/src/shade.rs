//! Light: a surface becomes a photograph from above under a sun and a sky.
//!
//! Per sample: a normal from the heights, sun by Lambert and Blinn-Phong with a soft shadow, sky by the horizon around,
//! light between neighbours by a brightening of occlusion with the albedo (Jimenez et al. 2016). Samples are averaged
//! in linear light, as a sensor does, and only then go through a film's shoulder and the sRGB curve.

use rayon::prelude::*;
use texnet_infer::Image;

use crate::colour::{Rgb, encode};
use crate::geometry::{V2, smooth};
use crate::noise::{hash, unit};
use crate::surface::{Canvas, MARGIN, SAMPLES, Sample, Surface};

/// Directions in which the horizon is measured, per sample; they turn from sample to sample.
const DIRECTIONS: usize = 6;
/// Steps of a walk along a direction.
const STEPS: i32 = 7;
/// Steps of the walk towards the sun.
const SHADOW_STEPS: i32 = 18;
/// Brings a flat surface in the default light to its own reflectance.
const METER: f32 = 0.77;
/// Light scattered in the lens, so that no gap is perfectly black.
const FLARE: f32 = 0.0035;

/// Sun, sky and camera.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Light {
    /// Where the sun is, in radians from the x axis; the default is the upper left.
    pub(crate) azimuth: f32,
    /// Tangent of the sun's elevation.
    pub(crate) slope: f32,
    /// Radiance of the sun.
    pub(crate) sun: f32,
    /// Radiance of the sky.
    pub(crate) sky: f32,
    /// How wide a shadow's edge is at a distance of 1.
    pub(crate) softness: f32,
    /// How far the horizon is looked for, in pixels; at most the margin.
    pub(crate) reach: f32,
    /// Factor on everything, before the film.
    pub(crate) exposure: f32,
}

impl Default for Light {
    fn default() -> Self {
        Self { azimuth: -2.2, slope: 1.05, sun: 0.95, sky: 0.62, softness: 0.45, reach: 18.0, exposure: 1.0 }
    }
}

const SUN: Rgb = Rgb([1.0, 0.955, 0.88]);
const SKY: Rgb = Rgb([0.9, 0.95, 1.0]);

impl Light {
    /// The photograph of the surface's window.
    pub(crate) fn photograph(&self, surface: &Surface) -> Image {
        let window = surface.canvas.window;
        let (shot, columns) = (Shot::new(self, surface), window.width + 2);
        let pixels: Vec<Rgb> = (0..(window.height + 2) * columns)
            .into_par_iter()
            .map(|i| {
                shot.pixel(i / columns, i % columns).map(|v| encode(film(v * self.exposure * METER + FLARE)))
            })
            .collect();
        Image::from_fn(window.height, window.width, |y, x| {
            sharpened(&pixels, columns, (y + 1) * columns + x + 1).0
        })
    }
}

/// A pixel moved away from the mean of its four neighbours, as cameras do; at most as far as the room to black and
/// white allows.
fn sharpened(pixels: &[Rgb], columns: usize, i: usize) -> Rgb {
    const STRENGTH: f32 = 0.45;
    let around = pixels[i - 1] + pixels[i + 1] + pixels[i - columns] + pixels[i + columns];
    pixels[i].zip(around * 0.25, |own, mean| {
        let room = own.min(1.0 - own);
        own + (STRENGTH * (own - mean)).clamp(-0.7 * room, 0.7 * room)
    })
}

/// Linear up to one half, then a shoulder that never reaches 1.
fn film(value: f32) -> f32 {
    const KNEE: f32 = 0.5;
    if value < KNEE { value.max(0.0) } else { 1.0 - (1.0 - KNEE) * (-(value - KNEE) / (1.0 - KNEE)).exp() }
}

/// A surface under a light, with what they have in common computed once.
struct Shot<'a> {
    light: &'a Light,
    samples: &'a [Sample],
    /// Of the samples, apart from them because most steps of the walks below read nothing else.
    heights: Vec<f32>,
    canvas: Canvas,
    to_sun: V2,
    /// Unit vector to the sun, and between it and the camera.
    sun: [f32; 3],
    half: [f32; 3],
}

impl<'a> Shot<'a> {
    fn new(light: &'a Light, surface: &'a Surface) -> Self {
        let to_sun = V2::unit(light.azimuth);
        let sun = normalised([to_sun.x, to_sun.y, light.slope]);
        let half = normalised([sun[0], sun[1], sun[2] + 1.0]);
        let heights = surface.samples.iter().map(|s| s.height).collect();
        Self { light, samples: &surface.samples, heights, canvas: surface.canvas, to_sun, sun, half }
    }

    /// The light on a pixel, counted from one row and one column before the window.
    fn pixel(&self, y: usize, x: usize) -> Rgb {
        let (row, column) = ((y + MARGIN - 1) * SAMPLES, (x + MARGIN - 1) * SAMPLES);
        let all = (0..SAMPLES * SAMPLES).map(|i| self.radiance(row + i / SAMPLES, column + i % SAMPLES));
        all.fold(Rgb::grey(0.0), |a, b| a + b) * (1.0 / (SAMPLES * SAMPLES) as f32)
    }

    fn radiance(&self, row: usize, column: usize) -> Rgb {
        let sample = self.samples[row * self.canvas.columns() + column];
        let normal = self.normal(row, column);
        let turn = self.turn(row, column);
        let open = self.openness(row, column, turn);
        let lit = self.sunlit(row, column, turn) * dot(normal, self.sun).max(0.0);
        let highlight = sample.gloss * self.highlight(normal, sample.polish) * lit;
        let mirrored = 0.04 * sample.gloss * open * (1.6 - normal[2]);
        let sky = brightened(open, sample.albedo) * SKY * (self.light.sky * (0.55 + 0.45 * normal[2]));
        let sun = SUN * (self.light.sun * lit);
        sample.albedo * (sky + sun) + SUN * (self.light.sun * highlight) + SKY * (self.light.sky * mirrored)
    }

    fn highlight(&self, normal: [f32; 3], polish: f32) -> f32 {
        dot(normal, self.half).max(0.0).powf(polish * 4.0) * (polish * 4.0 + 8.0) * 0.012
    }

    fn height(&self, row: i32, column: i32) -> f32 {
        let row = row.clamp(0, self.canvas.rows() as i32 - 1) as usize;
        let column = column.clamp(0, self.canvas.columns() as i32 - 1) as usize;
        self.heights[row * self.canvas.columns() + column]
    }

    fn normal(&self, row: usize, column: usize) -> [f32; 3] {
        let (y, x) = (row as i32, column as i32);
        let half = 0.5 * SAMPLES as f32;
        let dx = (self.height(y, x + 1) - self.height(y, x - 1)) * half;
        let dy = (self.height(y + 1, x) - self.height(y - 1, x)) * half;
        normalised([-dx, -dy, 1.0])
    }

    /// A number in `[0, 1)` that differs among neighbours and is the same in every window.
    fn turn(&self, row: usize, column: usize) -> f32 {
        let y = row as i64 + self.canvas.window.y * SAMPLES as i64;
        let x = column as i64 + self.canvas.window.x * SAMPLES as i64;
        unit(hash(0x11A7, y as i32, x as i32))
    }

    /// The height `distance` pixels from a sample.
    fn height_at(&self, row: usize, column: usize, direction: V2, distance: f32) -> f32 {
        let offset = direction * (distance * SAMPLES as f32);
        self.height(row as i32 + offset.y.round() as i32, column as i32 + offset.x.round() as i32)
    }

    /// The part of the sky's light that reaches a sample.
    fn openness(&self, row: usize, column: usize, turn: f32) -> f32 {
        let own = self.samples[row * self.canvas.columns() + column].height;
        let along = |d: usize| {
            let direction = V2::unit((d as f32 + turn) * std::f32::consts::TAU / DIRECTIONS as f32);
            let rise = (1..=STEPS).map(|i| {
                let part = (i as f32 - 0.5 + 0.5 * turn) / STEPS as f32;
                let distance = 0.5 + part * part * self.light.reach;
                (self.height_at(row, column, direction, distance) - own) / distance * (1.0 - part * 0.6)
            });
            let tangent = rise.fold(0.0, f32::max);
            1.0 / (1.0 + tangent * tangent)
        };
        (0..DIRECTIONS).map(along).sum::<f32>() / DIRECTIONS as f32
    }

    /// The part of the sun that a sample sees.
    fn sunlit(&self, row: usize, column: usize, turn: f32) -> f32 {
        let own = self.samples[row * self.canvas.columns() + column].height;
        let furthest = MARGIN as f32 - 3.0;
        let hidden = (1..=SHADOW_STEPS).map(|i| {
            let part = (i as f32 - 0.7 + 0.7 * turn) / SHADOW_STEPS as f32;
            let distance = 0.4 + part * part * furthest;
            let ray = own + self.light.slope * distance;
            let above = self.height_at(row, column, self.to_sun, distance) - ray;
            above / (self.light.softness * distance + 0.3)
        });
        1.0 - smooth(-0.5, 0.6, hidden.fold(-1.0, f32::max))
    }
}

/// Occlusion with the light that neighbours of the same albedo throw back.
fn brightened(open: f32, albedo: Rgb) -> Rgb {
    Rgb(albedo.0.map(|a| {
        // Saturated colours would make gaps glow.
        let a = a.min(0.5);
        let (a, b, c) = (2.0404 * a - 0.3324, -4.7951 * a + 0.6417, 2.7552 * a + 0.6903);
        open.max(((open * a + b) * open + c) * open)
    }))
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn normalised(v: [f32; 3]) -> [f32; 3] {
    let scale = 1.0 / dot(v, v).sqrt();
    v.map(|x| x * scale)
}

#[cfg(test)]
mod tests {
    use texnet_infer::Window;

    use super::*;
    use crate::geometry::v2;

    fn shot_of(height: impl Fn(V2) -> f32 + Sync) -> Image {
        let canvas = Canvas { window: Window::sized(40, 40), seed: 0 };
        let surface = Surface::from_fn(&canvas, |p| Sample::matte(height(p), Rgb::grey(0.3)));
        Light::default().photograph(&surface)
    }

    #[test]
    fn a_flat_surface_is_evenly_lit() {
        let image = shot_of(|_| 5.0);
        let first = image.data()[0];
        assert!(image.row(0, 0).iter().chain(image.row(0, 39)).all(|v| (v - first).abs() < 1e-5));
    }

    #[test]
    fn a_step_throws_its_shadow_away_from_the_sun() {
        let image = shot_of(|p| if p.x < 20.0 { 8.0 } else { 0.0 });
        let [open, high, shadow] = [38, 4, 22].map(|x| image.pixel(20, x)[1]);
        assert!(shadow < 0.8 * open && (open - high).abs() < 0.05, "{open} {high} {shadow}");
    }

    #[test]
    fn a_pit_is_darker_than_the_ground_around_it() {
        let image = shot_of(|p| if (p - v2(20.0, 20.0)).length() < 4.0 { -8.0 } else { 0.0 });
        assert!(image.pixel(20, 20)[1] < 0.6 * image.pixel(36, 4)[1]);
    }
}
