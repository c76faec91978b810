//! Yarn and rods, interlaced: cloth, knitting, wicker.

use crate::colour::{Rgb, hex, pick};
use crate::geometry::{V2, arch, mix, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Dice, Noise};
use crate::objects::{Object, strew};
use crate::shade::Light;
use crate::surface::{Canvas, Outline, Rectangle, Sample, Surface};

/// A straight run of yarn at a place: how far across it (-1 to 1), how far along in pixels, its number.
#[derive(Clone, Copy)]
struct Run {
    across: f32,
    along: f32,
    id: u32,
}

/// A twill of wool.
pub(crate) fn cloth(canvas: &Canvas) -> Scene {
    let mut surface = Surface::from_fn(canvas, |p| weave(canvas, p));
    surface.lay(&hairs(canvas, 7.0, 2), hair_sample);
    Scene {
        surface,
        light: Light { slope: 0.9, sun: 1.0, sky: 0.72, reach: 9.0, exposure: 1.1, ..Light::default() },
    }
}

/// Distance between neighbouring threads of the cloth, in pixels.
const PITCH: f32 = 9.0;

fn weave(canvas: &Canvas, p: V2) -> Sample {
    let p = canvas.noise(0).warped(p, 60.0, 3.0);
    let ground = Sample::matte(-5.0, hex(0x1c1a18));
    let i = (p.x / PITCH).floor();
    let j = (p.y / PITCH).floor();
    let threads = [-1.0, 0.0, 1.0].into_iter().flat_map(|d| [(p, i + d, 0), (v2(p.y, p.x), j + d, 1)]);
    threads.filter_map(|(q, number, set)| thread(canvas, q, number, set)).fold(ground, higher)
}

fn higher(a: Sample, b: Sample) -> Sample {
    if b.height > a.height { b } else { a }
}

/// Thread `number` of the warp (`set` 0) or the weft (1) at `q`, whose `y` runs along the thread.
fn thread(canvas: &Canvas, q: V2, number: f32, set: u32) -> Option<Sample> {
    let noise = Noise(canvas.key(10 + set).wrapping_add((number as i32) as u32));
    let middle = (number + 0.5) * PITCH + 1.3 * noise.fbm(v2(q.y / 30.0, 0.3), 2);
    let slub = 1.0 + 0.22 * noise.fbm(v2(q.y / 24.0, 5.3), 3);
    let across = (q.x - middle) / (0.55 * PITCH * slub);
    if across.abs() >= 1.0 {
        return None;
    }
    // Over two, under two, a step further from thread to thread.
    let phase = 0.5 * (q.y / PITCH + number - 1.0) + set as f32;
    let wave = (phase * std::f32::consts::PI).cos();
    let wave = wave.signum() * wave.abs().powf(0.7);
    let yarn = Run { across, along: q.y, id: noise.0 };
    let height = 3.6 * arch(across) * slub + 2.2 * wave + 0.8 * ply(yarn, 3.8, 2.4);
    Some(Sample::matte(height, wool(yarn, &CLOTH[set as usize])).glossy(0.04, 3.0))
}

const CLOTH: [[u32; 4]; 2] =
    [[0x9a9484, 0x8a8272, 0xada593, 0x7f7a70], [0x46586a, 0x394858, 0x566a7a, 0x5c6468]];

/// The relief of twisted fibres: strands of `pitch` pixels wound round the yarn, `turns` of them over its width.
fn ply(yarn: Run, pitch: f32, turns: f32) -> f32 {
    let noise = Noise(yarn.id);
    let angle = yarn.along / pitch + 0.5 * turns * yarn.across.clamp(-1.0, 1.0).asin() / 1.57;
    let strand = (angle * std::f32::consts::PI).sin().abs().sqrt();
    let fibre = noise.fbm(v2(angle * 4.0, yarn.across * 1.3 + yarn.along * 0.02), 3);
    0.75 * strand + 0.7 * fibre
}

/// The colour of dyed wool: no two fibres alike.
fn wool(yarn: Run, palette: &[u32; 4]) -> Rgb {
    let noise = Noise(yarn.id ^ 0x77);
    let mut dice = Dice::new(yarn.id, 1);
    let base = pick(&palette.map(hex), dice.unit()).mix(pick(&palette.map(hex), dice.unit()), 0.5);
    let angle = yarn.along / 4.6 + 1.2 * yarn.across;
    let fibre = noise.fbm(v2(angle * 3.0, yarn.across * 2.0), 3);
    let stretch = noise.fbm(v2(yarn.along / 30.0, 1.0), 2);
    let fine = noise.fbm(v2(angle * 7.0, yarn.across * 6.0 + yarn.along * 0.1), 2);
    let neps = smooth(0.62, 0.8, noise.fbm(v2(yarn.along * 0.4, yarn.across * 2.0), 2));
    (base * (1.0 + 0.45 * fibre + 0.25 * stretch + 0.25 * fine)).mix(hex(0xd8d2c4), 0.35 * neps)
}

