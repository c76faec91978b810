//! `texnet stylise`: photographs in a style.

mod dress;
mod ffmpeg;
mod files_of;
mod film;
mod parts;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use serde_json::json;
use texnet::train::config::strengths;
use texnet_infer::{Content, Model, PlaneOptions, Scaled, Window, calibrate};
use texnet_io::{Format, Photo, Picture};

use crate::cli::Stylise;
use crate::files;
use crate::paint;
use crate::report::{PartlyDone, Report};
use dress::Dress;

/// Statistics of larger photographs are taken from a reduction to this side, in pixels.
const STATISTICS_SIDE: usize = 512;

pub(crate) fn run(arguments: &Stylise, report: &Report) -> Result<()> {
    let model = files::model(&arguments.model)?;
    ensure!(
        model.spec().content,
        "{} is a texture network and takes no photograph: sample it instead ('texnet sample')",
        arguments.model.display()
    );
    arguments.strength.map_or(Ok(()), |strength| check_strength(arguments, &model, strength))?;
    let mask = arguments.mask.as_deref().map(texnet_io::read).transpose()?;
    let job = Job { arguments, model: &model, mask: mask.as_ref(), report };
    if let [film] = arguments.photos.as_slice()
        && film::is_film(film)
    {
        return job.film(film, arguments.output.as_deref());
    }
    ensure!(!arguments.resume, "--resume goes on with films, but {} is none", arguments.photos[0].display());
    let inputs = files_of::inputs(&arguments.photos)?;
    if let ([photo], false) = (inputs.as_slice(), arguments.photos[0].is_dir()) {
        let output = arguments.output.clone().unwrap_or_else(|| job.default_output(photo));
        return job.dress(photo, &output);
    }
    job.dress_all(&inputs, &files_of::folder(arguments.output.as_deref(), &inputs)?)
}

/// Whether a style was learned for a strength.
fn check_strength(arguments: &Stylise, model: &Model, strength: f32) -> Result<()> {
    let style = arguments.model.display();
    let Some([least, most]) = strengths(&model.summary) else {
        bail!("{style} was learned for one strength alone: leave out --strength, or try --noise")
    };
    ensure!(
        (least..=most).contains(&strength),
        "--strength is {strength}, but {style} was learned for {least} to {most}"
    );
    Ok(())
}

/// What is the same for all photographs.
struct Job<'a> {
    arguments: &'a Stylise,
    model: &'a Model,
    mask: Option<&'a Photo>,
    report: &'a Report,
}

impl Job<'_> {
    /// Every photograph into a folder; those that cannot be dressed are named, and the rest is done.
    fn dress_all(&self, photos: &[PathBuf], folder: &Path) -> Result<()> {
        let mut failed = 0;
        for photo in photos {
            self.report.check()?;
            if let Err(error) = self.dress(photo, &folder.join(files_of::output_name(photo))) {
                self.report.check()?;
                self.report.warn(&format!("left out: {error:#}"));
                failed += 1;
            }
        }
        ensure!(failed == 0, PartlyDone { failed, of: photos.len() });
        Ok(())
    }

    fn dress(&self, photo: &Path, output: &Path) -> Result<()> {
        let Self { arguments, report, .. } = self;
        Format::from_path(output)?;
        let photo = self.load(photo)?;
        let [height, width] = photo.size();
        let picture = self.picture(output, &photo)?;
        report.check()?;
        let window = Window::sized(width, height);
        self.dressed(&photo, |dress| {
            let rows = |band| dress.rows(band);
            paint::paint(&rows, window, output, &picture, |y, row| photo.alpha_row(y, row), report)
        })?;
        let output = output.display().to_string();
        report.done(
            &format!("{output}: {width}x{height}"),
            json!({
                "output": output, "width": width, "height": height, "seed": arguments.seed,
                "noise": self.noise()
            }),
        );
        Ok(())
    }

    /// Factor on the noise, from which a network that knows strengths tells which is meant.
    fn noise(&self) -> f32 {
        self.arguments.strength.unwrap_or(self.arguments.noise)
    }

    fn load(&self, path: &Path) -> Result<Photo> {
        let photo = texnet_io::read(path)?;
        Ok(match self.arguments.max_size {
            Some(side) if photo.size().into_iter().max() > Some(side) => photo.reduced(side),
            _ => photo,
        })
    }

    /// What `paint` makes of a photograph that is to be dressed.
    fn dressed<T>(&self, photo: &dyn Content, paint: impl FnOnce(&Dress<'_>) -> Result<T>) -> Result<T> {
        let (seed, noise) = (self.arguments.seed, self.noise());
        let size = photo.size();
        let brushed = self.brushed_size(size)?;
        let scaled = (brushed != size).then(|| Scaled::new(photo, brushed));
        let content: &dyn Content = scaled.as_ref().map_or(photo, |scaled| scaled);
        let frozen = self.frozen(content);
        let mask = self.mask.map(|mask| Scaled::new(mask, size));
        let options = PlaneOptions { seed, noise_scale: noise, ..PlaneOptions::default() };
        paint(&Dress::new(&frozen, content, options, photo, mask, self.arguments)?)
    }

    /// The size at which a photograph of this size is painted.
    fn brushed_size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        let brush = self.arguments.brush;
        let brushed = size.map(|side| ((side as f64 * f64::from(brush)).round() as usize).max(1));
        ensure!(
            brushed.iter().all(|&side| side <= MOST),
            "--brush {brush} makes a picture of {}x{}, but sides of up to {MOST} pixels are painted: choose a smaller one",
            brushed[1],
            brushed[0]
        );
        Ok(brushed)
    }

    /// The network with statistics taken once, for the whole photograph, at the size at which it is painted.
    fn frozen(&self, content: &dyn Content) -> Model {
        if self.model.is_calibrated() {
            return self.model.clone();
        }
        let longer = content.size().into_iter().max().unwrap_or(1);
        let sample = content.size().map(|side| (side * STATISTICS_SIDE.min(longer) / longer).max(1));
        let image = if sample == content.size() {
            content.rows(0..sample[0])
        } else {
            Scaled::new(content, sample).rows(0..sample[0])
        };
        calibrate::calibrate_on(self.model, &image, self.arguments.seed, self.noise())
    }

    /// Alpha, depth and profile are the photograph's, as far as the format holds them.
    fn picture(&self, output: &Path, photo: &Photo) -> Result<Picture> {
        let format = Format::from_path(output)?;
        let mut coding = self.arguments.coding.clone();
        if coding.bits.is_none() && format.holds_16_bits() {
            coding.bits = Some(photo.bits());
        }
        let [height, width] = photo.size();
        let picture = paint::picture(output, [width, height], &coding)?;
        let alpha = photo.has_alpha() && format.holds_alpha();
        Ok(Picture { alpha, icc: photo.icc().map(<[u8]>::to_vec), ..picture })
    }

    fn default_output(&self, photo: &Path) -> PathBuf {
        let jpeg = matches!(Format::from_path(photo), Ok(Format::Jpeg));
        let ending = if jpeg { "jpg" } else { "png" };
        PathBuf::from(format!("{}-{}.{ending}", files::stem(photo), files::stem(&self.arguments.model)))
    }
}

/// Longest side of what is painted, in pixels.
const MOST: usize = 1 << 20;
