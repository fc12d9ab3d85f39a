//! What a threshold, or any other decision, gets right and wrong.

use serde::{Deserialize, Serialize};

use super::ranking::check;
use crate::Result;

/// Counts of rows by label and by decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// Anomalies that are flagged.
    pub true_alarms: u64,
    /// Normal rows that are flagged.
    pub false_alarms: u64,
    /// Anomalies that are not flagged.
    pub missed: u64,
    /// Normal rows that are not flagged.
    pub quiet: u64,
}

impl Alarms {
    /// Flags what scores at least `threshold`.
    ///
    /// # Errors
    /// There is not one label for each score, or a score is no number.
    pub fn at(threshold: f64, scores: &[f64], anomalous: &[bool]) -> Result<Self> {
        check("alarms", scores, anomalous)?;
        let mut alarms = Self::default();
        scores.iter().zip(anomalous).for_each(|(score, label)| alarms.add(*score >= threshold, *label));
        Ok(alarms)
    }

    /// Counts one row.
    pub fn add(&mut self, flagged: bool, anomalous: bool) {
        *match (flagged, anomalous) {
            (true, true) => &mut self.true_alarms,
            (true, false) => &mut self.false_alarms,
            (false, true) => &mut self.missed,
            (false, false) => &mut self.quiet,
        } += 1;
    }

    /// Adds the counts of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.true_alarms += other.true_alarms;
        self.false_alarms += other.false_alarms;
        self.missed += other.missed;
        self.quiet += other.quiet;
    }

    /// Share of normal rows that are flagged; `None` without normal rows.
    pub fn false_alarm_rate(&self) -> Option<f64> {
        share(self.false_alarms, self.false_alarms + self.quiet)
    }

    /// Share of anomalies that are not flagged; `None` without anomalies.
    pub fn missed_alarm_rate(&self) -> Option<f64> {
        share(self.missed, self.missed + self.true_alarms)
    }

    /// Share of flagged rows that are anomalies; `None` where nothing is flagged.
    pub fn precision(&self) -> Option<f64> {
        share(self.true_alarms, self.true_alarms + self.false_alarms)
    }

    /// Share of anomalies that are flagged; `None` without anomalies.
    pub fn recall(&self) -> Option<f64> {
        share(self.true_alarms, self.missed + self.true_alarms)
    }

    /// Harmonic mean of precision and recall, 0 where no anomaly is flagged; `None` without anomalies and alarms.
    pub fn f1(&self) -> Option<f64> {
        share(2 * self.true_alarms, 2 * self.true_alarms + self.false_alarms + self.missed)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_their_definitions() {
        let alarms = Alarms::at(2.0, &[1.0, 2.0, 3.0, 0.0, 5.0], &[false, false, true, true, true]).unwrap();
        assert_eq!(alarms, Alarms { true_alarms: 2, false_alarms: 1, missed: 1, quiet: 1 });
        assert_eq!(alarms.false_alarm_rate(), Some(0.5));
        assert_eq!(alarms.missed_alarm_rate(), Some(1.0 / 3.0));
        assert_eq!(alarms.f1(), Some(2.0 / 3.0));
        let mut twice = alarms;
        twice.merge(&alarms);
        assert_eq!((twice.f1(), twice.quiet), (alarms.f1(), 2));
    }

    #[test]
    fn rates_of_nothing_are_not_zero() {
        assert_eq!(Alarms::default().precision(), None);
        assert_eq!(Alarms::default().false_alarm_rate(), None);
    }
}
