//! Sums over planes: 16 partial sums in single precision over at most 2^10 values, the rest in double precision.

#![expect(clippy::needless_range_loop, reason = "lanes are addressed by number, so that they become vectors")]

const LANES: usize = 16;
/// Values summed in single precision: each lane adds 64 of them.
const CHUNK: usize = 1024;

/// The sum of `term(i)` for `i` below `count`; one order, whatever the machine.
#[inline(always)]
pub(crate) fn sum_of(count: usize, term: impl Fn(usize) -> f32) -> f64 {
    let mut total = 0.0_f64;
    let mut start = 0;
    while start < count {
        let end = count.min(start + CHUNK);
        let mut lanes = [0.0_f32; LANES];
        let mut i = start;
        while i + LANES <= end {
            for l in 0..LANES {
                lanes[l] += term(i + l);
            }
            i += LANES;
        }
        let mut part = 0.0_f64;
        for l in 0..LANES {
            part += f64::from(lanes[l]);
        }
        while i < end {
            part += f64::from(term(i));
            i += 1;
        }
        total += part;
        start = end;
    }
    total
}

/// The sum of all values.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f64 {
    sum_of(values.len(), |i| values[i])
}
