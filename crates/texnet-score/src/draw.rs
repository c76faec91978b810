//! Random numbers and places, the same in every run: hashes of a stream and a counter (SplitMix64, Steele et al. 2014).
//!
//! Nothing here is shared with learning, so that no network is scored by what it was trained on.

/// What is drawn: streams are independent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// Directions onto which patches are projected.
    Directions = 1,
    /// Patches that are projected.
    Patches,
    /// Patches that are looked for in another picture.
    Queries,
}

const SEED: u64 = 0x7E57_0DD5_C0DE_5EED;
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The numbers of one stream, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(stream: Stream) -> Self {
        Self(mix(SEED ^ (stream as u64).wrapping_mul(GOLDEN)))
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal with mean 0 and variance 1 (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Rows and columns of a sample of places, one in each cell of a lattice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Places {
    /// Rows and columns of the lattice.
    pub(crate) lattice: [usize; 2],
    /// Row and column of each place, row of cells after row of cells.
    pub(crate) at: Vec<[usize; 2]>,
}

impl Places {
    /// All places of a rectangle, if these are at most `limit`; else one at random in each of at most `limit` cells of
    /// equal size. A regular lattice would see one phase of a texture that repeats, independent places would leave
    /// holes; here every place is as likely as any other.
    pub(crate) fn sample(stream: Stream, [rows, columns]: [usize; 2], limit: usize) -> Self {
        if rows * columns <= limit {
            let all = (0..rows).flat_map(|y| (0..columns).map(move |x| [y, x]));
            return Self { lattice: [rows, columns], at: all.collect() };
        }
        let high = (limit as f64 * rows as f64 / columns as f64).sqrt() as usize;
        let high = high.clamp(1, rows.min(limit));
        let wide = (limit / high).clamp(1, columns);
        let mut draw = Draw::new(stream);
        let mut within = |cell: usize, cells: usize, side: usize| {
            (((cell as f64 + draw.uniform()) * side as f64 / cells as f64) as usize).min(side - 1)
        };
        let cells = (0..high).flat_map(|i| (0..wide).map(move |j| (i, j)));
        let at = cells.map(|(i, j)| [within(i, high, rows), within(j, wide, columns)]).collect();
        Self { lattice: [high, wide], at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_mean_zero_and_variance_one_and_streams_differ() {
        let mut draw = Draw::new(Stream::Directions);
        let values: Vec<f64> = (0..20_000).map(|_| draw.normal()).collect();
        let mean = values.iter().sum::<f64>() / 20_000.0;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
        assert_ne!(Draw::new(Stream::Patches).uniform(), Draw::new(Stream::Queries).uniform());
    }

    #[test]
    fn few_places_are_all_taken_and_of_many_as_many_as_allowed_spread_over_all() {
        let all = Places::sample(Stream::Queries, [3, 4], 12);
        assert_eq!((all.lattice, all.at.len(), all.at[5]), ([3, 4], 12, [1, 1]));
        for [rows, columns] in [[100, 100], [7, 5000], [5000, 7], [1, 5000], [5000, 1], [33, 31]] {
            let some = Places::sample(Stream::Queries, [rows, columns], 1000);
            assert_eq!(some.at.len(), some.lattice[0] * some.lattice[1]);
            assert!((800..=1000).contains(&some.at.len()), "{rows}x{columns}: {}", some.at.len());
            assert!(some.at.iter().all(|&[y, x]| y < rows && x < columns));
            let mean = some.at.iter().map(|&[_, x]| x as f64).sum::<f64>() / some.at.len() as f64;
            assert!((mean + 0.5 - columns as f64 / 2.0).abs() <= 0.02 * columns as f64, "{mean}");
        }
    }
}
