//! Metrics of a ranking, free of any threshold: AUROC, average precision, precision at n, the best F1.
//!
//! With `TP(t)` and `FP(t)` the flagged anomalies and normal rows at threshold `t`, over the distinct scores in falling
//! order: AUROC is the area under `TP/P` over `FP/N` by trapezoids, which counts a tie as one half (Hanley & McNeil
//! 1982); average precision is `sum (R_k - R_{k-1}) P_k`; F1 is `2 TP / (2 TP + FP + FN)`.

use crate::{Error, Result};

/// Scores with labels, sorted once.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// For each distinct score, largest first.
    steps: Vec<Step>,
    anomalies: u64,
    normals: u64,
}

/// What is flagged from a threshold on.
#[derive(Clone, Copy, Debug)]
struct Step {
    threshold: f64,
    true_alarms: u64,
    false_alarms: u64,
}

/// The threshold with the largest F1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestF1 {
    /// Rows with at least this score are flagged.
    pub threshold: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Share of flagged rows that are anomalies.
    pub precision: f64,
    /// Share of anomalies that are flagged.
    pub recall: f64,
}

impl Ranking {
    /// Sorts `scores`, of which those with `anomalous` belong to anomalies.
    ///
    /// # Errors
    /// There is not one label for each score, a score is no number, or all labels are the same.
    pub fn new(scores: &[f64], anomalous: &[bool]) -> Result<Self> {
        check("ranking", scores, anomalous)?;
        let anomalies = anomalous.iter().filter(|label| **label).count() as u64;
        let normals = anomalous.len() as u64 - anomalies;
        if anomalies == 0 || normals == 0 {
            let class = if anomalies == 0 { "normal" } else { "anomalous" };
            return Err(Error::OneClass { rows: anomalous.len(), class });
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut steps: Vec<Step> = Vec::new();
        let (mut true_alarms, mut false_alarms) = (0, 0);
        for row in order {
            true_alarms += u64::from(anomalous[row]);
            false_alarms += u64::from(!anomalous[row]);
            let step = Step { threshold: scores[row], true_alarms, false_alarms };
            match steps.last_mut() {
                Some(last) if last.threshold == scores[row] => *last = step,
                _ => steps.push(step),
            }
        }
        Ok(Self { steps, anomalies, normals })
    }

    /// Labelled anomalies.
    pub fn anomalies(&self) -> u64 {
        self.anomalies
    }

    /// Rows.
    pub fn rows(&self) -> u64 {
        self.anomalies + self.normals
    }

    /// The probability that an anomaly scores above a normal row, ties counting one half.
    pub fn auroc(&self) -> f64 {
        let (mut area, mut before) = (0.0, (0, 0));
        for step in &self.steps {
            let width = (step.false_alarms - before.1) as f64;
            area += width * (step.true_alarms + before.0) as f64 / 2.0;
            before = (step.true_alarms, step.false_alarms);
        }
        area / self.anomalies as f64 / self.normals as f64
    }

    /// The mean of the precision at each anomaly's score, without interpolation.
    pub fn average_precision(&self) -> f64 {
        let (mut sum, mut before) = (0.0, 0);
        for step in &self.steps {
            let precision = step.true_alarms as f64 / (step.true_alarms + step.false_alarms) as f64;
            sum += (step.true_alarms - before) as f64 * precision;
            before = step.true_alarms;
        }
        sum / self.anomalies as f64
    }

    /// The share of anomalies among the `n` highest scores; rows tied at the last place count with their share of what
    /// is left of the `n`, which is the mean over all orders of the tie. `n` is taken within `1..=rows`.
    pub fn precision_at(&self, n: u64) -> f64 {
        let n = n.clamp(1, self.rows());
        let mut before = (0, 0);
        for step in &self.steps {
            let flagged = step.true_alarms + step.false_alarms;
            if flagged >= n {
                let tied = (flagged - before.1) as f64;
                let share = (n - before.1) as f64 / tied;
                return (before.0 as f64 + share * (step.true_alarms - before.0) as f64) / n as f64;
            }
            before = (step.true_alarms, flagged);
        }
        self.anomalies as f64 / self.rows() as f64
    }

    /// The threshold with the largest F1; of equal ones the highest. It looks at the labels: a figure to compare
    /// rankings by, and a threshold only where such labels will be had for every batch.
    pub fn best_f1(&self) -> BestF1 {
        let mut best = BestF1 { threshold: f64::INFINITY, f1: 0.0, precision: 0.0, recall: 0.0 };
        for step in &self.steps {
            let flagged = (step.true_alarms + step.false_alarms) as f64;
            let f1 = 2.0 * step.true_alarms as f64 / (flagged + self.anomalies as f64);
            if f1 > best.f1 {
                let recall = step.true_alarms as f64 / self.anomalies as f64;
                best = BestF1 { threshold: step.threshold, f1, precision: step.true_alarms as f64 / flagged, recall };
            }
        }
        best
    }
}

/// One label for each score, and every score a number (infinite ones are in order).
pub(super) fn check(operation: &'static str, scores: &[f64], labels: &[bool]) -> Result<()> {
    if scores.len() != labels.len() {
        let (found, expected) = (vec![labels.len()], vec![scores.len()]);
        return Err(Error::Shape { operation, argument: "labels", found, expected });
    }
    match scores.iter().position(|score| score.is_nan()) {
        Some(row) => Err(Error::ScoreNotANumber { operation, row }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_one_half_and_share_the_last_place() {
        let ranking = Ranking::new(&[1.0, 1.0, 1.0, 2.0], &[false, true, false, true]).unwrap();
        // The anomaly at 2 beats both normal rows, the one at 1 ties with both.
        assert_eq!(ranking.auroc(), 0.75);
        assert_eq!(ranking.precision_at(1), 1.0);
        assert!((ranking.precision_at(2) - f64::midpoint(1.0, 1.0 / 3.0)).abs() < 1e-15);
        assert_eq!(ranking.best_f1().threshold, 2.0);
    }

    #[test]
    fn what_cannot_be_ranked_is_refused() {
        let message = Ranking::new(&[1.0, 2.0], &[false, false]).unwrap_err().to_string();
        assert!(message.contains("all 2 labels are normal"), "{message}");
        assert!(matches!(Ranking::new(&[1.0], &[]), Err(Error::Shape { .. })));
        let message = Ranking::new(&[1.0, f64::NAN], &[true, false]).unwrap_err().to_string();
        assert!(message.contains("row 2"), "{message}");
    }

    #[test]
    fn infinite_scores_are_the_strangest() {
        let ranking = Ranking::new(&[f64::INFINITY, 0.0, f64::NEG_INFINITY], &[true, false, false]).unwrap();
        assert_eq!(ranking.auroc(), 1.0);
    }
}
