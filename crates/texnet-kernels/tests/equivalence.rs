//! Every kernel against its plain reference, at every instruction level of this machine, over a table of sizes.

use texnet_kernels::strip::PHASES;
use texnet_kernels::winograd::Scratch;
use texnet_kernels::{
    Border, Conv, DirectConv, Level, Map, Strip, TileRow, WinogradConv, level_name, levels, pad, reference,
    resample, statistics,
};

/// Values in [-1, 1) from a linear congruential generator.
struct Values(u64);

impl Values {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }

    fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }

    fn map(&mut self, channels: usize, height: usize, width: usize) -> Map {
        let planes = self.take(channels * height * width);
        Map::from_planes(channels, height, width, &planes)
    }

    fn conv(&mut self, inputs: usize, outputs: usize, kernel: usize, slope: Option<f32>) -> Conv {
        let weight = self.take(outputs * inputs * kernel * kernel);
        Conv { inputs, outputs, kernel, weight, bias: self.take(outputs), slope }
    }
}

fn bits(map: &Map) -> Vec<u32> {
    map.to_planes().iter().map(|v| v.to_bits()).collect()
}

const CHANNELS: [[usize; 2]; 5] = [[1, 1], [3, 8], [11, 5], [16, 12], [48, 3]];
const SLOPES: [Option<f32>; 3] = [None, Some(0.0), Some(0.01)];

#[test]
fn direct_convolution_is_the_reference_to_the_last_bit() {
    let mut values = Values(1);
    for (i, [inputs, outputs]) in CHANNELS.into_iter().enumerate() {
        for [kernel, height, width] in [[1, 1, 1], [1, 3, 19], [3, 3, 3], [3, 7, 34], [3, 4, 70]] {
            let conv = values.conv(inputs, outputs, kernel, SLOPES[i % 3]);
            let input = values.map(inputs, height, width);
            let expected = bits(&reference::conv(&input, &conv));
            for level in levels() {
                let ours = DirectConv::from(&conv).apply(level, &input);
                assert!(
                    bits(&ours) == expected,
                    "{inputs}->{outputs} {kernel} {width} {}",
                    level_name(level)
                );
            }
        }
    }
}

/// A strip of three groups that holds the rows and columns of a map from the plane's origin on.
fn strip_of(map: &Map) -> Strip {
    let tiles = map.width() / PHASES;
    let mut strip = Strip::new(map.channels(), tiles, 3);
    for y in 0..map.height() {
        for c in 0..map.channels() {
            for phase in 0..PHASES {
                let row = map.row(c, y).iter().skip(phase).step_by(PHASES);
                let out = strip.phase_mut(c, y as i64, phase, 0, tiles);
                out.iter_mut().zip(row).for_each(|(v, &value)| *v = value);
            }
        }
    }
    strip
}

/// `count` tiles of group 1 from position 1 on, as a map.
fn stored(strip: &Strip, count: usize) -> Map {
    let mut map = Map::new(strip.channels(), PHASES, PHASES * count);
    let at = TileRow { group: 1, first: 1, count, channel: 0 };
    let stride = map.stride();
    strip.store(at, PHASES * count, map.bands_mut(PHASES).next().expect("one band"), stride, 0);
    map
}

/// Both ways to convolve the middle group of a strip.
fn convolved(level: Level, conv: &Conv, input: &Map) -> Map {
    let count = input.width() / PHASES - 2;
    let strip = strip_of(input);
    let mut out = Strip::new(conv.outputs, count + 2, 1);
    let at = TileRow { group: 1, first: 1, count, channel: 0 };
    match conv.kernel {
        1 => DirectConv::from(conv).apply_strip(level, &strip, out.group_mut(1), at),
        _ => WinogradConv::from(conv).apply(level, &strip, out.group_mut(1), at, &mut Scratch::default()),
    }
    stored(&out, count)
}

/// The part of the reference's result that the middle group covers.
fn middle(input: &Map, conv: &Conv) -> Map {
    let padded = reference::pad(input, Border::Zero);
    let full = reference::conv(if conv.kernel == 3 { &padded } else { input }, conv);
    let width = input.width() - 2 * PHASES;
    Map::from_fn(conv.outputs, PHASES, width, |c, y, x| full.row(c, PHASES + y)[PHASES + x])
}

