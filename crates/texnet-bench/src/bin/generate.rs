//! Time to paint a picture with the paper's texture generator of five scales, one line of JSON; or to dress a
//! photograph with a style network, `generate pyramid` and `generate residual`.
//!
//! The work is that of the peers: one forward pass with frozen statistics at a given size, weights random; ours draws its
//! noise within the time. Printed are the median, the fastest and the slowest run, and the network, for whoever builds
//! it again.
//!
//! # Roofline
//! One pixel takes 37 284 multiply-adds if every convolution is done directly ([`GeneratorSpec::multiply_adds`]), 4.89 GFLOP at
//! 256x256. A core of the reference machine multiplies and adds 117 GFLOP/s in f32 (AVX-512, two units): a direct
//! kernel cannot pass 42 ms. Winograd's F(4x4, 3x3) needs a quarter of the products of a 3x3 convolution
//! ([`winograd_macs_per_pixel`] of the finer scales): the same core could do them in 12 ms, and its transforms,
//! all additions, in 3 to 4 ms more.
//! Memory: features stay in the second-level cache; what passes through main memory is each scale's output once
//! out and once in, 40 to 16 channels, and the picture: 10 MB at 256x256, 1 ms at 10 GB/s. The work is bound by
//! arithmetic and the second-level cache, not by memory. `generate roofline` prints these figures.

use anyhow::{Result, bail};
use serde_json::json;
use texnet_bench::{Options, times};
use texnet_infer::spec::ConvSpec;
use texnet_infer::{GeneratorSpec, Image, Model, Plane, PlaneOptions, Window, calibrate};

const USAGE: &str = "usage: generate [pyramid | residual | roofline] [--size N] [--threads N] [--runs N]";
const SCALES: usize = 5;

fn main() -> Result<()> {
    let options = Options::default().parse(USAGE, std::env::args().skip(1))?;
    match options.words.first().map(String::as_str) {
        None => paint(&options, &GeneratorSpec::paper(SCALES)),
        Some("pyramid") => paint(&options, &GeneratorSpec::coarse_wide_style(SCALES)),
        Some("residual") => paint(&options, &GeneratorSpec::residual_style(3)),
        Some("roofline") => roofline(),
        Some(_) => bail!(USAGE),
    }
}

fn paint(options: &Options, spec: &GeneratorSpec) -> Result<()> {
    let photograph = Image::from_fn(options.size, options.size, |y, x| {
        [x * x, x * y, y * y].map(|v| (v % 251) as f32 / 250.0)
    });
    let plane = frozen(&Model::untrained(spec.clone(), 1)?, &photograph)?;
    let window = Window::sized(options.size, options.size);
    let times = options.pool()?.install(|| times(options.runs, || plane.window(window).map(drop)))?;
    let median = times[times.len() / 2];
    let line = json!({
        "size": options.size,
        "threads": options.threads,
        "median_ms": median,
        "min_ms": times[0],
        "max_ms": times[times.len() - 1],
        "gflops": 2e-6 * spec.multiply_adds() * (options.size as f64).powi(2) / median,
        "spec": spec,
    });
    println!("{line}");
    Ok(())
}

/// The plane of a network with frozen statistics; of a style network, on a photograph.
fn frozen<'a>(model: &Model, photograph: &'a Image) -> Result<Plane<'a>> {
    let options = PlaneOptions::default();
    Ok(if model.spec().content {
        Plane::stylised(&calibrate::calibrate_on(model, photograph, 0, 1.0), photograph, options)?
    } else {
        Plane::texture(&calibrate::calibrate(model, 0), options)?
    })
}

/// Multiply-adds of one pixel of the output, with a quarter of the products for the 3x3 convolutions of all scales but the
/// two coarsest.
fn winograd_macs_per_pixel(spec: &GeneratorSpec) -> f64 {
    let tiled = |ratio: usize, kernel: usize| ratio <= spec.ratio(2) && kernel == 3;
    let macs = |(ratio, conv): &(usize, ConvSpec)| {
        let factor = if tiled(*ratio, conv.kernel) { 0.25 } else { 1.0 };
        factor * conv.multiply_adds() / (*ratio as f64).powi(2)
    };
    spec.placed_convs().iter().map(macs).sum()
}

fn roofline() -> Result<()> {
    let spec = GeneratorSpec::paper(SCALES);
    let pixels = 256.0 * 256.0;
    for (name, macs) in [("direct", spec.multiply_adds()), ("winograd", winograd_macs_per_pixel(&spec))] {
        let flops = 2.0 * macs * pixels;
        println!("{name}: {macs:.0} multiply-adds per pixel, {:.2} GFLOP at 256x256", flops * 1e-9);
        println!("  at 117 GFLOP/s: {:.1} ms", flops / 117e6);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_2016_takes_54_thousand_multiply_adds_per_pixel() {
        let macs = GeneratorSpec::paper(6).multiply_adds();
        assert!((54_000.0..54_300.0).contains(&macs), "{macs}");
    }

    #[test]
    fn the_documented_roofline_is_that_of_the_spec() {
        let spec = GeneratorSpec::paper(SCALES);
        assert_eq!(spec.multiply_adds().round(), 37_284.0);
        assert!((10.0..14.0).contains(&(2.0 * winograd_macs_per_pixel(&spec) * 65_536.0 / 117e6)));
    }
}
