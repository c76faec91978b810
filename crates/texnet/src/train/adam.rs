//! Adam (Kingma and Ba 2015) on plain numbers.
//!
//! A generator has about 10^5 parameters, so that they may live on the host, whatever the device: the same
//! arithmetic everywhere, and a state that is saved as it is.

/// Rates of decay of the moments' averages, and the number that keeps the root away from zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Adam {
    /// Of the first moment.
    pub(crate) beta1: f32,
    /// Of the second moment.
    pub(crate) beta2: f32,
    /// Added to the root of the second moment.
    pub(crate) epsilon: f32,
}

/// Averages of the gradient and of its square, for every parameter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    /// Steps averaged.
    pub steps: u64,
    /// Of the gradient.
    pub first: Vec<Vec<f32>>,
    /// Of its square.
    pub second: Vec<Vec<f32>>,
}

impl Moments {
    /// No steps yet, for parameters of these sizes.
    #[must_use]
    pub fn new(values: &[Vec<f32>]) -> Self {
        let zeros = || values.iter().map(|v| vec![0.0; v.len()]).collect();
        Self { steps: 0, first: zeros(), second: zeros() }
    }
}

impl Adam {
    /// One step of size `rate`; a parameter whose gradient is empty stays.
    pub(crate) fn step(
        self,
        values: &mut [Vec<f32>],
        gradients: &[Vec<f32>],
        moments: &mut Moments,
        rate: f32,
    ) {
        moments.steps += 1;
        let steps = i32::try_from(moments.steps).unwrap_or(i32::MAX);
        let [unbiased1, unbiased2] = [self.beta1, self.beta2].map(|b| 1.0 - f64::from(b).powi(steps));
        let rate = (f64::from(rate) / unbiased1) as f32;
        let unbiased2 = unbiased2 as f32;
        for (i, gradient) in gradients.iter().enumerate() {
            let averages = moments.first[i].iter_mut().zip(&mut moments.second[i]);
            for ((value, (first, second)), &g) in values[i].iter_mut().zip(averages).zip(gradient) {
                *first += (1.0 - self.beta1) * (g - *first);
                *second += (1.0 - self.beta2) * (g * g - *second);
                *value -= rate * *first / ((*second / unbiased2).sqrt() + self.epsilon);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valley_is_descended_and_the_first_step_is_as_long_as_the_rate() {
        let adam = Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
        let mut values = vec![vec![3.0_f32, -2.0], vec![7.0]];
        let mut moments = Moments::new(&values);
        for step in 0..800 {
            let gradients = vec![values[0].iter().map(|v| 2.0 * v).collect(), Vec::new()];
            adam.step(&mut values, &gradients, &mut moments, 0.05);
            if step == 0 {
                assert!((values[0][0] - 2.95).abs() < 1e-5 && (values[0][1] + 1.95).abs() < 1e-5);
            }
        }
        assert!(values[0].iter().all(|v| v.abs() < 0.01), "{values:?}");
        assert_eq!(values[1], [7.0], "a parameter without a gradient stays");
    }
}
