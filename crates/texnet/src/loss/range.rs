//! The penalty for values that no picture holds: the mean square of what lies outside of `[0, 1]`.

use super::host::{HostLoss, Measured};

/// `weight * mean((x - clamp(x, 0, 1))^2)`.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Factor of the term.
    pub weight: f32,
}

impl HostLoss for Range {
    fn name(&self) -> &'static str {
        "range"
    }

    fn measure(&self, values: &[f32], _step: u64) -> Measured {
        let beyond = |v: f32| v - v.clamp(0.0, 1.0);
        let factor = self.weight / values.len() as f32;
        let sum: f64 = values.iter().map(|&v| f64::from(beyond(v).powi(2))).sum();
        Measured {
            value: factor * sum as f32,
            gradient: values.iter().map(|&v| 2.0 * factor * beyond(v)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_outside_of_the_range_count_and_the_gradient_is_that_of_finite_differences() {
        let range = Range { weight: 2.0 };
        assert_eq!(range.measure(&[0.0, 0.5, 1.0], 0).value, 0.0);
        let values = [-0.5, 0.2, 1.25, 3.0];
        let measured = range.measure(&values, 0);
        for i in 0..values.len() {
            let moved = |step: f32| {
                let mut values = values;
                values[i] += step;
                range.measure(&values, 0).value
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((slope - measured.gradient[i]).abs() < 1e-3, "{slope} {}", measured.gradient[i]);
        }
    }
}
