//! Colours in linear light, and the sRGB curve.

use std::ops::{Add, Mul};
use std::sync::LazyLock;

use crate::geometry;

/// Red, green and blue in linear light: reflectance or radiance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rgb(pub(crate) [f32; 3]);

/// The linear values of the 256 steps of sRGB: painters ask for colours at every sample, and powers are slow.
static DECODED: LazyLock<[f32; 256]> = LazyLock::new(|| std::array::from_fn(|i| decode(i as f32 / 255.0)));

/// The linear colour of an sRGB colour written `0xRRGGBB`.
pub(crate) fn hex(code: u32) -> Rgb {
    let decoded = &*DECODED;
    Rgb([16, 8, 0].map(|shift| decoded[((code >> shift) & 0xFF) as usize]))
}

impl Rgb {
    /// Equal parts of the three colours.
    pub(crate) const fn grey(value: f32) -> Self {
        Self([value; 3])
    }

    /// `self` at `t = 0`, `other` at `t = 1`.
    pub(crate) fn mix(self, other: Self, t: f32) -> Self {
        self.zip(other, |a, b| geometry::mix(a, b, t))
    }

    /// The mean of the three values.
    pub(crate) fn mean(self) -> f32 {
        (self.0[0] + self.0[1] + self.0[2]) / 3.0
    }

    /// Further from grey for `amount > 1`, closer to it below; never negative.
    pub(crate) fn saturated(self, amount: f32) -> Self {
        let grey = self.mean();
        Self(self.0.map(|v| geometry::mix(grey, v, amount).max(0.0)))
    }

    /// Every value by itself.
    pub(crate) fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }

    /// Value by value.
    pub(crate) fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self([0, 1, 2].map(|c| f(self.0[c], other.0[c])))
    }
}

impl Add for Rgb {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Mul<f32> for Rgb {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        Self(self.0.map(|v| v * factor))
    }
}

impl Mul for Rgb {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

/// A colour between neighbours of `colours`; `t` in `[0, 1]` runs over the whole list.
pub(crate) fn ramp(colours: &[Rgb], t: f32) -> Rgb {
    let place = t.clamp(0.0, 1.0) * (colours.len() - 1) as f32;
    let i = (place as usize).min(colours.len() - 2);
    colours[i].mix(colours[i + 1], place - i as f32)
}

/// One of `colours`, chosen by `t` in `[0, 1)`.
pub(crate) fn pick(colours: &[Rgb], t: f32) -> Rgb {
    colours[((t * colours.len() as f32) as usize).min(colours.len() - 1)]
}

/// Linear light in `[0, 1]` as an sRGB-coded value (IEC 61966-2-1).
pub(crate) fn encode(linear: f32) -> f32 {
    if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// An sRGB-coded value in `[0, 1]` as linear light.
pub(crate) fn decode(coded: f32) -> f32 {
    if coded <= 0.040_45 { coded / 12.92 } else { ((coded + 0.055) / 1.055).powf(2.4) }
}
