//! `cargo xtask figures`: the pictures of the README and of docs/quality.md, made by the program itself.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::{shared, step};

/// A picture and the arguments that make it; photographs and models that are not built in lie in the shared folder.
const PICTURES: [(&str, &str, &str); 12] = [
    ("bricks.jpg", "sample models/bricks.t7", "--size 320 --seed 3"),
    ("peppers.jpg", "sample models/red-peppers.t7", "--size 320 --seed 1"),
    ("starry.jpg", "stylise models/starry.t7 data/content/chelsea.png", "--seed 0"),
    ("mosaic.jpg", "stylise models/mosaic.t7 data/content/chelsea.png", "--seed 0"),
    ("glass.jpg", "stylise glass data/content/chelsea.png", "--seed 0"),
    ("strokes.jpg", "stylise strokes data/content/chelsea.png", "--seed 0"),
    ("woodcut.jpg", "stylise woodcut data/content/chelsea.png", "--seed 0"),
    ("noise-0.jpg", "stylise models/starry.t7 data/content/chelsea.png", "--noise 0 --seed 0"),
    ("noise-3.jpg", "stylise models/starry.t7 data/content/chelsea.png", "--noise 3 --seed 0"),
    ("noise-10.jpg", "stylise models/starry.t7 data/content/chelsea.png", "--noise 10 --seed 0"),
    ("strength-0.jpg", "stylise woodcut data/content/chelsea.png", "--strength 0 --seed 0"),
    ("strength-2.jpg", "stylise woodcut data/content/chelsea.png", "--strength 2 --seed 0"),
];

/// All of them, or what `--only` names.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => pictures(),
        ["--only", "descriptors"] => descriptors(),
        _ => bail!("figures takes nothing, or --only descriptors"),
    }
}

/// The page that compares teachers. One of them has weights that were never trained.
fn descriptors() -> Result<()> {
    step(
        "cargo",
        &["build", "--release", "-p", "texnet-bench", "-p", "texnet-descriptor", "-p", "texnet"],
        &[],
    )?;
    std::fs::create_dir_all("out/descriptors")?;
    step("target/release/texnet-descriptor", &["--steps", "0", "-o", "out/descriptors/untrained"], &[])?;
    step("target/release/descriptors", &[], &[])
}

fn pictures() -> Result<()> {
    if !shared().join("models").is_dir() {
        println!(
            "skipped: there are no models in {}; TEXNET_SHARED names another folder",
            shared().display()
        );
        return Ok(());
    }
    step("cargo", &["build", "--release", "-p", "texnet-cli"], &[])?;
    let mut provenance = String::from(
        "# Where the pictures come from\n\nThose of this table are made by `cargo xtask figures`. The `.t7` models were trained \
         and published in 2016 by the authors of the paper; the photograph is Chelsea the cat, in the public domain. \
         Neither is part of the project.\n\n| picture | command |\n| --- | --- |\n",
    );
    for (name, inputs, options) in PICTURES {
        paint(name, inputs, options)?;
        let command = format!("texnet {inputs} {options} -o assets/{name}");
        writeln!(provenance, "| `{name}` | `{command}` |")?;
    }
    // What follows is about other pictures, and written by people.
    let before = std::fs::read_to_string("assets/PROVENANCE.md")?;
    provenance.push_str(before.find("\n## ").map_or("", |at| &before[at..]));
    std::fs::write("assets/PROVENANCE.md", provenance)?;
    Ok(())
}

fn paint(name: &str, inputs: &str, options: &str) -> Result<()> {
    let mut words = inputs.split(' ');
    let mut arguments: Vec<String> = words.next().map(str::to_owned).into_iter().collect();
    // A word without a folder is the name of a built-in model.
    let place = |word: &str| if word.contains('/') { shared().join(word) } else { word.into() };
    arguments.extend(words.map(|word| place(word).display().to_string()));
    arguments.extend(options.split(' ').map(str::to_owned));
    arguments.extend(["-o".into(), format!("assets/{name}"), "--quality".into(), "88".into()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let program: PathBuf = Path::new("target/release/texnet").into();
    step(&program.display().to_string(), &arguments, &[])
}
