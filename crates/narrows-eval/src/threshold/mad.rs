//! A threshold from median and median absolute deviation: `median + z 1.4826 MAD` (Hampel 1974), for scores whose
//! calibration rows may hold anomalies.

use super::{rate, sorted};
use crate::{Error, Result};

/// The deviation of a standard normal distribution over its median absolute deviation.
const CONSISTENCY: f64 = 1.482_602_218_505_602;

/// The score that normal rows would exceed at the rate `alpha` if their scores were Gaussian.
///
/// # Errors
/// `alpha` is not within `0..1`, there are fewer than two scores, one is no number, or more than half are equal.
pub fn mad(scores: &[f64], alpha: f64) -> Result<f64> {
    let alpha = rate("mad", alpha)?;
    if scores.len() < 2 {
        return Err(Error::TooFewRows { operation: "median absolute deviation", rows: scores.len(), needed: 2 });
    }
    let ordered = sorted("median absolute deviation", scores.to_vec())?;
    let middle = median(&ordered);
    let deviations = sorted("median absolute deviation", ordered.iter().map(|one| (one - middle).abs()).collect())?;
    let deviation = CONSISTENCY * median(&deviations);
    if deviation > 0.0 && deviation.is_finite() {
        Ok(middle + upper_normal_quantile(alpha) * deviation)
    } else {
        let expected = "scores of which fewer than half are equal";
        Err(Error::Setting { name: "median absolute deviation", value: deviation, expected })
    }
}

fn median(ordered: &[f64]) -> f64 {
    let half = ordered.len() / 2;
    if ordered.len() % 2 == 1 { ordered[half] } else { f64::midpoint(ordered[half - 1], ordered[half]) }
}

/// `z` with `P(Z > z) = alpha` for a standard normal `Z`, by bisection on [`upper_normal`].
fn upper_normal_quantile(alpha: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if upper_normal(middle) > alpha { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// `P(Z > z)`: from `z = 2` on by the continued fraction of the Mills ratio, below by the series of the distribution.
fn upper_normal(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z < 0.0 {
        1.0 - upper_normal(-z)
    } else if z < 2.0 {
        let (mut term, mut sum) = (z, z);
        for k in 1..60 {
            term *= z * z / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        let fraction = (1..200).rev().fold(0.0, |below, k| f64::from(k) / (z + below));
        density / (z + fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantiles_are_the_tabulated_ones() {
        for (alpha, z) in
            [(0.5, 0.0), (0.025, 1.959_963_984_540), (0.001, 3.090_232_306_168), (0.8, -0.841_621_233_573)]
        {
            assert!((upper_normal_quantile(alpha) - z).abs() < 1e-10, "{alpha}: {}", upper_normal_quantile(alpha));
        }
    }

    #[test]
    fn a_fifth_of_outliers_hardly_moves_it() {
        let clean: Vec<f64> = (0..1_000).map(|i| upper_normal_quantile((f64::from(i) + 0.5) / 1_000.0)).collect();
        let mut dirty = clean.clone();
        dirty.iter_mut().step_by(5).for_each(|score| *score = 1e6);
        let (clean, dirty) = (mad(&clean, 0.01).unwrap(), mad(&dirty, 0.01).unwrap());
        assert!((clean - 2.326).abs() < 0.01, "{clean}");
        // With a fifth at infinity the median is the clean quantile of 0.625, and the deviation follows.
        assert!((dirty - 3.515).abs() < 0.02, "{dirty}");
        assert!(mad(&[1.0, 1.0, 1.0, 2.0], 0.01).is_err());
    }
}
