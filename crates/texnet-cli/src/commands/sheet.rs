//! Sheets: an exemplar beside three samples of its model and a tile, to judge them by.

use std::path::Path;

use anyhow::Result;
use texnet_infer::{Image, Model, Plane, PlaneOptions, Window};

use crate::cli::Coding;
use crate::paint;

/// Side of each picture, in pixels.
const SIDE: usize = 256;
/// Pixels between pictures.
const GAP: usize = 8;

pub(crate) fn write(path: &Path, model: &Model, exemplar: &Image, coding: &Coding) -> Result<()> {
    let mut pictures = vec![middle(exemplar)];
    for seed in 0..3 {
        pictures.push(window(model, seed, None)?);
    }
    pictures.push(tiled(model)?);
    paint::whole(path, &in_a_row(&pictures), coding)
}

fn window(model: &Model, seed: u64, period: Option<[i64; 2]>) -> Result<Image> {
    let options = PlaneOptions { seed, period, ..PlaneOptions::default() };
    Ok(Plane::texture(model, options)?.window(Window::sized(SIDE, SIDE))?)
}

/// A seamless tile of half the side, four times.
fn tiled(model: &Model) -> Result<Image> {
    let period = (SIDE / 2).next_multiple_of(model.spec().granularity()) as i64;
    window(model, 3, Some([period, period]))
}

fn middle(image: &Image) -> Image {
    let [height, width] = [image.height().min(SIDE), image.width().min(SIDE)];
    let [top, left] = [(image.height() - height) / 2, (image.width() - width) / 2];
    Image::from_fn(height, width, |y, x| image.pixel(top + y, left + x))
}

fn in_a_row(pictures: &[Image]) -> Image {
    let width = pictures.len() * (SIDE + GAP) - GAP;
    Image::from_fn(SIDE, width, |y, x| {
        let (which, x) = (x / (SIDE + GAP), x % (SIDE + GAP));
        let picture = &pictures[which];
        if y < picture.height() && x < picture.width() { picture.pixel(y, x) } else { [1.0; 3] }
    })
}
