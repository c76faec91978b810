//! Colours that go together: from nearly one to gaudy, from dark to bright.

use super::one_of;
use crate::colour::Rgb;
use crate::noise::Dice;

/// Some colours around a hue.
#[derive(Debug, Clone)]
pub(super) struct Palette(Vec<Rgb>);

impl Palette {
    /// Of this many colours.
    pub(super) fn new(dice: &mut Dice, count: usize) -> Self {
        let spread = one_of(dice, [0.03, 0.1, 0.3, 1.0]);
        let (hue, saturation) = (dice.unit(), dice.unit().powf(0.8));
        let (value, contrast) = (dice.between(0.3, 0.8), dice.between(0.1, 0.6));
        let colour = |_| {
            let h = hue + spread * (dice.unit() - 0.5);
            let s = (saturation + 0.4 * (dice.unit() - 0.5)).clamp(0.0, 1.0);
            let v = (value + contrast * (2.0 * dice.unit() - 1.0)).clamp(0.03, 1.0);
            hsv(h, s, v)
        };
        Self((0..count).map(colour).collect())
    }

    /// Of 2 to `most` colours.
    pub(super) fn some(dice: &mut Dice, most: usize) -> Self {
        let count = 2 + (dice.unit() * (most - 1) as f32) as usize;
        Self::new(dice, count.min(most))
    }

    /// The first.
    pub(super) fn first(&self) -> Rgb {
        self.0[0]
    }

    /// One of them, for `t` in `[0, 1)`.
    pub(super) fn pick(&self, t: f32) -> Rgb {
        crate::colour::pick(&self.0, t)
    }

    /// Between neighbours, for `t` in `[0, 1]`; or one of them.
    pub(super) fn at(&self, t: f32, stepped: bool) -> Rgb {
        if stepped || self.0.len() < 2 {
            return self.pick(t.clamp(0.0, 0.999));
        }
        crate::colour::ramp(&self.0, t)
    }
}

/// Hue in turns, saturation and value in `[0, 1]`.
fn hsv(hue: f32, saturation: f32, value: f32) -> Rgb {
    let channel = |turn: f32| {
        let t = (hue + turn).rem_euclid(1.0) * 6.0;
        let full = ((t - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        value * (1.0 - saturation * (1.0 - full))
    };
    Rgb([0.0, 2.0 / 3.0, 1.0 / 3.0].map(channel))
}
