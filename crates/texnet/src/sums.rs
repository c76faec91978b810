//! Sums over slices, in one order whatever the machine.

/// Partial sums: always as many, so that rounding is the same everywhere.
const PARTS: usize = 16;

/// The product of two vectors of one length.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a.as_chunks::<PARTS>(), b.as_chunks::<PARTS>());
    let mut parts = [0.0; PARTS];
    for (a, b) in a.0.iter().zip(b.0) {
        for (part, (a, b)) in parts.iter_mut().zip(a.iter().zip(b)) {
            *part += a * b;
        }
    }
    let rest = a.1.iter().zip(b.1).map(|(a, b)| a * b);
    parts.into_iter().chain(rest).sum()
}

/// The sum of all values.
pub(crate) fn sum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<PARTS>();
    let mut parts = [0.0; PARTS];
    for chunk in chunks {
        parts.iter_mut().zip(chunk).for_each(|(part, value)| *part += value);
    }
    parts.iter().chain(rest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        for count in [0, 1, 15, 16, 17, 100] {
            let values: Vec<f32> = (1..=count).map(|i| i as f32).collect();
            assert_eq!(sum(&values), (count * (count + 1) / 2) as f32);
            assert_eq!(dot(&values, &values), (count * (count + 1) * (2 * count + 1) / 6) as f32);
        }
    }
}
