//! `texnet score`: how near pictures are to their exemplar.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use texnet_infer::Image;
use texnet_score::{Exemplar, OCTAVES, Score, diversity};

use crate::report::Report;

/// What the columns mean, for people who ask for help.
pub(crate) const COLUMNS: &str = "\
Columns; lower is better, except for the last three:
  swd        distance between the 7x7 patches of both (sliced Wasserstein, x1000), mean of the next
  swd0..3    at full, half, quarter and eighth size: detail first, layout and colours last
  spec       difference of the power spectra in decibels: blur, noise, dither
  fit        distance of 24x24 neighbourhoods to the nearest in the exemplar, x1000: wrong shapes
  cover      the same from the exemplar to the picture: what is missing
  repeat     repetition beyond the exemplar's; 0: no more, 0.4 to 1: a tile, below 0: less regular
  copy       share of 16x16 patches that stand in the exemplar; neither good nor bad
  seam       differences across the border of a tile relative to those inside; 1: none to be seen
  diversity  mean difference between pictures, x1000; 1 relative to unrelated ones: nothing shared

Pictures with a side below 56 pixels lack the coarsest octaves; diversity is that of the pictures
that have the size of the first. No figure replaces a look.";

pub(crate) fn run(arguments: &crate::cli::Score, report: &Report) -> Result<()> {
    // What cannot be scored is said before the work begins.
    let exemplar = read(&arguments.exemplar)?;
    let pictures: Vec<Image> = arguments.pictures.iter().map(|path| read(path)).collect::<Result<_>>()?;
    let exemplar = Exemplar::new(&exemplar)?;
    let names: Vec<String> = arguments.pictures.iter().map(|path| path.display().to_string()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(PICTURE.len());
    let mut heading = heading(width);
    for (name, picture) in names.iter().zip(&pictures) {
        report.check()?;
        let score = exemplar.score(picture)?;
        report.answer(&(std::mem::take(&mut heading) + &row(name, width, &score)?), &members(name, &score));
    }
    tell_diversity(&pictures, report);
    Ok(())
}

const PICTURE: &str = "picture";

/// A picture that can be scored.
fn read(path: &Path) -> Result<Image> {
    let image = texnet_io::read(path)?.to_image();
    texnet_score::check(&image).with_context(|| path.display().to_string())?;
    Ok(image)
}

fn heading(width: usize) -> String {
    let octaves: String = (0..OCTAVES).map(|octave| format!("{:>7}", format!("swd{octave}"))).collect();
    let rest = format!("{:>7}{:>7}{:>7}{:>8}{:>7}{:>7}", "spec", "fit", "cover", "repeat", "copy", "seam");
    format!("{PICTURE:width$}{:>7}{octaves}{rest}\n", "swd")
}

fn row(name: &str, width: usize, score: &Score) -> Result<String, std::fmt::Error> {
    let mut row = format!("{name:width$}{:7.2}", score.swd);
    for octave in 0..OCTAVES {
        match score.swd_octaves.get(octave) {
            Some(distance) => write!(row, "{distance:7.2}")?,
            None => write!(row, "{:>7}", "-")?,
        }
    }
    write!(row, "{:7.2}{:7.1}{:7.1}{:8.2}", score.spec, score.fit, score.cover, score.repetition)?;
    writeln!(row, "{:7.2}{:7.2}", score.copy, score.seam)?;
    Ok(row)
}

fn members(name: &str, score: &Score) -> Value {
    let mut members = json!(score);
    members["picture"] = name.into();
    members
}

/// Of the pictures that have the size of the first, if there are several, and what the columns are good for.
fn tell_diversity(pictures: &[Image], report: &Report) {
    let size = |image: &Image| [image.width(), image.height()];
    let alike: Vec<&Image> = pictures.iter().filter(|picture| size(picture) == size(&pictures[0])).collect();
    if let Some(diversity) = diversity(&alike) {
        let [width, height] = size(alike[0]);
        let line = format!(
            "diversity of {} pictures of {width}x{height}: {:.1}, {:.2} of that of unrelated ones (higher is more diverse)\n",
            diversity.pictures, diversity.diversity, diversity.relative
        );
        report.answer(&line, &json!(diversity));
    }
    report
        .say("lower is better; repeat: 0 is best; copy: neither; seam: 1 is none; see `texnet score --help`");
}