#[test]
fn winograd_is_near_the_reference_and_the_same_at_every_level() {
    let mut values = Values(2);
    for (i, [inputs, outputs]) in CHANNELS.into_iter().enumerate() {
        for tiles in [3, 7, 18, 35, 66] {
            let conv = values.conv(inputs, outputs, 3, SLOPES[i % 3]);
            let input = values.map(inputs, 3 * PHASES, PHASES * tiles);
            let expected = middle(&input, &conv);
            let scalar = bits(&convolved(Level::fallback(), &conv, &input));
            for level in levels() {
                let ours = convolved(level, &conv, &input);
                assert!(bits(&ours) == scalar, "{inputs}->{outputs} {tiles} {}", level_name(level));
            }
            // Terms are up to 1, nine to a channel; the transforms cost some forty roundings.
            let bound = 5e-6 * (9.0 * inputs as f32).sqrt();
            let ours = convolved(Level::fallback(), &conv, &input).to_planes();
            let error =
                ours.iter().zip(expected.to_planes()).fold(0.0, |m: f32, (a, b)| m.max((a - b).abs()));
            assert!(error <= bound, "{inputs}->{outputs}: {error} is more than {bound}");
        }
    }
}

#[test]
fn a_1x1_convolution_of_a_strip_is_the_reference_to_the_last_bit() {
    let mut values = Values(3);
    for (i, [inputs, outputs]) in CHANNELS.into_iter().enumerate() {
        let conv = values.conv(inputs, outputs, 1, SLOPES[i % 3]);
        let input = values.map(inputs, 3 * PHASES, PHASES * 21);
        let expected = bits(&middle(&input, &conv));
        for level in levels() {
            assert!(bits(&convolved(level, &conv, &input)) == expected, "{inputs} {}", level_name(level));
        }
    }
}

#[test]
fn a_strip_takes_the_coarser_scale_twice_in_both_directions() {
    let coarse = Values(4).map(2, 6, 8);
    let mut strip = Strip::new(3, 6, 1);
    // The map's first pixel stands at row 1, column -1 of the coarse plane; position 0 of the strip is tile -1.
    strip.upsample(&coarse, [1, -1], -1, TileRow { group: 1, first: 1, count: 3, channel: 1 });
    let ours = stored(&strip, 3);
    for y in 0..PHASES {
        for x in 0..3 * PHASES {
            let expected = (coarse.width() > x / 2 + 1).then(|| coarse.row(1, (4 + y) / 2 - 1)[x / 2 + 1]);
            assert_eq!(ours.row(2, y)[x], expected.unwrap_or(0.0), "row {y}, column {x}");
        }
        assert!(ours.row(0, y).iter().all(|&v| v == 0.0), "other channels are left alone");
    }
}

#[test]
fn a_strip_interpolates_the_coarser_scale_as_maps_do() {
    let coarse = Values(7).map(2, 6, 11);
    let expected = reference::upsample_smooth(&coarse);
    for (x0, tile0) in [(-1, -1), (-2, -1), (-3, -2), (-4, -2)] {
        let mut strip = Strip::new(3, 7, 1);
        // The map's first pixel stands at row 1 of the coarse plane, and the group begins at row 4 of the fine one.
        strip.upsample_smooth(&coarse, [1, x0], tile0, TileRow { group: 1, first: 1, count: 4, channel: 1 });
        let ours = stored(&strip, 4);
        let first = PHASES as i64 * (tile0 + 1) - 2 * (x0 + 1);
        for y in 0..PHASES {
            let row = &expected.row(1, y)[first as usize..][..4 * PHASES];
            let bits = |row: &[f32]| row.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(ours.row(2, y)), bits(row), "row {y}");
            assert!(ours.row(0, y).iter().all(|&v| v == 0.0), "other channels are left alone");
        }
    }
}

