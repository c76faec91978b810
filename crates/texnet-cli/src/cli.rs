//! The command line: what may be said, and what it means.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use texnet_infer::Window;

use crate::commands;

/// Paint textures at any size, and dress photographs in a style, with texture networks.
#[derive(Debug, Parser)]
#[command(name = "texnet", version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Report results as JSON, one object per line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Threads to use; the picture does not depend on it [default: all cores].
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Turn a Torch7 model of 2016 (texture_nets, version 1) into a model file.
    Import(Import),
    /// Learn a texture from pictures of it.
    Train(Train),
    /// Learn a style from pictures in it, to dress photographs.
    TrainStyle(TrainStyle),
    /// Paint one picture of a texture without a network, by optimisation.
    #[command(alias = "optimize")]
    Optimise(Optimise),
    /// Paint a texture.
    Sample(Sample),
    /// Dress a photograph in a style.
    #[command(alias = "stylize")]
    Stylise(Stylise),
    /// Tell how near pictures of a texture are to their exemplar, without any trained network.
    #[command(after_help = commands::score::COLUMNS)]
    Score(Score),
    /// Tell what a model is.
    Info(Info),
    /// Get the weights of a network that training can use; nothing else here uses the network.
    Weights(Weights),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder.
    Man {
        /// The folder.
        folder: Option<PathBuf>,
    },
}

/// Arguments of `texnet import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The Torch7 file.
    pub(crate) model: PathBuf,
    /// The model file to write [default: the same name, ending in .safetensors].
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// Store weights in 16 bits: half the file, pictures change by less than one step of 8 bits.
    #[arg(long)]
    pub(crate) half: bool,
}

/// Arguments of `texnet train`.
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Pictures of one texture: png, jpg, tiff, webp, bmp or gif.
    #[arg(required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// The model file to write; pictures and the folder of the run take its name [default: IMAGE.safetensors].
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// fast (a minute and a half), default (five), fine (a quarter of an hour); paper and paper-code need the weights of
    /// VGG-19.
    #[arg(long, default_value = "default")]
    pub(crate) preset: String,
    /// Learn the pictures to their edges: captions, watermarks and frames there, too, which are left out otherwise.
    #[arg(long)]
    pub(crate) whole: bool,
    #[command(flatten)]
    pub(crate) learning: Learning,
}

/// Arguments of `texnet train-style`.
#[derive(Debug, Args)]
pub(crate) struct TrainStyle {
    /// Pictures in the style: png, jpg, tiff, webp, bmp or gif.
    #[arg(required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// Photographs to practise on: files and folders; sixteen are enough, and those of the kind that will be dressed are
    /// best [default: sixteen painted scenes].
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub(crate) content: Vec<PathBuf>,
    /// The model file to write; pictures and the folder of the run take its name [default: IMAGE.safetensors].
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// style (about five minutes), style-fast (half a minute), style-film (ten; holds still when the photograph moves), or
    /// style-residual (six; a network that keeps more of the photograph's shapes).
    #[arg(long, default_value = "style")]
    pub(crate) preset: String,
    /// How much of the photograph is kept, relative to the preset: 0.5 gives more to the style.
    #[arg(long, value_name = "W", value_parser = parse_factor)]
    pub(crate) content_weight: Option<f32>,
    #[command(flatten)]
    pub(crate) learning: Learning,
}

/// What all that learn have in common.
#[derive(Debug, Args)]
pub(crate) struct Learning {
    /// Side of the pictures that are learned from; larger sees larger structures and takes longer [default: from the
    /// objects in the picture].
    #[arg(long, value_name = "N")]
    pub(crate) size: Option<usize>,
    #[command(flatten)]
    pub(crate) descent: Descent,
    /// Go on with a run that was stopped, with its own settings.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Store weights in 16 bits: half the file.
    #[arg(long)]
    pub(crate) half: bool,
}

