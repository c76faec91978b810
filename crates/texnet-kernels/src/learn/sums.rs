//! Sums over planes: 16 partial sums in single precision over at most 2^10 values, the rest in double precision.

#![expect(clippy::needless_range_loop, reason = "lanes are addressed by number, so that they become vectors")]

const LANES: usize = 16;
/// Values summed in single precision: each lane adds 64 of them.
const CHUNK: usize = 1024;

/// The sums of `M` terms of the values that `N` slices of one length have at the same place; one order, whatever the
/// machine.
#[inline(always)]
pub(crate) fn sums_of<const N: usize, const M: usize>(
    slices: [&[f32]; N],
    terms: impl Fn([f32; N]) -> [f32; M],
) -> [f64; M] {
    let count = slices[0].len();
    let mut totals = [0.0_f64; M];
    for start in (0..count).step_by(CHUNK) {
        let mut parts = [&[][..]; N];
        for n in 0..N {
            parts[n] = &slices[n][start..count.min(start + CHUNK)];
        }
        let part = part(parts, &terms);
        for m in 0..M {
            totals[m] += part[m];
        }
    }
    totals
}

#[inline(always)]
fn part<const N: usize, const M: usize>(
    slices: [&[f32]; N],
    terms: &impl Fn([f32; N]) -> [f32; M],
) -> [f64; M] {
    let whole = slices[0].len() / LANES * LANES;
    let mut lanes = [[0.0_f32; LANES]; M];
    for i in (0..whole).step_by(LANES) {
        let mut values = [[0.0_f32; LANES]; N];
        for n in 0..N {
            values[n].copy_from_slice(&slices[n][i..i + LANES]);
        }
        for l in 0..LANES {
            let terms = terms(at(&values, l));
            for m in 0..M {
                lanes[m][l] += terms[m];
            }
        }
    }
    let mut sums = [0.0_f64; M];
    for m in 0..M {
        for l in 0..LANES {
            sums[m] += f64::from(lanes[m][l]);
        }
    }
    for i in whole..slices[0].len() {
        let mut values = [0.0; N];
        for n in 0..N {
            values[n] = slices[n][i];
        }
        let terms = terms(values);
        for m in 0..M {
            sums[m] += f64::from(terms[m]);
        }
    }
    sums
}

/// Lane `l` of each vector.
#[inline(always)]
fn at<const N: usize>(values: &[[f32; LANES]; N], l: usize) -> [f32; N] {
    let mut lane = [0.0; N];
    for n in 0..N {
        lane[n] = values[n][l];
    }
    lane
}

/// The sum of all values.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f64 {
    let [sum] = sums_of(
        [values],
        #[inline(always)]
        |v| v,
    );
    sum
}
