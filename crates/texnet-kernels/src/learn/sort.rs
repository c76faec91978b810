//! Sorting of projections: the order of many floats, by a radix sort on their bits.

/// Bits that one pass sorts by.
const DIGIT: u32 = 11;
const BUCKETS: usize = 1 << DIGIT;
const PASSES: usize = 3;

/// Buffers of [`Sorter::order`], kept between calls.
#[derive(Debug, Clone, Default)]
pub struct Sorter {
    pairs: Vec<u64>,
    other: Vec<u64>,
}

impl Sorter {
    /// The places of the values from the smallest to the largest; equal values stay in order. NaN sorts to an end.
    ///
    /// Each item is the value and its place.
    pub fn order<'a>(&'a mut self, values: &[f32]) -> impl ExactSizeIterator<Item = (f32, usize)> + 'a {
        self.sort(values);
        self.pairs.iter().map(|&pair| (value((pair >> 32) as u32), (pair & 0xFFFF_FFFF) as usize))
    }

    fn sort(&mut self, values: &[f32]) {
        self.pairs.clear();
        self.pairs.extend(values.iter().enumerate().map(|(i, &v)| (u64::from(key(v)) << 32) | i as u64));
        self.other.resize(values.len(), 0);
        let mut counts = vec![[0_u32; BUCKETS]; PASSES];
        for pair in &self.pairs {
            (0..PASSES).for_each(|pass| counts[pass][digit(*pair, pass)] += 1);
        }
        for (pass, counts) in counts.iter_mut().enumerate() {
            let mut start = 0;
            counts.iter_mut().for_each(|count| start += std::mem::replace(count, start));
            for &pair in &self.pairs {
                let place = &mut counts[digit(pair, pass)];
                self.other[*place as usize] = pair;
                *place += 1;
            }
            std::mem::swap(&mut self.pairs, &mut self.other);
        }
    }
}

fn digit(pair: u64, pass: usize) -> usize {
    (pair >> (32 + DIGIT * pass as u32)) as usize & (BUCKETS - 1)
}

/// Bits that sort like the value: negative numbers turned round, positive ones above them.
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_a_stable_comparison_sort() {
        let mut state = 1_u64;
        let mut sorter = Sorter::default();
        for count in [0, 1, 2, 100, 5000] {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((state >> 50) as f32 - 8192.0) * f32::powi(10.0, (state >> 33) as i32 % 20 - 10)
            };
            let values: Vec<f32> = (0..count).map(|_| next()).collect();
            let mut expected: Vec<usize> = (0..count).collect();
            expected.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
            let ours: Vec<(f32, usize)> = sorter.order(&values).collect();
            assert!(ours.iter().map(|o| o.1).eq(expected.iter().copied()), "{count} values");
            assert!(ours.iter().all(|&(v, i)| v.to_bits() == values[i].to_bits()));
        }
    }

    #[test]
    fn values_that_are_not_finite_are_sorted_too() {
        let values = [f32::NAN, 1.0, f32::NEG_INFINITY, -0.0, 0.0, f32::INFINITY];
        let order: Vec<usize> = Sorter::default().order(&values).map(|o| o.1).collect();
        assert_eq!(order, [2, 3, 4, 1, 5, 0]);
    }
}
