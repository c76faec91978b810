//! The leaderboard of descriptors: exemplars x teachers x (optimisation, generator), with scores and sheets, as one page.
//!
//! Pictures are kept in `out/descriptors`, so that a run that was stopped goes on.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::Device;
use texnet::optimise::{OptimiseConfig, optimise};
use texnet::train::teacher::Teacher as Judge;
use texnet::train::{TrainConfig, Trainer};
use texnet_infer::model::Summary;
use texnet_infer::{Image, Plane, PlaneOptions, Window};
use texnet_io::{Band, Format, Picture, WriteError};
use texnet_score::{Exemplar, Score};

/// What pictures are compared by.
struct Teacher {
    name: &'static str,
    settings: &'static [&'static str],
}

/// Colours alone: features do not keep the mean colour well.
const COLOURS: &str = "sliced.slices=[{kind='colour',side=1,draws=3}]";

/// Patches alone.
const NO_FEATURES: &str = "octaves.weight=0";
/// Features of the picture, its half and its quarter.
const FEATURES: &str = "octaves={weight=1,octaves=3,finest=0}";

const TEACHERS: [Teacher; 6] = [
    Teacher {
        name: "random filters",
        settings: &[
            "nearest.weight=0",
            NO_FEATURES,
            "sliced.slices=[{kind='random',side=5,draws=11},{kind='random',side=7,draws=11},{kind='colour',side=1,draws=3}]",
        ],
    },
    Teacher { name: "and matched filters", settings: &["nearest.weight=0", NO_FEATURES] },
    Teacher { name: "and nearest patches", settings: &[NO_FEATURES] },
    Teacher {
        name: "untrained network",
        settings: &["nearest.weight=0", FEATURES, "octaves.weights=['out/descriptors/untrained']", COLOURS],
    },
    Teacher { name: "trained network", settings: &["nearest.weight=0", FEATURES, COLOURS] },
    Teacher { name: "nearest patches and trained network", settings: &[FEATURES, "octaves.weight=0.5"] },
];

/// Names, and where the pictures lie: in the project, or in the folder that `TEXNET_SHARED` names.
const EXEMPLARS: [(&str, &str); 3] = [
    ("pebbles", "assets/exemplars/pebbles.png"),
    ("bricks", "assets/exemplars/bricks.png"),
    ("red-peppers", "data/textures/red-peppers.jpg"),
];

/// How a picture comes about.
#[derive(Debug, Clone, Copy)]
enum Way {
    Optimised,
    Generated,
}

const WAYS: [Way; 2] = [Way::Optimised, Way::Generated];
/// Rows and columns of every picture.
const SIDE: usize = 256;
/// Steps of an optimisation at each size.
const STEPS: &str = "iterations=200";
/// Learning: few megapixels, so that all of this takes a quarter of an hour, by a network that sees no more than its
/// teachers do.
const LEARNING: [&str; 4] = ["megapixels=30", "scales=5", "sliced.levels=5", "sliced.strides=[4,2]"];
const PICTURES: &str = "out/descriptors";
const PAGE: &str = "docs/descriptors";

fn main() -> Result<()> {
    std::fs::create_dir_all(PICTURES)?;
    std::fs::create_dir_all(PAGE)?;
    let mut page = String::from(HEAD);
    for (name, path) in EXEMPLARS {
        let own = path.starts_with("assets");
        let path = if own { PathBuf::from(path) } else { shared().join(path) };
        if !path.exists() {
            println!(
                "{name} is left out: there is no {}; TEXNET_SHARED names another folder",
                path.display()
            );
            continue;
        }
        let exemplar = texnet_io::read(&path)?.to_image();
        section(name, &exemplar, own, &mut page)?;
    }
    std::fs::write(format!("{PAGE}.html"), page + "</html>\n").context(PAGE)
}

fn shared() -> PathBuf {
    std::env::var_os("TEXNET_SHARED").map_or_else(|| "../shared".into(), PathBuf::from)
}

