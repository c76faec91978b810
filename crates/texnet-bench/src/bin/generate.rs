//! Time to paint a picture with the paper's texture generator of five scales, one line of JSON.
//!
//! The work is that of the peers' `generate`: one forward pass with frozen statistics at a given size, weights
//! random; ours draws its noise within the time. Printed are the median, the fastest and the slowest run.
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

use anyhow::Result;
use texnet_bench::{Options, times};
use texnet_infer::spec::ConvSpec;
use texnet_infer::{GeneratorSpec, Model, Plane, PlaneOptions, Window, calibrate};

const USAGE: &str = "usage: generate [roofline] [--size N] [--threads N] [--runs N]";
const SCALES: usize = 5;

fn main() -> Result<()> {
    let options = Options::default().parse(USAGE, std::env::args().skip(1))?;
    if options.words == ["roofline"] {
        return roofline();
    }
    let model = Model::untrained(GeneratorSpec::paper(SCALES), 1)?;
    let model = calibrate::calibrate(&model, 0);
    let plane = Plane::texture(&model, PlaneOptions::default())?;
    let window = Window::sized(options.size, options.size);
    let times = options.pool()?.install(|| times(options.runs, || plane.window(window).map(drop)))?;
    let median = times[times.len() / 2];
    println!(
        "{{\"work\": \"generate\", \"size\": {}, \"threads\": {}, \"runs\": {}, \"median_ms\": {median:.3}, \
         \"min_ms\": {:.3}, \"max_ms\": {:.3}, \"gflops\": {:.1}}}",
        options.size,
        options.threads,
        options.runs,
        times[0],
        times[times.len() - 1],
        2e-6 * GeneratorSpec::paper(SCALES).multiply_adds() * (options.size as f64).powi(2) / median
    );
    Ok(())
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