/// What all that go down an objective have in common, networks or single pictures.
#[derive(Debug, Args)]
pub(crate) struct Descent {
    /// Size of what is made: of a texture's objects, relative to the picture; of a style's strokes, relative to those of
    /// the style at 200x200 pixels.
    #[arg(long, value_name = "S", value_parser = parse_scale)]
    pub(crate) scale: Option<f32>,
    /// Seed of everything that is drawn; the same seed gives the same result on the same machine.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Steps to make; of a single picture, at each of its sizes [default: the preset's].
    #[arg(long, value_name = "N")]
    pub(crate) iterations: Option<u64>,
    /// Make as many steps as fit into this many minutes on this machine.
    #[arg(long, value_name = "M", conflicts_with = "iterations", value_parser = parse_minutes)]
    pub(crate) minutes: Option<f64>,
    /// Where to compute: auto, cpu, or cuda or wgpu in builds with that feature; with several, cuda:1.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// The file of VGG-19's weights, where they are needed [default: TEXNET_VGG, or where `texnet weights` puts it].
    #[arg(long, value_name = "FILE")]
    pub(crate) vgg: Option<PathBuf>,
    /// Change one setting, as in `--set nearest.weight=0.2`; config.toml in the folder of a run lists all.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

impl Descent {
    /// The settings of `--set`, and those that have flags of their own and were given.
    pub(crate) fn settings(&self, scale: Option<f32>) -> Vec<String> {
        let named = [
            self.seed.map(|seed| format!("seed={seed}")),
            self.iterations.map(|iterations| format!("iterations={iterations}")),
            scale.map(|scale| format!("scale={scale:?}")),
        ];
        self.set.iter().cloned().chain(named.into_iter().flatten()).collect()
    }
}

/// Arguments of `texnet optimise`.
#[derive(Debug, Args)]
pub(crate) struct Optimise {
    /// Pictures of one texture: png, jpg, tiff, webp, bmp or gif.
    #[arg(required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// The picture to write: png, jpg, tiff or webp by its ending [default: IMAGE-optimised.png].
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// Size in pixels, one number or WIDTHxHEIGHT, in multiples of 8 or 16; time and memory grow with it.
    #[arg(long, default_value = "256", value_parser = parse_size)]
    pub(crate) size: [usize; 2],
    /// What pictures are compared by: sliced (patches; the result repeats without a seam), or vgg19 (as Gatys et al.
    /// did; needs its weights, and the result has borders).
    #[arg(long, default_value = "sliced")]
    pub(crate) teacher: Judge,
    /// Compare with the pictures to their edges: captions, watermarks and frames there, too, which are left out otherwise.
    #[arg(long)]
    pub(crate) whole: bool,
    #[command(flatten)]
    pub(crate) descent: Descent,
    /// A picture that is written again every ten seconds, to watch.
    #[arg(long, value_name = "FILE")]
    pub(crate) preview: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) coding: Coding,
}

/// What pictures can be compared by.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Judge {
    /// Patches.
    Sliced,
    /// Gram matrices of VGG-19.
    Vgg19,
}

