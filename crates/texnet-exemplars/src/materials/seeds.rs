//! Heaps of fruit and seeds: coffee beans, cranberries, dry beans.

use crate::colour::{Rgb, hex, pick};
use crate::geometry::{V2, arch, smooth, v2};
use crate::materials::Scene;
use crate::noise::{Dice, Noise};
use crate::objects::{Object, Pile};
use crate::shade::Light;
use crate::surface::{Canvas, Sample, Surface};

/// The dark between the lowest seeds.
fn bottom(canvas: &Canvas, colour: Rgb) -> Surface {
    let noise = canvas.noise(90);
    Surface::from_fn(canvas, |p| {
        Sample::matte(noise.fbm(p * 0.3, 3), colour * (1.0 + 0.5 * noise.fbm(p * 0.2, 3)))
    })
}

/// Roasted coffee beans.
pub(crate) fn coffee(canvas: &Canvas) -> Scene {
    let pile = Pile {
        seed: canvas.key(0),
        layers: 3.2,
        radius: [14.0, 19.0],
        skew: 1.0,
        aspect: [0.66, 0.8],
        thickness: [0.4, 0.5],
        tries: 14,
    };
    let mut surface = bottom(canvas, hex(0x20140d));
    surface.lay(&pile.heap(), |bean, p, below| coffee_bean(canvas, bean, p, below));
    Scene { surface, light: Light { sun: 1.25, sky: 0.75, softness: 0.5, exposure: 1.6, ..Light::default() } }
}

fn coffee_bean(canvas: &Canvas, bean: &Object, p: V2, below: &Sample) -> Option<Sample> {
    let noise = Noise(canvas.key(2).wrapping_add(bean.id));
    if bean.is_under(below, 1.2 * bean.radius) {
        return None;
    }
    let q = bean.local(p);
    let e = v2(q.x / bean.radius, q.y / (bean.radius * bean.aspect));
    let rho = e.length() * (1.0 + 0.05 * noise.at(e * 1.2));
    if rho >= 1.0 {
        return None;
    }
    let mut dice = Dice::new(noise.0, 3);
    let flat_side_up = dice.one_in(1.9);
    let (shape, crease) = if flat_side_up { cut_side(noise, &mut dice, e) } else { (arch(rho), 0.0) };
    let tilt = v2(dice.bell(), dice.bell()) * 0.22;
    let wrinkles = 0.22 * noise.fbm(q * 0.22, 3) + 0.07 * noise.fbm(q * 0.9, 2);
    let height = bean.z + bean.thickness * shape + tilt.dot(q) + wrinkles;
    (height > below.height).then(|| {
        let colour = roast(noise, &mut dice, q).mix(hex(0x7a5232), 0.5 * crease);
        Sample::matte(height, colour).glossy(0.34 * (1.0 - crease), 7.0)
    })
}

/// The flat side of a bean, with the furrow that winds along it: height, and how deep in the furrow.
fn cut_side(noise: Noise, dice: &mut Dice, e: V2) -> (f32, f32) {
    let bend = dice.between(-0.16, 0.16);
    let line = bend * (e.x * 3.0).sin() + 0.07 * noise.at(v2(e.x * 2.5, 9.0));
    let width = 0.17 * (1.0 - 0.5 * e.x.abs());
    let furrow = smooth(width, 0.0, (e.y - line).abs());
    let cushion = (1.0 - e.length().powf(3.2)).max(0.0).powf(0.6);
    let shoulder = 0.85 + 0.15 * smooth(0.0, 0.5, (e.y - line).abs());
    (cushion * shoulder * 0.9 - 0.55 * furrow * arch(e.x), furrow * furrow * smooth(1.0, 0.8, e.x.abs()))
}

fn roast(noise: Noise, dice: &mut Dice, q: V2) -> Rgb {
    let light = dice.unit();
    let base = hex(0x2b170c).mix(hex(0x57301a), light * light);
    let patch = noise.fbm(q * 0.09, 3);
    let chaff = smooth(0.45, 0.8, noise.fbm(q * v2(0.3, 0.3).x, 3));
    base.mix(hex(0x170b06), (0.5 * patch + 0.2).clamp(0.0, 1.0)).mix(hex(0x6a4a34), 0.18 * chaff)
        * (1.0 + 0.22 * noise.fbm(q * 0.8, 2))
}

/// Ripe and half-ripe cranberries.
pub(crate) fn cranberries(canvas: &Canvas) -> Scene {
    let pile = Pile {
        seed: canvas.key(0),
        layers: 3.0,
        radius: [13.0, 21.0],
        skew: 1.1,
        aspect: [0.82, 0.98],
        thickness: [0.85, 0.95],
        tries: 16,
    };
    let mut surface = bottom(canvas, hex(0x2a0a0c));
    surface.lay(&pile.heap(), |berry, p, below| cranberry(canvas, berry, p, below));
    Scene { surface, light: Light { sun: 1.1, sky: 0.85, softness: 0.6, exposure: 1.25, ..Light::default() } }
}

