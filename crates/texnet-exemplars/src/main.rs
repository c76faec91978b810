//! Paints the exemplars: `texnet-exemplars FOLDER [NAME...]`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use texnet_exemplars::{Image, MATERIALS, Material, SIZE, Window, find, names};
use texnet_io::{Band, Format, Picture, WriteError, write};

/// The input is to blame.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("texnet-exemplars: {error:#}");
            ExitCode::from(BAD_INPUT)
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let [folder, wanted @ ..] = arguments else {
        bail!("no folder is given: use `texnet-exemplars FOLDER [NAME...]`, with names of {}", all_names());
    };
    let materials = chosen(wanted)?;
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made, choose another", folder.display()))?;
    materials.into_iter().try_for_each(|material| save(material, folder))
}

/// The materials of these names; all if there are none.
fn chosen(wanted: &[String]) -> Result<Vec<&'static Material>> {
    if wanted.is_empty() {
        return Ok(MATERIALS.iter().collect());
    }
    let named = |name: &String| {
        find(name).with_context(|| format!("'{name}' is no exemplar: choose among {}", all_names()))
    };
    wanted.iter().map(named).collect()
}

fn all_names() -> String {
    names().collect::<Vec<_>>().join(", ")
}

fn save(material: &Material, folder: &Path) -> Result<()> {
    let image = material.paint(Window::sized(SIZE, SIZE));
    let path = folder.join(material.name).with_extension("png");
    write_png(&path, image).with_context(|| format!("{} cannot be written", path.display()))?;
    println!("{}: {}", path.display(), material.about);
    Ok(())
}

fn write_png(path: &Path, image: Image) -> Result<(), WriteError> {
    let (width, height) = (image.width(), image.height());
    let format = Format::Png;
    let picture =
        Picture { width, height, format, bits: 8, alpha: false, icc: None, quality: 100, band: height };
    let mut whole = Some(image);
    write(path, &picture, |_| {
        let image = whole.take().unwrap_or_else(|| Image::new(height, width));
        Ok(Band { image, alpha: None })
    })
}
