//! The mean of a figure over seeds and its standard deviation.

use std::fmt;

/// Mean and deviation of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    /// The arithmetic mean.
    pub(super) mean: f64,
    /// The standard deviation of the values, with one degree of freedom taken; `None` of a single value.
    pub(super) deviation: Option<f64>,
}

impl Spread {
    /// Of these values.
    pub(super) fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }

    /// Mean and deviation with so many decimals.
    pub(super) fn with_digits(self, digits: usize) -> String {
        let deviation = self.deviation.map(|deviation| format!(" ± {deviation:.digits$}"));
        format!("{:.digits$}{}", self.mean, deviation.unwrap_or_default())
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_digits(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_take_one_degree_of_freedom() {
        assert_eq!(Spread::of(&[1.0, 2.0, 3.0]).to_string(), "2.00 ± 1.00");
        assert_eq!(Spread::of(&[4.25]).to_string(), "4.25");
        assert_eq!(Spread::of(&[0.25, 0.75]).with_digits(4), "0.5000 ± 0.3536");
    }
}