/// Arguments of `texnet sample`.
#[derive(Debug, Args)]
pub(crate) struct Sample {
    /// The model: .safetensors, a Torch7 file of 2016, or the name of a built-in one.
    #[arg(required_unless_present = "list")]
    pub(crate) model: Option<PathBuf>,
    /// List the built-in models.
    #[arg(long, conflicts_with = "model")]
    pub(crate) list: bool,
    /// The picture to write: png, jpg, tiff or webp by its ending [default: the model's name, ending in .png].
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// Size in pixels, one number or WIDTHxHEIGHT; any size.
    #[arg(long, default_value = "512", value_parser = parse_size)]
    pub(crate) size: [usize; 2],
    /// Which of the endlessly many pictures; the same seed gives the same bytes everywhere.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Paint this many, with consecutive seeds, into numbered files.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    /// Make a seamless tile: the size must be a multiple of the model's coarsest pixel.
    #[arg(long)]
    pub(crate) tile: bool,
    /// Paint this part of the infinite plane (or of the repeated tile): left, top, width, height.
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_window, allow_hyphen_values = true)]
    pub(crate) window: Option<Window>,
    /// Multiply the noise: below 1 is calmer, above is wilder than what was learned.
    #[arg(long, default_value_t = 1.0, value_name = "S", value_parser = parse_factor, allow_hyphen_values = true)]
    pub(crate) scale_noise: f32,
    /// Paint a sheet to judge the model by: this exemplar beside three samples and a tile, 256 pixels each.
    #[arg(long, value_name = "EXEMPLAR", conflicts_with_all = ["size", "seed", "count", "tile", "window", "scale_noise"])]
    pub(crate) sheet: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) coding: Coding,
}

/// How pictures are stored.
#[derive(Debug, Clone, Args)]
pub(crate) struct Coding {
    /// Bits per value, 8 or 16; 16 for png and tiff.
    #[arg(long, value_parser = parse_bits)]
    pub(crate) bits: Option<u8>,
    /// Quality of jpg, from 1 to 100.
    #[arg(long, default_value_t = QUALITY, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) quality: u8,
}

/// Quality of jpg when none is given.
const QUALITY: u8 = 92;

impl Default for Coding {
    fn default() -> Self {
        Self { bits: None, quality: QUALITY }
    }
}

/// Arguments of `texnet stylise`.
#[derive(Debug, Args)]
pub(crate) struct Stylise {
    /// The model: .safetensors, or a Torch7 file of 2016.
    pub(crate) model: PathBuf,
    /// Photographs, and folders of them: png, jpg, tiff, webp, bmp or gif. Or a film: y4m, or whatever the program ffmpeg
    /// reads; - is a stream of y4m.
    #[arg(required = true)]
    pub(crate) photos: Vec<PathBuf>,
    /// The picture to write [default: PHOTO-MODEL.png, or .jpg for a jpg]; for several photographs or a folder, the folder
    /// that they go to.
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// Multiply the noise: the knob between style and photograph.
    #[arg(long, default_value_t = 1.0, value_name = "K", value_parser = parse_factor, allow_hyphen_values = true)]
    pub(crate) noise: f32,
    /// How strongly the style shows, between the least and the most that it was learned for, most often from 0, nearly
    /// the photograph, to 2.
    #[arg(long, value_name = "S", value_parser = parse_factor, conflicts_with = "noise")]
    pub(crate) strength: Option<f32>,
    /// Which noise.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Reduce the photograph so that its longer side has at most this many pixels; strokes grow with it.
    #[arg(long, value_name = "N", value_parser = parse_side)]
    pub(crate) max_size: Option<usize>,
    /// Paint at this times the photograph's size, and bring the result back to it: 0.5 makes strokes twice as large.
    #[arg(long, default_value_t = 1.0, value_name = "S", value_parser = parse_brush)]
    pub(crate) brush: f32,
    /// Keep the photograph's colours, and take only brightness from the style.
    #[arg(long)]
    pub(crate) keep_colours: bool,
    /// Share of the style in the result, from 0, the photograph, to 1.
    #[arg(long, default_value_t = 1.0, value_name = "B", value_parser = parse_share)]
    pub(crate) blend: f32,
    /// A grey picture that says where: white is dressed, black stays as it was. Any size.
    #[arg(long, value_name = "FILE")]
    pub(crate) mask: Option<PathBuf>,
    /// Go on with a film that was stopped.
    #[arg(long)]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) coding: Coding,
}

/// Arguments of `texnet score`.
#[derive(Debug, Args)]
pub(crate) struct Score {
    /// The picture that the texture was made from: png, jpg, tiff, webp, bmp or gif.
    pub(crate) exemplar: PathBuf,
    /// The pictures to score; sides of 24 pixels or more, up to 2^24 pixels.
    #[arg(required = true)]
    pub(crate) pictures: Vec<PathBuf>,
}

