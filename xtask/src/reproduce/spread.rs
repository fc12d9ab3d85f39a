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
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.mean)?;
        self.deviation.map_or(Ok(()), |deviation| write!(f, " ± {deviation:.2}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_take_one_degree_of_freedom() {
        assert_eq!(Spread::of(&[1.0, 2.0, 3.0]).to_string(), "2.00 ± 1.00");
        assert_eq!(Spread::of(&[4.25]).to_string(), "4.25");
    }
}
