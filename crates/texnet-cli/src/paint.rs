//! From a plane to a file, band after band.

use std::path::Path;

use anyhow::{Context, Result, bail};
use texnet_infer::{Image, Window};
use texnet_io::{Band, Format, Picture, WriteError};

use crate::cli::Coding;
use crate::report::Report;

/// Rows of a band, where the picture is not too wide: residual networks compute some 180 rows beside every band twice.
const ROWS: usize = 1024;
/// Most pixels of a band: 24 MiB of values.
const PIXELS: usize = 1 << 21;

/// How a picture of this size goes into this file.
pub(crate) fn picture(path: &Path, [width, height]: [usize; 2], coding: &Coding) -> Result<Picture> {
    let format = Format::from_path(path)?;
    let rows = (PIXELS / width).clamp(1, ROWS);
    // Bands that begin at multiples of a power of two fit the plane's blocks.
    let band = 1 << rows.ilog2();
    let bits = coding.bits.unwrap_or(8);
    let picture =
        Picture { width, height, format, bits, alpha: false, icc: None, quality: coding.quality, band };
    picture.check()?;
    Ok(picture)
}

/// A picture that is there already into a file.
pub(crate) fn whole(path: &Path, image: &Image, coding: &Coding) -> Result<()> {
    let picture = Picture { band: image.height(), ..picture(path, [image.width(), image.height()], coding)? };
    texnet_io::write(path, &picture, |_| Ok::<_, WriteError>(Band { image: image.clone(), alpha: None }))
        .with_context(|| path.display().to_string())
}

/// Paints a window into a file, with a bar; `rows_of` paints some rows of it, and `alpha` gives the alpha of one if the
/// picture has it.
pub(crate) fn paint(
    rows_of: &dyn Fn(Window) -> Result<Image>,
    window: Window,
    path: &Path,
    picture: &Picture,
    alpha: impl Fn(usize, &mut [f32]),
    report: &Report,
) -> Result<()> {
    let bar = report.bar(picture.height, path.display().to_string());
    let written = texnet_io::write(path, picture, |rows| {
        report.check()?;
        let band = Window { y: window.y + rows.start as i64, height: rows.len(), ..window };
        let image = rows_of(band)?;
        bar.set_position(rows.end as u64);
        let alpha = picture.alpha.then(|| {
            let mut values = vec![0.0; rows.len() * picture.width];
            values.chunks_exact_mut(picture.width).zip(rows).for_each(|(row, y)| alpha(y, row));
            values
        });
        Ok::<_, anyhow::Error>(Band { image, alpha })
    });
    bar.finish_and_clear();
    written.with_context(|| path.display().to_string())
}

/// The last row of a window must not lie beyond the largest coordinate.
pub(crate) fn check_window(window: Window) -> Result<()> {
    let end = |start: i64, size: usize| start.checked_add(i64::try_from(size).ok()?);
    if end(window.x, window.width).is_none() || end(window.y, window.height).is_none() {
        bail!("the window reaches beyond the largest coordinate: choose one nearer to the origin");
    }
    Ok(())
}
