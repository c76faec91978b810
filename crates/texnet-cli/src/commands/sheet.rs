//! Sheets to judge models by: an exemplar beside three samples and a tile; a style beside photographs and what they become.

use std::path::Path;

use anyhow::Result;
use texnet::resize::resize;
use texnet_infer::{Image, Model, Plane, PlaneOptions, Window, calibrate};

use crate::cli::Coding;
use crate::paint;

/// Side of each picture, in pixels.
const SIDE: usize = 256;
/// Pixels between pictures.
const GAP: usize = 8;

/// The exemplar, three samples and a tile.
pub(crate) fn texture(path: &Path, model: &Model, exemplar: &Image, coding: &Coding) -> Result<()> {
    let mut pictures = vec![middle(exemplar)];
    for seed in 0..3 {
        pictures.push(window(model, seed, None)?);
    }
    pictures.push(tiled(model)?);
    paint::whole(path, &in_a_row(&pictures), coding)
}

/// Photographs on a sheet of a style.
const PHOTOGRAPHS: usize = 4;

/// The style above its details, and beside them photographs above what they become.
pub(crate) fn style(path: &Path, model: &Model, style: &Image, photographs: &[Image]) -> Result<()> {
    let mut rows = [vec![fitted(style)], vec![middle(style)]];
    for photograph in photographs.iter().take(PHOTOGRAPHS) {
        let photograph = fitted(photograph);
        let frozen = calibrate::calibrate_on(model, &photograph, 0, 1.0);
        let plane = Plane::stylised(&frozen, &photograph, PlaneOptions::default())?;
        rows[1].push(plane.window(Window::sized(photograph.width(), photograph.height()))?);
        rows[0].push(photograph);
    }
    let [above, below] = rows.map(|row| in_a_row(&row));
    let sheet = Image::from_fn(2 * SIDE + GAP, above.width(), |y, x| match y {
        _ if y < SIDE => above.pixel(y, x),
        _ if y < SIDE + GAP => [1.0; 3],
        _ => below.pixel(y - SIDE - GAP, x),
    });
    paint::whole(path, &sheet, &Coding::default())
}

/// The whole picture with its longer side as long as that of a sheet's pictures.
fn fitted(image: &Image) -> Image {
    let longer = image.height().max(image.width());
    let side = |side: usize| (side * SIDE / longer).max(1);
    resize(image, [side(image.height()), side(image.width())])
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
    image.part(top..top + height, left..left + width)
}

fn in_a_row(pictures: &[Image]) -> Image {
    let width = pictures.len() * (SIDE + GAP) - GAP;
    Image::from_fn(SIDE, width, |y, x| {
        let (which, x) = (x / (SIDE + GAP), x % (SIDE + GAP));
        let picture = &pictures[which];
        if y < picture.height() && x < picture.width() { picture.pixel(y, x) } else { [1.0; 3] }
    })
}