fn cranberry(canvas: &Canvas, berry: &Object, p: V2, below: &Sample) -> Option<Sample> {
    let noise = Noise(canvas.key(2).wrapping_add(berry.id));
    if berry.is_under(below, 1.2 * berry.radius) {
        return None;
    }
    let q = berry.local(p);
    let e = v2(q.x / berry.radius, q.y / (berry.radius * berry.aspect));
    let rho = e.length() * (1.0 + 0.04 * noise.at(e * 1.1));
    if rho >= 1.0 {
        return None;
    }
    let mut dice = Dice::new(noise.0, 3);
    let eye = v2(dice.bell(), dice.bell()) * 0.8;
    let dimple = smooth(0.24, 0.0, (e - eye).length());
    let skin = 0.05 * noise.fbm(q * 0.3, 3) + 0.02 * noise.fbm(q, 2);
    let height = berry.z + berry.thickness * (arch(rho) - 0.16 * dimple) + skin;
    (height > below.height).then(|| {
        let colour = ripeness(noise, &mut dice, q, e).mix(hex(0x4a2a18), 0.8 * dimple * dimple);
        let bloom = smooth(-0.2, 0.6, noise.fbm(q * 0.1, 3));
        Sample::matte(height, colour.mix(hex(0xb98a8c), 0.10 * bloom)).glossy(0.55 - 0.35 * bloom, 14.0)
    })
}

fn ripeness(noise: Noise, dice: &mut Dice, q: V2, e: V2) -> Rgb {
    const RIPE: [u32; 5] = [0xa3101c, 0x8a0d1c, 0xb81d22, 0x6a0a1a, 0xc22a2a];
    let ripe = pick(&RIPE.map(hex), dice.unit()) * dice.between(0.85, 1.15);
    let pale = hex(0xd9906a).mix(hex(0xd8b58a), dice.unit());
    let shade_side = V2::unit(dice.between(0.0, 6.3)).dot(e) + 0.5 * noise.fbm(q * 0.08, 3);
    let unripe =
        if dice.one_in(4.0) { smooth(-0.2, 1.0, shade_side) } else { 0.25 * smooth(0.4, 1.2, shade_side) };
    let specks = smooth(0.5, 0.75, noise.fbm(q * 0.6, 2));
    ripe.mix(pale, unripe).mix(hex(0xe0a090), 0.25 * specks) * (1.0 + 0.12 * noise.fbm(q * 0.35, 3))
}

/// Dry beans of five kinds.
pub(crate) fn beans(canvas: &Canvas) -> Scene {
    let pile = Pile {
        seed: canvas.key(0),
        layers: 3.0,
        radius: [11.0, 17.0],
        skew: 1.0,
        aspect: [0.58, 0.74],
        thickness: [0.48, 0.58],
        tries: 14,
    };
    let mut surface = bottom(canvas, hex(0x2a2118));
    surface.lay(&pile.heap(), |bean, p, below| dry_bean(canvas, bean, p, below));
    Scene {
        surface,
        light: Light { sun: 1.05, sky: 0.72, softness: 0.5, exposure: 1.15, ..Light::default() },
    }
}

fn dry_bean(canvas: &Canvas, bean: &Object, p: V2, below: &Sample) -> Option<Sample> {
    if bean.is_under(below, 1.3 * bean.thickness) {
        return None;
    }
    let noise = Noise(canvas.key(2).wrapping_add(bean.id));
    let mut dice = Dice::new(noise.0, 3);
    let q = bean.local(p);
    let e = v2(q.x / bean.radius, q.y / (bean.radius * bean.aspect));
    // Kidney: the middle of the bean is bent, and one side of it is hollow.
    let bent = v2(e.x, e.y - dice.between(0.15, 0.42) * (e.x * e.x - 0.3));
    let rho = bent.length() * (1.0 + 0.04 * noise.at(e * 1.2));
    if rho >= 1.0 {
        return None;
    }
    let scar = if dice.one_in(2.2) { bent - v2(0.0, dice.between(0.45, 0.8)) } else { v2(9.0, 9.0) };
    let scar = smooth(1.0, 0.6, v2(scar.x / 0.2, scar.y / 0.13).length());
    let skin = 0.10 * noise.fbm(q * 0.2, 3) + 0.03 * noise.fbm(q * 0.9, 2);
    let height = bean.z + bean.thickness * (arch(rho) - 0.05 * scar) + skin;
    (height > below.height).then(|| {
        let colour = coat(noise, &mut dice, q).mix(hex(0xcfc0a4), 0.6 * scar);
        Sample::matte(height, colour).glossy(0.30 * (1.0 - scar), 8.0)
    })
}

/// The coat of a bean: white, red, black, or with the flecks and streaks of its kind.
fn coat(noise: Noise, dice: &mut Dice, q: V2) -> Rgb {
    const KINDS: [[u32; 2]; 6] = [
        [0xcabda2, 0xb3a488],
        [0x5f1f1c, 0x44150f],
        [0x28231f, 0x3b322a],
        [0xb3936e, 0x6b4530],
        [0xc0a88c, 0x7a2a2a],
        [0x8a6238, 0xa27a48],
    ];
    let kind = ((dice.unit() * 6.0) as usize).min(5);
    let [ground, fleck] = KINDS[kind].map(hex);
    let flecked = match kind {
        3 => smooth(0.0, 0.22, noise.fbm(q * 0.22, 3)),
        4 => smooth(0.08, 0.25, noise.fbm(v2(q.x * 0.09, q.y * 0.26), 4)),
        _ => (0.5 + 0.9 * noise.fbm(q * 0.1, 3)).clamp(0.0, 1.0),
    };
    let wear = 1.0 + 0.16 * noise.fbm(q * 0.35, 3) + 0.10 * noise.fbm(q * 1.1, 2);
    ground.mix(fleck, flecked) * (wear * dice.between(0.8, 1.12))
}
