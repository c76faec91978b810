//! Reduction by area: a pixel is the mean of what it covers, pixels at its border by their share.

/// Interleaved samples of `[height, width]` pixels reduced to another size, no side of which may be larger; `step`
/// takes them to 16 bits.
///
/// Whole numbers throughout: a sum is at most 2^16 times the pixels of the picture, so 64 bits hold it.
pub(super) fn by_area<T: Copy + Into<u64>>(
    samples: &[T],
    step: u16,
    channels: usize,
    from: [usize; 2],
    to: [usize; 2],
) -> Vec<u16> {
    let area = from[0] as u64 * from[1] as u64;
    let stride = from[1] * channels;
    let mut reduced = Vec::with_capacity(to[0] * to[1] * channels);
    let mut sums = vec![0; to[1] * channels];
    for y in 0..to[0] {
        sums.fill(0);
        for (row, share) in cover(y, from[0], to[0]) {
            add_row(&samples[row * stride..][..stride], share, from[1], &mut sums, channels);
        }
        reduced.extend(sums.iter().map(|sum| ((sum * u64::from(step) + area / 2) / area) as u16));
    }
    reduced
}

/// Adds a row of `width` pixels to the sums of the reduced row that it belongs to with this share.
fn add_row<T: Copy + Into<u64>>(row: &[T], share: u64, width: usize, sums: &mut [u64], channels: usize) {
    let reduced = sums.len() / channels;
    for (x, sums) in sums.chunks_exact_mut(channels).enumerate() {
        for (column, part) in cover(x, width, reduced) {
            let pixel = &row[column * channels..][..channels];
            sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += share * part * value.into());
        }
    }
}

/// The pixels of a side of `from` that lie in pixel `i` of the side of `to`, each with its share: parts of
/// 1/`to`, so that the shares of a pixel sum to `from`.
fn cover(i: usize, from: usize, to: usize) -> impl Iterator<Item = (usize, u64)> {
    let [start, end] = [i as u64, i as u64 + 1].map(|i| i * from as u64);
    let to = to as u64;
    (start / to..end.div_ceil(to)).map(move |j| (j as usize, end.min((j + 1) * to) - start.max(j * to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_at_a_border_count_by_their_share() {
        assert_eq!(cover(0, 3, 2).collect::<Vec<_>>(), [(0, 2), (1, 1)]);
        assert_eq!(cover(1, 3, 2).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
        assert_eq!(by_area(&[30_u8, 60, 90], 1, 1, [1, 3], [1, 2]), [40, 80]);
        assert_eq!(by_area(&[30_u8, 60, 90], 257, 1, [3, 1], [2, 1]), [40 * 257, 80 * 257]);
    }

    #[test]
    fn the_shares_of_every_pixel_sum_to_the_larger_side() {
        for from in 1..20 {
            for to in 1..=from {
                let sum = |i| cover(i, from, to).map(|(_, share)| share).sum::<u64>();
                assert!((0..to).all(|i| sum(i) == from as u64), "{from} to {to}");
            }
        }
    }
}
