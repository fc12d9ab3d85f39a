//! Counts of values in equal bins.

use serde::{Deserialize, Serialize};

/// Counts between `edges[i]` and `edges[i + 1]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// One more than there are bins.
    pub edges: Vec<f64>,
    /// Values in each bin; the last bin also takes what lies above it.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Counts `values` in `bins` equal bins from `low` to `high`. What lies outside, NaN too, counts in the nearest bin.
    pub fn new(values: &[f64], low: f64, high: f64, bins: usize) -> Self {
        let bins = bins.max(1);
        let width = if high > low { (high - low) / bins as f64 } else { 1.0 };
        let mut counts = vec![0; bins];
        for value in values {
            counts[(((value - low) / width).max(0.0) as usize).min(bins - 1)] += 1;
        }
        Self { edges: (0..=bins).map(|bin| low + width * bin as f64).collect(), counts }
    }

    /// The range that holds all but the largest half per cent of `values`, from 0 or the smallest.
    pub fn range(values: &[f64]) -> (f64, f64) {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get((share * (sorted.len().max(1) - 1) as f64) as usize).copied();
        (at(0.0).unwrap_or(0.0).min(0.0), at(0.995).unwrap_or(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let histogram = Histogram::new(&[0.0, 0.1, 0.5, 1.0, 7.0, -3.0], 0.0, 1.0, 2);
        assert_eq!(histogram.counts, [3, 3]);
        assert_eq!(histogram.edges, [0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_constant_has_a_histogram() {
        let (low, high) = Histogram::range(&[2.0, 2.0]);
        assert_eq!(Histogram::new(&[2.0, 2.0], low, high, 4).counts.iter().sum::<u64>(), 2);
    }
}
