//! Noise and waves through ramps of colours.

use super::palette::Palette;
use super::{Place, log_between, one_of, turn};
use crate::geometry::{V2, v2};
use crate::noise::{Dice, Noise};

/// What a field is made of.
#[derive(Debug, Clone)]
enum Kind {
    /// Octaves, or their creases.
    Clouds { octaves: u32, ridged: bool },
    /// Frequency vectors of waves, in turns per pixel; added, or multiplied.
    Waves { waves: Vec<V2>, woven: bool },
}

/// Noise or waves.
#[derive(Debug, Clone)]
pub(super) struct Field {
    noise: Noise,
    kind: Kind,
    size: f32,
    /// How much longer structures are along `angle`.
    stretch: f32,
    angle: f32,
    warp: f32,
    /// Steepness of a threshold; none when 0.
    hard: f32,
    stepped: bool,
    palette: Palette,
}

impl Field {
    pub(super) fn clouds(dice: &mut Dice) -> Self {
        let kind = Kind::Clouds { octaves: 1 + (dice.unit() * 5.0) as u32, ridged: dice.one_in(3.0) };
        Self { size: log_between(dice, 5.0, 60.0), ..Self::plain(dice, kind) }
    }

    pub(super) fn waves(dice: &mut Dice) -> Self {
        let count = 1 + (dice.unit() * 3.0) as usize;
        let wave = |_| V2::unit(turn(dice)) * (1.0 / log_between(dice, 4.0, 24.0));
        let waves = (0..count).map(wave).collect();
        let kind = Kind::Waves { waves, woven: dice.one_in(3.0) };
        Self { stretch: 1.0, ..Self::plain(dice, kind) }
    }

    fn plain(dice: &mut Dice, kind: Kind) -> Self {
        Self {
            noise: Noise((dice.unit() * 1e9) as u32),
            kind,
            size: 1.0,
            stretch: if dice.one_in(2.0) { 1.0 } else { dice.between(1.5, 5.0) },
            angle: turn(dice),
            warp: one_of(dice, [0.0, 2.0, 8.0]),
            hard: if dice.one_in(3.0) { dice.between(2.0, 9.0) } else { 0.0 },
            stepped: dice.one_in(3.0),
            palette: Palette::some(dice, 6),
        }
    }

    pub(super) fn at(&self, p: V2) -> Place {
        let p = if self.warp > 0.0 { self.noise.warped(p, 30.0, self.warp) } else { p };
        let value = match &self.kind {
            Kind::Clouds { octaves, ridged } => {
                let q = p
                    .turned(self.angle)
                    .stretched(1.0 / (self.size * self.stretch), self.stretch.sqrt() / self.size);
                if *ridged {
                    2.0 * self.noise.ridged(q, *octaves) - 1.0
                } else {
                    1.6 * self.noise.fbm(q, *octaves)
                }
            }
            Kind::Waves { waves, woven } => {
                let wave = |w: &V2| (std::f32::consts::TAU * w.dot(p)).sin();
                if *woven {
                    waves.iter().map(wave).product()
                } else {
                    waves.iter().map(wave).sum::<f32>() / (waves.len() as f32).sqrt()
                }
            }
        };
        let value = if self.hard > 0.0 { (self.hard * value).tanh() } else { value };
        let colour = self.palette.at(0.5 + 0.5 * value, self.stepped);
        Place { colour, height: 3.0 * value }
    }

    /// A blotchy mask in `[0, 1]`.
    pub(super) fn mask(noise: Noise, size: f32, p: V2) -> f32 {
        (0.5 + 4.0 * noise.fbm(v2(p.x / size, p.y / size), 2)).clamp(0.0, 1.0)
    }
}