/// Arguments of `texnet weights`.
#[derive(Debug, Args)]
pub(crate) struct Weights {
    /// Which network's.
    pub(crate) network: Network,
    /// Another source than torchvision's public file (548 MiB).
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The SHA-256 that the file must have, or its first digits [default: those in the name of the source].
    #[arg(long, value_name = "HEX", value_parser = commands::weights::parse_digits)]
    pub(crate) sha256: Option<String>,
    /// The file to write [default: one in your cache folder, where texnet looks for it].
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

/// A network whose weights are public.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Network {
    /// VGG-19, the descriptor of the paper.
    Vgg19,
}

/// Arguments of `texnet info`.
#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The model: .safetensors, a Torch7 file of 2016, or the name of a built-in one.
    pub(crate) model: PathBuf,
}

fn parse_side(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(side) if (1..=1 << 31).contains(&side) => Ok(side),
        _ => Err("a side is a whole number of pixels from 1 to 2147483648".into()),
    }
}

/// `[width, height]` from `640x480` or `512`.
fn parse_size(text: &str) -> Result<[usize; 2], String> {
    let sides: Result<Vec<usize>, _> = text.split(['x', 'X']).map(parse_side).collect();
    match sides?.as_slice() {
        [side] => Ok([*side; 2]),
        [width, height] => Ok([*width, *height]),
        _ => Err("a size is one number or WIDTHxHEIGHT, such as 640x480".into()),
    }
}

fn parse_window(text: &str) -> Result<Window, String> {
    let usage = "a window is four numbers X,Y,WIDTH,HEIGHT, such as -100,0,640,480".to_owned();
    let [x, y, width, height] = text.split(',').collect::<Vec<_>>()[..] else { return Err(usage) };
    let place = |text: &str| text.trim().parse::<i64>().map_err(|_| usage.clone());
    let [x, y] = [place(x)?, place(y)?];
    Ok(Window { x, y, width: parse_side(width.trim())?, height: parse_side(height.trim())? })
}

fn parse_factor(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(factor) if (0.0..=1000.0).contains(&factor) => Ok(factor),
        _ => Err("the factor is a number from 0 to 1000".into()),
    }
}

fn parse_brush(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(brush) if (0.02..=8.0).contains(&brush) => Ok(brush),
        _ => Err("the brush is a number from 0.02 to 8".into()),
    }
}

fn parse_share(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("the share is a number from 0 to 1".into()),
    }
}

fn parse_scale(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(scale) if (0.01..=16.0).contains(&scale) => Ok(scale),
        _ => Err("the scale is a number from 0.01 to 16".into()),
    }
}

fn parse_minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 10_000.0 => Ok(minutes),
        _ => Err("the time is a number of minutes from just above 0 to 10000".into()),
    }
}

fn parse_bits(text: &str) -> Result<u8, String> {
    match text {
        "8" => Ok(8),
        "16" => Ok(16),
        _ => Err("pictures have 8 or 16 bits per value".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_windows_and_factors_are_read_or_refused() {
        assert_eq!(parse_size("64"), Ok([64, 64]));
        assert_eq!(parse_size("250x333"), Ok([250, 333]));
        assert!(["", "0", "3x", "1x2x3", "-4", "99999999999"].iter().all(|s| parse_size(s).is_err()));
        assert_eq!(parse_window("-5,7,1,2"), Ok(Window { x: -5, y: 7, width: 1, height: 2 }));
        assert!(["1,2,3", "1,2,0,3", "a,1,1,1"].iter().all(|s| parse_window(s).is_err()));
        assert!(parse_factor("NaN").is_err() && parse_factor("-1").is_err() && parse_factor("0").is_ok());
    }
}
