//! The far tail of normal scores by peaks over a threshold (Pickands 1975; Siffer, Fouque, Termier & Largouët 2017).
//!
//! Excesses `y` over a high quantile `t` follow a generalised Pareto distribution, `P(Y > y) = (1 + γ y / σ)^(-1/γ)`, so
//! `P(S > s) = (N_t / n) (1 + γ (s - t) / σ)^(-1/γ)` also where no calibration score reaches. `γ` and `σ` are the
//! estimates of Zhang & Stephens 2009, which exist for every sample and need no iteration.

use serde::{Deserialize, Serialize};

use super::{rate, sorted};
use crate::{Error, Result};

/// The share of the scores whose excesses are fitted.
const SHARE: f64 = 0.1;
/// The fewest excesses that are fitted.
const EXCESSES: usize = 10;

/// A fitted tail.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// Where the tail begins.
    start: f64,
    /// The share of the scores beyond it.
    share: f64,
    /// `γ`: 0 falls exponentially, above 0 slower, below 0 the tail ends.
    shape: f64,
    /// `σ`.
    scale: f64,
}

impl Tail {
    /// Fits the highest tenth of `scores`.
    ///
    /// # Errors
    /// A score is not finite, or fewer than ten distinct scores lie in the tail.
    pub fn fit(scores: &[f64]) -> Result<Self> {
        let ordered = sorted("tail", scores.to_vec())?;
        let count = ((ordered.len() as f64 * SHARE).ceil() as usize).max(EXCESSES);
        let needed = EXCESSES + 1;
        if ordered.len() < needed {
            return Err(Error::TooFewRows { operation: "tail", rows: ordered.len(), needed });
        }
        let start = ordered[ordered.len() - 1 - count];
        let excesses: Vec<f64> = ordered.iter().map(|one| one - start).filter(|excess| *excess > 0.0).collect();
        if excesses.last().is_some_and(|largest| !largest.is_finite()) {
            return Err(Error::NotFinite { operation: "tail" });
        }
        if excesses.len() < EXCESSES {
            return Err(Error::TooFewRows { operation: "tail: distinct scores", rows: excesses.len(), needed });
        }
        let (shape, scale) = zhang_stephens(&excesses);
        Ok(Self { start, share: excesses.len() as f64 / ordered.len() as f64, shape, scale })
    }

    /// The probability of a normal score above `score`; `None` below the start of the tail.
    pub fn p_value(&self, score: f64) -> Option<f64> {
        (score > self.start).then(|| self.share * self.beyond(score - self.start))
    }

    /// The score that normal rows exceed at the rate `alpha`.
    ///
    /// # Errors
    /// `alpha` is not within `0..1`, or lies within the bulk of the scores instead of the tail.
    pub fn threshold(&self, alpha: f64) -> Result<f64> {
        let ratio = rate("tail", alpha)? / self.share;
        if ratio > 1.0 {
            return Err(Error::Setting { name: "tail", value: alpha, expected: "a rate within the tail, below 0.1" });
        }
        let excess = if self.shape.abs() < 1e-9 {
            -self.scale * ratio.ln()
        } else {
            self.scale / self.shape * (ratio.powf(-self.shape) - 1.0)
        };
        Ok(self.start + excess)
    }

    fn beyond(&self, excess: f64) -> f64 {
        if self.shape.abs() < 1e-9 {
            return (-excess / self.scale).exp();
        }
        (1.0 + self.shape * excess / self.scale).max(0.0).powf(-1.0 / self.shape)
    }
}

/// `γ` and `σ` of excesses in rising order: the profile likelihood of `θ = -γ / σ`, averaged over a grid.
fn zhang_stephens(excesses: &[f64]) -> (f64, f64) {
    let count = excesses.len() as f64;
    let quarter = excesses[(count / 4.0 + 0.5) as usize - 1];
    let largest = excesses[excesses.len() - 1];
    let points = 20 + count.sqrt() as usize;
    let shape_of = |theta: f64| excesses.iter().map(|y| (-theta * y).ln_1p()).sum::<f64>() / count;
    let grid: Vec<f64> = (1..=points)
        .map(|j| 1.0 / largest + (1.0 - (points as f64 / (j as f64 - 0.5)).sqrt()) / (3.0 * quarter))
        .collect();
    let likelihood = |theta: f64| {
        let shape = shape_of(theta);
        count * ((-theta / shape).ln() - shape - 1.0)
    };
    let values: Vec<f64> = grid.iter().map(|theta| likelihood(*theta)).collect();
    let top = values.iter().copied().filter(|value| value.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = values.iter().map(|v| if v.is_finite() { (v - top).exp() } else { 0.0 }).collect();
    let total: f64 = weights.iter().sum();
    let theta = grid.iter().zip(&weights).map(|(theta, weight)| theta * weight).sum::<f64>() / total;
    let shape = shape_of(theta);
    (shape, -shape / theta)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` quantiles of a generalised Pareto distribution.
    fn pareto(n: usize, shape: f64, scale: f64) -> Vec<f64> {
        let survival = |i: usize| 1.0 - (i as f64 + 0.5) / n as f64;
        (0..n).map(|i| scale / shape * (survival(i).powf(-shape) - 1.0)).collect()
    }

    #[test]
    fn the_estimate_finds_what_the_sample_was_made_of() {
        for (shape, scale) in [(0.3, 2.0), (-0.2, 1.0), (0.05, 0.5)] {
            let (found_shape, found_scale) = zhang_stephens(&pareto(5_000, shape, scale));
            assert!((found_shape - shape).abs() < 0.03, "shape {found_shape}, expected {shape}");
            assert!((found_scale - scale).abs() < 0.03 * scale, "scale {found_scale}, expected {scale}");
        }
    }

    #[test]
    fn thresholds_beyond_the_sample_have_their_rate() {
        let shape = 0.2;
        let tail = Tail::fit(&pareto(2_000, shape, 1.0)).unwrap();
        for alpha in [1e-2, 1e-3, 1e-5] {
            let truth = (f64::powf(alpha, -shape) - 1.0) / shape;
            let found = tail.threshold(alpha).unwrap();
            assert!((found / truth - 1.0).abs() < 0.15, "{alpha}: {found}, expected {truth}");
            assert!((tail.p_value(found).unwrap() / alpha - 1.0).abs() < 1e-6);
        }
        assert!(tail.threshold(0.5).is_err());
        assert_eq!(tail.p_value(0.0), None);
    }

    #[test]
    fn few_or_equal_scores_are_refused() {
        assert!(Tail::fit(&[1.0; 5]).is_err());
        assert!(Tail::fit(&[1.0; 500]).is_err());
    }
}