#[test]
fn interpolation_keeps_planes_and_halving_undoes_it_there() {
    let slope = Map::from_fn(1, 7, 9, |_, y, x| 3.0 * y as f32 - x as f32);
    let fine = resample::upsample_smooth(&slope);
    for y in 0..10 {
        for x in 0..14 {
            assert_eq!(fine.row(0, y)[x], 3.0 * (0.5 * y as f32 + 0.75) - (0.5 * x as f32 + 0.75));
        }
    }
    assert_eq!(resample::halve(&fine).row(0, 2), &slope.row(0, 3)[1..8]);
}

/// Rows of a map, four of them, from `first` on.
fn four_rows(map: &Map, first: usize) -> Map {
    Map::from_fn(map.channels(), PHASES, map.width(), |c, y, x| map.row(c, first + y)[x])
}

#[test]
fn groups_are_halved_and_doubled_as_maps_are() {
    let map = Values(6).map(2, 12, 16);
    let strip = strip_of(&map);
    // Position 0 is tile 0 in what is read, and tile -1 in what is written.
    let tiles = [0, -1];
    for level in levels() {
        let mut halved = Strip::new(2, 4, 1);
        let at = TileRow { group: 0, first: 1, count: 2, channel: 0 };
        halved.group_mut(0).halve(level, &strip, tiles, at, None);
        assert_eq!(bits(&stored(&halved, 2)), bits(&four_rows(&reference::halve(&map), 0)));
        let mut doubled = Strip::new(2, 10, 1);
        let at = TileRow { group: 1, first: 1, count: 8, channel: 0 };
        doubled.group_mut(1).double(level, &strip, tiles, at);
        assert_eq!(bits(&stored(&doubled, 8)), bits(&four_rows(&reference::upsample(&map), 4)));
    }
}

#[test]
fn padding_and_resampling_are_the_reference() {
    let mut values = Values(5);
    for [height, width] in [[2, 2], [4, 6], [10, 34]] {
        let map = values.map(3, height, width);
        for border in [Border::Circular, Border::Reflect, Border::Replicate, Border::Zero] {
            assert_eq!(bits(&pad::pad(&map, border)), bits(&reference::pad(&map, border)), "{border:?}");
        }
        assert_eq!(bits(&resample::upsample(&map)), bits(&reference::upsample(&map)));
        assert_eq!(bits(&resample::halve(&map)), bits(&reference::halve(&map)));
        let padded = pad::pad(&map, Border::Reflect);
        assert_eq!(bits(&resample::upsample_smooth(&padded)), bits(&reference::upsample_smooth(&padded)));
        assert_eq!(bits(&resample::halve(&resample::upsample(&map))), bits(&map), "halving undoes doubling");
    }
}

#[test]
fn borders_of_a_row_are_those_of_the_field() {
    let row = Map::from_planes(1, 1, 3, &[1.0, 2.0, 3.0]);
    let padded = |border| reference::pad(&row, border).row(0, 1).to_vec();
    assert_eq!(padded(Border::Circular), [3.0, 1.0, 2.0, 3.0, 1.0]);
    assert_eq!(padded(Border::Reflect), [2.0, 1.0, 2.0, 3.0, 2.0]);
    assert_eq!(padded(Border::Replicate), [1.0, 1.0, 2.0, 3.0, 3.0]);
    assert_eq!(padded(Border::Zero), [0.0, 1.0, 2.0, 3.0, 0.0]);
}

#[test]
fn moments_are_those_of_the_reference_and_keep_digits_far_from_zero() {
    let mut values = Values(6);
    for [height, width] in [[1, 1], [3, 5], [17, 40]] {
        let map = values.map(2, height, width);
        let far = Map::from_fn(2, height, width, |c, y, x| map.row(c, y)[x] + 1000.0);
        for map in [&map, &far] {
            for (c, ours) in statistics::moments(map).into_iter().enumerate() {
                let [mean, variance] = reference::moments(map, c);
                assert!(
                    (ours.mean - mean).abs() < 1e-12 * mean.abs().max(1.0),
                    "{} is not {mean}",
                    ours.mean
                );
                assert!((ours.variance - variance).abs() < 1e-12, "{} is not {variance}", ours.variance);
            }
        }
    }
}
