//! Randomness as a function of place: hashes, gradient noise and its sums, Voronoi cells, dice of an object.

use crate::geometry::{V2, mix, v2};

/// A hash of three numbers; two rounds of the mixer of 32 bits by Wellons.
pub(crate) fn hash(seed: u32, a: i32, b: i32) -> u32 {
    let first = scramble(seed ^ (a as u32).wrapping_mul(0x9E37_79B9));
    scramble(first ^ (b as u32).wrapping_mul(0x85EB_CA6B))
}

/// A hash as a number in `[0, 1)`.
pub(crate) fn unit(hash: u32) -> f32 {
    (hash >> 8) as f32 * (1.0 / 16_777_216.0)
}

fn scramble(value: u32) -> u32 {
    let x = (value ^ (value >> 16)).wrapping_mul(0x7FEB_352D);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

/// The random numbers of one object: the n-th is a hash of seed, object and n.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    key: u32,
    count: i32,
}

impl Dice {
    /// The dice of object `index` under `seed`.
    pub(crate) fn new(seed: u32, index: u32) -> Self {
        Self { key: hash(seed, index as i32, 0x5EED), count: 0 }
    }

    /// The next number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f32 {
        self.count += 1;
        unit(hash(self.key, self.count, 0))
    }

    /// The next number in `[from, to)`.
    pub(crate) fn between(&mut self, from: f32, to: f32) -> f32 {
        mix(from, to, self.unit())
    }

    /// The next number of a bell curve of mean 0 and standard deviation 0.5, within `[-1.5, 1.5]`.
    pub(crate) fn bell(&mut self) -> f32 {
        self.unit() + self.unit() + self.unit() - 1.5
    }

    /// True once in `1 / chance` throws.
    pub(crate) fn one_in(&mut self, chance: f32) -> bool {
        self.unit() * chance < 1.0
    }
}

/// Gradient noise of one seed; the lattice has a spacing of one unit of its argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise(pub(crate) u32);

impl Noise {
    /// Gradient noise (Perlin 2002), about in `[-1, 1]`, standard deviation near 0.35.
    pub(crate) fn at(self, p: V2) -> f32 {
        let (ix, iy) = (p.x.floor(), p.y.floor());
        let (fx, fy) = (p.x - ix, p.y - iy);
        let corner = |dx: i32, dy: i32| {
            let h = hash(self.0, ix as i32 + dx, iy as i32 + dy);
            gradient(h, fx - dx as f32, fy - dy as f32)
        };
        let (sx, sy) = (fade(fx), fade(fy));
        let top = mix(corner(0, 0), corner(1, 0), sx);
        mix(top, mix(corner(0, 1), corner(1, 1), sx), sy) * 1.5
    }

    /// Octaves of noise, each of twice the frequency and half the amplitude; about in `[-1, 1]`.
    pub(crate) fn fbm(self, p: V2, octaves: u32) -> f32 {
        self.octaves(p, octaves, |v| v)
    }

    /// Octaves of creased noise, about in `[0, 1]`: near 1 on thin lines, low elsewhere.
    pub(crate) fn ridged(self, p: V2, octaves: u32) -> f32 {
        self.octaves(p, octaves, |v| 1.0 - 2.2 * v.abs()) * 0.5 + 0.4
    }

    fn octaves(self, p: V2, octaves: u32, shape: impl Fn(f32) -> f32) -> f32 {
        let (mut sum, mut q, mut amplitude) = (0.0, p, 0.57);
        for i in 0..octaves {
            sum += amplitude * shape(Self(self.0.wrapping_add(i.wrapping_mul(0x68E3_1DA4))).at(q));
            // Turned by an irrational part of a circle, so that the lattices of the octaves never align.
            q = v2(1.6 * q.x - 1.2 * q.y + 7.3, 1.2 * q.x + 1.6 * q.y + 3.1);
            amplitude *= 0.5;
        }
        sum
    }

    /// `p` moved by up to about `amount`, by noise whose features are `size` wide.
    pub(crate) fn warped(self, p: V2, size: f32, amount: f32) -> V2 {
        let q = p * (1.0 / size);
        let other = Self(self.0 ^ 0xA5A5_0F0F);
        p + v2(self.fbm(q, 3), other.fbm(q, 3)) * amount
    }

    /// White noise in `[0, 1)`, constant on squares of one unit.
    pub(crate) fn white(self, p: V2) -> f32 {
        unit(hash(self.0, p.x.floor() as i32, p.y.floor() as i32))
    }
}

/// The inner product of an offset with one of sixteen directions, chosen by the hash.
fn gradient(hash: u32, x: f32, y: f32) -> f32 {
    const C: f32 = 0.923_879_5;
    const S: f32 = 0.382_683_43;
    let (a, b) = if hash & 1 == 0 { (C, S) } else { (S, C) };
    let a = if hash & 2 == 0 { a } else { -a };
    let b = if hash & 4 == 0 { b } else { -b };
    a * x + b * y
}

fn fade(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

/// The Voronoi cell around a point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// The point's place relative to the site of the cell.
    pub(crate) from_site: V2,
    /// Distance to the nearest border of the cell.
    pub(crate) border: f32,
    /// A hash of the cell.
    pub(crate) id: u32,
}

/// A Voronoi diagram: one site in every unit square, up to `jitter / 2` away from its middle along each axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells {
    pub(crate) seed: u32,
    pub(crate) jitter: f32,
    /// By how much of a unit every other row of sites is shifted.
    pub(crate) stagger: f32,
}

impl Cells {
    /// Sites anywhere in their squares.
    pub(crate) fn random(seed: u32) -> Self {
        Self::jittered(seed, 1.0)
    }

    /// Sites within `jitter / 2` of the middles of their squares.
    pub(crate) fn jittered(seed: u32, jitter: f32) -> Self {
        Self { seed, jitter, stagger: 0.0 }
    }

    /// The cell at `p`.
    pub(crate) fn at(self, p: V2) -> Cell {
        let (ix, iy) = (p.x.floor() as i32, p.y.floor() as i32);
        let sites: [(V2, u32); 25] = std::array::from_fn(|i| {
            let (site, id) = self.site(ix + i as i32 % 5 - 2, iy + i as i32 / 5 - 2);
            (site - p, id)
        });
        let near = (0..25).fold(0, |best, i| if dist2(sites[i].0) < dist2(sites[best].0) { i } else { best });
        let own = sites[near].0;
        let border = (0..25).filter(|&i| i != near).map(|i| middle_distance(own, sites[i].0));
        Cell { from_site: own * -1.0, border: border.fold(f32::MAX, f32::min), id: sites[near].1 }
    }

    fn site(self, x: i32, y: i32) -> (V2, u32) {
        let h = hash(self.seed, x, y);
        let move_by = |h: u32| 0.5 + self.jitter * (unit(h) - 0.5);
        let shift = self.stagger * (y & 1) as f32;
        (v2(x as f32 + shift + move_by(h), y as f32 + move_by(scramble(h ^ 0x51))), h)
    }
}

fn dist2(v: V2) -> f32 {
    v.dot(v)
}

/// The distance of the origin from the line half-way between two sites.
fn middle_distance(own: V2, other: V2) -> f32 {
    let across = other - own;
    ((own + other) * 0.5).dot(across) / across.length().max(1e-6)
}