/// A loose fibre that stands off the yarn.
struct Hair {
    object: Object,
    bend: f32,
    colour: Rgb,
}

impl Outline for Hair {
    fn outline(&self) -> Rectangle {
        let Object { at, angle, radius, .. } = self.object;
        Rectangle { middle: at, angle, half: v2(radius, 1.0 + self.bend.abs() * radius * radius) }
    }
}

fn hairs(canvas: &Canvas, spacing: f32, layers: u32) -> Vec<Hair> {
    let grow = |object: Object| {
        let mut dice = Dice::new(canvas.key(20), object.id);
        let radius = dice.between(2.5, 9.0);
        let colour = hex(0xbfb8ac) * dice.between(0.5, 1.1);
        Hair { object: Object { radius, ..object }, bend: 0.9 * dice.bell() / radius, colour }
    };
    strew(canvas.key(21), spacing, layers).into_iter().map(grow).collect()
}

/// A hair lies a little above what is below it, and lets some of its colour through.
fn hair_sample(hair: &Hair, p: V2, below: &Sample) -> Option<Sample> {
    let q = hair.object.local(p);
    let y = q.y - hair.bend * (q.x * q.x - 0.5 * hair.object.radius * hair.object.radius);
    let fade = 1.0 - (q.x / hair.object.radius).powi(2);
    (y.abs() < 0.2 && fade > 0.0).then(|| {
        let albedo = below.albedo.mix(hair.colour, 0.12 * fade) * (1.0 + 0.35 * fade);
        Sample { height: below.height + 0.15 * fade, albedo, ..*below }
    })
}

/// Stocking stitch.
pub(crate) fn knit(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| stitches(canvas, p));
    Scene {
        surface,
        light: Light { slope: 0.95, sun: 1.0, sky: 0.75, reach: 12.0, exposure: 1.15, ..Light::default() },
    }
}

/// Width and height of a stitch, in pixels.
const STITCH: V2 = v2(31.0, 23.0);
/// How far a leg of a stitch climbs, as a part of the stitch's height.
const CLIMB: f32 = 1.15;

fn stitches(canvas: &Canvas, p: V2) -> Sample {
    let p = canvas.noise(0).warped(p, 50.0, 3.5);
    let ground = Sample::matte(-4.0, hex(0x1a0c10));
    let column = (p.x / STITCH.x).floor();
    let u = 2.0 * (p.x / STITCH.x - column) - 1.0;
    let row = (p.y / STITCH.y + CLIMB * u.abs()).floor();
    [-1.0, 0.0, 1.0].into_iter().filter_map(|d| leg(canvas, p.y, u, column, row + d)).fold(ground, higher)
}

/// One leg of a stitch: `u` from -1 to 1 over the two legs of the column.
fn leg(canvas: &Canvas, y: f32, u: f32, column: f32, row: f32) -> Option<Sample> {
    let side = if u < 0.0 { 0 } else { 1 };
    let id = crate::noise::hash(canvas.key(1), column as i32 * 2 + side, row as i32);
    let mut dice = Dice::new(id, 1);
    let t = u.abs();
    let middle = (row + 0.5 + 0.10 * dice.bell()) * STITCH.y - CLIMB * STITCH.y * t;
    let belly = 0.60 * STITCH.y * (0.72 + 0.30 * arch((t - 0.55) / 0.56)) * (1.0 + 0.08 * dice.bell());
    let across = (y - middle) / belly;
    if across.abs() >= 1.0 {
        return None;
    }
    // Yarn is wider across the picture's rows than across itself, because the leg climbs.
    let yarn =
        Run { across: if side == 0 { across } else { -across }, along: 20.0 * t + 31.0 * dice.unit(), id };
    // Deep where columns meet, less so in the middle of the V.
    let dive = 1.0 - smooth(0.62, 1.0, t) - 0.45 * smooth(0.35, 0.0, t);
    let height = 7.5 * arch(across) + 5.0 * dive + 0.8 * ply(yarn, 6.5, 2.6);
    Some(
        Sample::matte(height, wool(Run { id: canvas.key(3), ..yarn }, &KNIT) * (1.0 + 0.12 * dice.bell()))
            .glossy(0.03, 3.0),
    )
}