/// All teachers on one exemplar: a table and a sheet.
fn section(name: &str, exemplar: &Image, own: bool, page: &mut String) -> Result<()> {
    let judge = Exemplar::new(exemplar)?;
    let mut columns = Vec::new();
    if own {
        let cut = Image::from_fn(SIDE, SIDE, |y, x| exemplar.pixel(y, x));
        columns.push([cut.clone(), cut]);
    }
    writeln!(page, "<h2>{name}</h2>\n<table><tr><th>teacher<th>optimised<th>generated</tr>")?;
    for (i, teacher) in TEACHERS.iter().enumerate() {
        let mut pictures = Vec::new();
        write!(page, "<tr><td>{}", teacher.name)?;
        for way in WAYS {
            let path = PathBuf::from(format!("{PICTURES}/{name}-{i}-{way:?}.png"));
            if !path.exists() {
                println!("{name}, {}, {way:?}", teacher.name);
                save(&way.picture(exemplar, teacher)?, &path)?;
            }
            let picture = texnet_io::read(&path)?.to_image();
            let Score { swd, spec, fit, copy, .. } = judge.score(&picture)?;
            write!(page, "<td>{swd:.1} / {spec:.2} / {fit:.0} / {copy:.2}")?;
            pictures.push(picture);
        }
        page.push_str("</tr>\n");
        columns.extend(<[Image; 2]>::try_from(pictures));
    }
    save(&sheet(&columns), Path::new(&format!("{PAGE}/{name}.jpg")))?;
    let first = if own { "the exemplar, then " } else { "" };
    writeln!(
        page,
        "</table>\n<p>From the left: {first}the teachers in the order of the table; above optimised, below generated."
    )?;
    writeln!(page, "<p><img src=\"descriptors/{name}.jpg\" alt=\"{name} by each teacher\">")?;
    Ok(())
}

impl Way {
    fn picture(self, exemplar: &Image, teacher: &Teacher) -> Result<Image> {
        let exemplars = std::slice::from_ref(exemplar);
        let steps = if matches!(self, Self::Optimised) { &[STEPS][..] } else { &LEARNING };
        let settings: Vec<String> = teacher.settings.iter().chain(steps).map(|s| (*s).into()).collect();
        let device = Device::flex();
        match self {
            Self::Optimised => {
                let config = OptimiseConfig::new(Judge::Sliced, &settings)?.resolve(exemplars)?;
                Ok(optimise(exemplars, &config, &device, &mut |_, _| ControlFlow::Continue(()))?.image)
            }
            Self::Generated => {
                let config = TrainConfig::new("default", &settings)?.resolve(exemplars)?;
                let mut trainer = Trainer::new(&config, exemplars, &device)?;
                // Nobody stops it.
                let _ = trainer.run(&mut |_, _| ControlFlow::Continue(()))?;
                let model = trainer.model(Summary::default())?;
                Ok(Plane::texture(&model, PlaneOptions::default())?.window(Window::sized(SIDE, SIDE))?)
            }
        }
    }
}

/// Columns of two pictures, side by side.
fn sheet(columns: &[[Image; 2]]) -> Image {
    Image::from_fn(2 * SIDE, columns.len() * SIDE, |y, x| {
        columns[x / SIDE][y / SIDE].pixel(y % SIDE, x % SIDE)
    })
}

fn save(image: &Image, path: &Path) -> Result<()> {
    let picture = Picture {
        width: image.width(),
        height: image.height(),
        format: Format::from_path(path)?,
        bits: 8,
        alpha: false,
        quality: 85,
        icc: None,
        band: image.height(),
    };
    texnet_io::write(path, &picture, |_| Ok::<_, WriteError>(Band { image: image.clone(), alpha: None }))?;
    Ok(())
}

const HEAD: &str = "\
<!DOCTYPE html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Descriptors</title>
<style>
body { font-family: sans-serif; max-width: 60em; margin: auto; padding: 1em }
td, th { text-align: left; padding: 0 1.5em 0 0; font-variant-numeric: tabular-nums }
img { max-width: 100% }
</style>
<h1>What textures are compared by</h1>
<p>One picture of 256x256 by each teacher, seed 0: optimised (200 steps at each of the sizes), and painted by a generator
of five scales that learned 30 megapixels. Figures: swd / spec / fit / copy of <code>texnet score</code>. The first two losses are
of the families of swd and fit, which flatter them; the last figure is the share of patches that stand in the exemplar. Written
by <code>cargo xtask figures --only descriptors</code>; what it means stands in <a href=\"descriptor.md\">descriptor.md</a>.
";
