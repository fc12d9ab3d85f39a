//! From scores to alarms: thresholds with a stated false-alarm rate.
//!
//! | rule | promise | needs |
//! |---|---|---|
//! | [`Conformal`] | at most `alpha` false alarms on data exchangeable with the calibration rows, at any sample size | `1 / alpha - 1` rows |
//! | [`benjamini_hochberg`] | at most the share `q` of a batch's alarms are false | p-values |
//! | [`Tail`] | the tail beyond the highest calibration rows, by extreme-value theory | 10 rows above its start |
//! | [`mad`] | `alpha` if normal scores were Gaussian around their median | 2 rows |

mod benjamini_hochberg;
mod conformal;
mod mad;
mod tail;

pub use benjamini_hochberg::benjamini_hochberg;
pub use conformal::Conformal;
pub use mad::mad;
pub use tail::Tail;

use crate::{Error, Result};

/// A false-alarm rate or share within `0..1`, both ends excluded.
fn rate(name: &'static str, value: f64) -> Result<f64> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(Error::Setting { name, value, expected: "a share above 0 and below 1" })
    }
}

/// `scores` in rising order, if all are numbers.
fn sorted(operation: &'static str, mut scores: Vec<f64>) -> Result<Vec<f64>> {
    if let Some(row) = scores.iter().position(|score| score.is_nan()) {
        return Err(Error::ScoreNotANumber { operation, row });
    }
    scores.sort_by(f64::total_cmp);
    Ok(scores)
}
