//! Split-conformal p-values (Vovk, Gammerman & Shafer 2005; Bates, Candès, Lei, Romano & Sesia 2023).
//!
//! With `n` held-out normal scores `s_i`, `p(s) = (1 + #{i : s_i >= s}) / (n + 1)`. If the new row is exchangeable with
//! the calibration rows, `P(p <= alpha) <= alpha` for every `alpha` and every `n`.

use serde::{Deserialize, Serialize};

use super::{rate, sorted};
use crate::{Error, Result};

/// Scores of held-out normal rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Conformal {
    /// In rising order.
    scores: Vec<f64>,
}

impl Conformal {
    /// Calibrates on the scores of rows that neither the scorer nor its preparation has seen.
    ///
    /// # Errors
    /// There are none, or one is no number.
    pub fn new(scores: Vec<f64>) -> Result<Self> {
        if scores.is_empty() {
            return Err(Error::TooFewRows { operation: "calibration", rows: 0, needed: 1 });
        }
        Ok(Self { scores: sorted("calibration", scores)? })
    }

    /// Calibration scores in rising order.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// The p-value of a score: small for strange rows, never below `1 / (n + 1)`.
    pub fn p_value(&self, score: f64) -> f64 {
        // A score that is no number is not known to be normal.
        let below = if score.is_nan() { self.scores.len() } else { self.scores.partition_point(|one| *one < score) };
        (1 + self.scores.len() - below) as f64 / (self.scores.len() + 1) as f64
    }

    /// The largest calibration score above which rows are flagged at the rate `alpha`: `p(s) <= alpha` if and only if
    /// `s` is above it.
    ///
    /// # Errors
    /// `alpha` is not within `0..1`, or below `1 / (n + 1)`, where no row could ever be flagged.
    pub fn threshold(&self, alpha: f64) -> Result<f64> {
        let alpha = rate("fpr", alpha)?;
        // At most this many calibration scores may be at or above a flagged one.
        let allowed = (alpha * (self.scores.len() + 1) as f64 * (1.0 + 1e-12)).floor() as usize;
        match allowed.checked_sub(1) {
            Some(above) => Ok(self.scores[self.scores.len() - 1 - above.min(self.scores.len() - 1)]),
            None => {
                let needed = (1.0 / alpha).ceil() as usize - 1;
                Err(Error::RateTooLow { rate: alpha, rows: self.scores.len(), needed })
            }
        }
    }
}

impl TryFrom<Vec<f64>> for Conformal {
    type Error = Error;

    fn try_from(scores: Vec<f64>) -> Result<Self> {
        Self::new(scores)
    }
}

impl From<Conformal> for Vec<f64> {
    fn from(conformal: Conformal) -> Self {
        conformal.scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_tensor::{Key, random};

    #[test]
    fn p_values_count_what_is_at_least_as_strange() {
        let conformal = Conformal::new(vec![3.0, 1.0, 2.0, 2.0]).unwrap();
        assert_eq!(conformal.p_value(2.0), 4.0 / 5.0);
        assert_eq!(conformal.p_value(9.0), 1.0 / 5.0);
        assert_eq!(conformal.p_value(f64::NAN), 1.0 / 5.0);
        assert_eq!(conformal.p_value(0.0), 1.0);
    }

    #[test]
    fn the_threshold_is_where_p_values_cross_the_rate() {
        let conformal = Conformal::new((0..99).map(f64::from).collect()).unwrap();
        for alpha in [0.01, 0.02, 0.05, 0.1, 0.5, 0.99] {
            let threshold = conformal.threshold(alpha).unwrap();
            for score in (0..199).map(|half| f64::from(half) / 2.0) {
                let flagged = conformal.p_value(score) <= alpha * (1.0 + 1e-12);
                assert_eq!(flagged, score > threshold, "{score} at {alpha}");
            }
        }
        let message = conformal.threshold(0.001).unwrap_err().to_string();
        assert!(
            message.contains("99 calibration rows") && message.contains("999") && message.contains("1/100"),
            "{message}"
        );
        assert!(conformal.threshold(0.0).is_err() && conformal.threshold(1.0).is_err());
    }

    /// The guarantee over draws: the mean false-alarm rate is `floor(alpha (n + 1)) / (n + 1)` exactly, whatever the
    /// distribution; here 4,000 draws of 37 calibration rows and one new row with heavy tails.
    #[test]
    fn false_alarms_stay_within_the_stated_rate() {
        const DRAWS: usize = 4_000;
        const ROWS: usize = 37;
        let mut values = vec![0f32; DRAWS * (ROWS + 1)];
        random::fill_uniform(&Key::new(5), &mut values);
        for alpha in [0.05, 0.1, 0.3] {
            let mut false_alarms = 0;
            for draw in values.chunks_exact(ROWS + 1) {
                let heavy: Vec<f64> = draw.iter().map(|&u| 1.0 / f64::from(u.max(1e-6))).collect();
                let conformal = Conformal::new(heavy[1..].to_vec()).unwrap();
                false_alarms += usize::from(conformal.p_value(heavy[0]) <= alpha);
            }
            let rate = false_alarms as f64 / DRAWS as f64;
            let expected = (alpha * (ROWS + 1) as f64).floor() / (ROWS + 1) as f64;
            let deviation = (expected * (1.0 - expected) / DRAWS as f64).sqrt();
            assert!((rate - expected).abs() < 4.0 * deviation, "{alpha}: {rate}, expected {expected}");
            assert!(expected <= alpha);
        }
    }
}
