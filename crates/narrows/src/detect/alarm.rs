//! Which scores are alarms.

use narrows_eval::threshold::{Tail, benjamini_hochberg, mad};
use serde::{Deserialize, Serialize};

use super::Calibration;
use crate::{Error, Result};

/// How scores become alarms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Split-conformal: at most this rate of false alarms on rows like the calibration rows. `None`: 1 %, or the smallest
    /// rate that the calibration rows allow.
    Conformal(Option<f64>),
    /// Benjamini-Hochberg over all rows of the file: at most this share of the alarms is false.
    FalseDiscovery(f64),
    /// Peaks over threshold: this rate by the fitted tail, also where no calibration score reaches.
    Tail(f64),
    /// This rate if scores were Gaussian around the median of the calibration rows, which may hold anomalies.
    Mad(f64),
    /// Scores from this one on.
    Score(f64),
}

/// A rule made ready: whether a score or a p-value is an alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Alarm {
    /// Scores above this one.
    Above(f64),
    /// Scores from this one on.
    From(f64),
    /// The p-values of the batch decide, once all are known.
    Batch(f64),
}

/// The false-alarm rate where none is asked for.
const USUAL: f64 = 0.01;

impl Rule {
    /// What to say of the rate where none is asked for and the held-out rows cannot show the usual one.
    pub(super) fn remark(rule: Option<Self>, calibration: Option<&Calibration>) -> Option<String> {
        let rows = calibration?.scores.scores().len();
        let smallest = 1.0 / (rows + 1) as f64;
        (matches!(rule, None | Some(Self::Conformal(None))) && smallest > USUAL).then(|| {
            format!(
                "alarms at a rate of {smallest:.3} of normal rows instead of {USUAL}: only {rows} rows were held out to \
                 calibrate; train on more rows, or ask for --tail or --mad"
            )
        })
    }

    /// Makes the rule ready with the scores of held-out rows.
    ///
    /// # Errors
    /// There is no calibration, it has too few rows for the rate, or the rate is not within `0..1`.
    pub fn ready(self, calibration: Option<&Calibration>) -> Result<Alarm> {
        if let Self::Score(score) = self {
            return Ok(Alarm::From(score));
        }
        let calibration = calibration.ok_or(Error::NoCalibration)?;
        self.alarm(calibration).map_err(|error| Error::Detect { reason: error.to_string() })
    }

    fn alarm(self, calibration: &Calibration) -> narrows_eval::Result<Alarm> {
        let scores = calibration.scores.scores();
        Ok(match self {
            Self::Conformal(rate) => {
                let smallest = 1.0 / (scores.len() + 1) as f64;
                Alarm::Above(calibration.scores.threshold(rate.unwrap_or(USUAL.max(smallest)))?)
            }
            Self::Tail(rate) => Alarm::Above(Tail::fit(scores)?.threshold(rate)?),
            Self::Mad(rate) => Alarm::Above(mad(scores, rate)?),
            Self::FalseDiscovery(share) => {
                benjamini_hochberg(&[], share)?;
                Alarm::Batch(share)
            }
            Self::Score(score) => Alarm::From(score),
        })
    }
}

impl Alarm {
    /// The score above which, or from which on, rows are alarms.
    pub fn threshold(self) -> Option<f64> {
        match self {
            Self::Above(threshold) | Self::From(threshold) => Some(threshold),
            Self::Batch(_) => None,
        }
    }

    /// Whether a score is an alarm; of a batch rule, when its p-value is at most `limit`.
    pub fn raised(self, score: f64, p_value: f64, limit: Option<f64>) -> bool {
        match self {
            // A score that is no number is not known to be normal.
            Self::Above(threshold) => score > threshold || score.is_nan(),
            Self::From(threshold) => score >= threshold || score.is_nan(),
            Self::Batch(_) => limit.is_some_and(|limit| p_value <= limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_eval::threshold::Conformal;

    fn calibration(rows: usize) -> Calibration {
        let scores = Conformal::new((0..rows).map(|row| row as f64).collect()).unwrap();
        Calibration { split: "validation".into(), rows, sha256: String::new(), scores }
    }

    #[test]
    fn without_calibration_only_a_score_is_a_rule() {
        assert_eq!(Rule::Score(3.0).ready(None).unwrap(), Alarm::From(3.0));
        for rule in [Rule::Conformal(Some(0.01)), Rule::FalseDiscovery(0.1), Rule::Tail(1e-4), Rule::Mad(0.01)] {
            assert!(matches!(rule.ready(None), Err(Error::NoCalibration)), "{rule:?}");
        }
    }

    #[test]
    fn the_usual_rate_gives_way_to_few_rows_and_a_stated_one_does_not() {
        let few = calibration(49);
        assert_eq!(Rule::Conformal(None).ready(Some(&few)).unwrap(), Alarm::Above(48.0));
        assert!(Rule::Conformal(Some(0.01)).ready(Some(&few)).is_err());
        assert_eq!(Rule::Conformal(None).ready(Some(&calibration(999))).unwrap(), Alarm::Above(989.0));
    }

    #[test]
    fn a_score_that_is_no_number_raises_an_alarm() {
        assert!(Alarm::Above(1.0).raised(f64::NAN, 1.0, None) && !Alarm::Above(1.0).raised(1.0, 1.0, None));
        assert!(Alarm::From(1.0).raised(1.0, 1.0, None));
        assert!(Alarm::Batch(0.1).raised(0.0, 0.01, Some(0.02)) && !Alarm::Batch(0.1).raised(9.0, 0.01, None));
    }
}