const KNIT: [u32; 4] = [0x84303a, 0x702832, 0x984450, 0x622a34];

/// A basket.
pub(crate) fn wicker(canvas: &Canvas) -> Scene {
    let surface = Surface::from_fn(canvas, |p| basket(canvas, p));
    Scene {
        surface,
        light: Light { slope: 0.9, sun: 1.1, sky: 0.68, reach: 14.0, exposure: 1.2, ..Light::default() },
    }
}

/// Distances between stakes and between rods, in pixels.
const BASKET: V2 = v2(33.0, 11.5);

fn basket(canvas: &Canvas, p: V2) -> Sample {
    let p = canvas.noise(0).warped(p, 70.0, 4.0);
    let ground = Sample::matte(-9.0, hex(0x1a120a));
    let (i, j) = ((p.x / BASKET.x).floor(), (p.y / BASKET.y).floor());
    let rods = [-1.0, 0.0, 1.0].into_iter().filter_map(|d| rod(canvas, p, j + d));
    let stakes = [-1.0, 0.0, 1.0].into_iter().filter_map(|d| stake(canvas, p, i + d));
    rods.chain(stakes).fold(ground, higher)
}

fn rod(canvas: &Canvas, p: V2, number: f32) -> Option<Sample> {
    let noise = Noise(canvas.key(1).wrapping_add(number as i32 as u32));
    let middle = (number + 0.5) * BASKET.y + 1.5 * noise.fbm(v2(p.x / 45.0, 0.4), 2);
    let width = 0.55 * BASKET.y * (1.0 + 0.16 * noise.fbm(v2(p.x / 60.0, 8.0), 2));
    let across = (p.y - middle) / width;
    if across.abs() >= 1.0 {
        return None;
    }
    let phase = p.x / BASKET.x - 0.5 + number + 0.12 * noise.fbm(v2(p.x / 30.0, 3.0), 2);
    let wave = (phase * std::f32::consts::PI).cos();
    let rod = Run { across, along: p.x, id: noise.0 };
    let height = 5.2 * arch(across) + 5.5 * wave + bark_relief(rod);
    Some(Sample::matte(height, willow(rod)).glossy(0.25, 5.0))
}

fn stake(canvas: &Canvas, p: V2, number: f32) -> Option<Sample> {
    let noise = Noise(canvas.key(2).wrapping_add(number as i32 as u32));
    let middle = (number + 0.5) * BASKET.x + 1.5 * noise.fbm(v2(p.y / 40.0, 0.4), 2);
    let across = (p.x - middle) / 6.2;
    if across.abs() >= 1.0 {
        return None;
    }
    let rod = Run { across, along: p.y, id: noise.0 };
    Some(Sample::matte(4.5 * arch(across) - 1.0 + bark_relief(rod), willow(rod)).glossy(0.25, 5.0))
}

fn bark_relief(rod: Run) -> f32 {
    let noise = Noise(rod.id);
    0.35 * noise.fbm(v2(rod.along * 0.05, rod.across * 3.0), 3)
        + 0.12 * noise.fbm(v2(rod.along * 0.3, rod.across * 5.0), 2)
}

fn willow(rod: Run) -> Rgb {
    const BARK: [u32; 6] = [0xa07a48, 0x866038, 0xb39060, 0x6f5030, 0x94754e, 0x62442a];
    let noise = Noise(rod.id ^ 0x31);
    let mut dice = Dice::new(rod.id, 2);
    let drift = smooth(-0.35, 0.35, noise.fbm(v2(rod.along / 90.0, 7.0), 2));
    let base = pick(&BARK.map(hex), dice.unit()).mix(pick(&BARK.map(hex), dice.unit()), drift);
    let fibres = noise.fbm(v2(rod.along * 0.04, rod.across * 4.0), 4);
    let hairs = noise.fbm(v2(rod.along * 0.12, rod.across * 11.0), 2);
    let stains = noise.fbm(v2(rod.along * 0.05, rod.across * 0.6), 3);
    let knots = smooth(0.6, 0.75, noise.fbm(v2(rod.along * 0.12, rod.across * 0.8 + 9.0), 2));
    base.mix(hex(0x3e2814), (0.6 * stains).clamp(0.0, 0.7))
        * mix(1.0, 0.55, knots)
        * (1.0 + 0.4 * fibres + 0.25 * hairs)
}
