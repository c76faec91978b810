//! Points of the plane, and the scalar functions that every painter uses.

use std::ops::{Add, Mul, Sub};

/// A point or a direction, in pixels of the finished picture; `y` points down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct V2 {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

/// The point `(x, y)`.
pub(crate) const fn v2(x: f32, y: f32) -> V2 {
    V2 { x, y }
}

impl V2 {
    /// The unit vector at `angle` radians from the x axis.
    pub(crate) fn unit(angle: f32) -> Self {
        v2(angle.cos(), angle.sin())
    }

    /// Euclidean length.
    pub(crate) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// Inner product.
    pub(crate) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    /// Turned by `angle` radians.
    pub(crate) fn turned(self, angle: f32) -> Self {
        let u = Self::unit(angle);
        v2(self.x * u.x - self.y * u.y, self.x * u.y + self.y * u.x)
    }

    /// Each coordinate multiplied by its own factor.
    pub(crate) fn stretched(self, x: f32, y: f32) -> Self {
        v2(self.x * x, self.y * y)
    }
}

impl Add for V2 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        v2(self.x + other.x, self.y + other.y)
    }
}

impl Sub for V2 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        v2(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for V2 {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        v2(self.x * factor, self.y * factor)
    }
}

/// `a` at `t = 0`, `b` at `t = 1`, straight between and beyond.
pub(crate) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `from`, 1 above `to`, a cubic with flat ends between; falls where `from > to`.
pub(crate) fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The height of half an ellipse over `[-1, 1]`: 1 in the middle, 0 at the ends and beyond.
pub(crate) fn arch(t: f32) -> f32 {
    (1.0 - t * t).max(0.0).sqrt()
}

/// A minimum without a crease: `min(a, b)` rounded off where they are within `width` of each other.
pub(crate) fn soft_min(a: f32, b: f32, width: f32) -> f32 {
    let h = (width - (a - b).abs()).max(0.0) / width;
    a.min(b) - h * h * width * 0.25
}
