//! Volume under the surface of precision and recall (VUS-PR; Paparrizos et al. 2022, Volume Under the Surface: A New Accuracy
//! Evaluation Measure for Time-Series Anomaly Detection; as TSB-AD computes it, Liu & Paparrizos 2024): how well scores of a
//! series find ranges, whose borders nobody knows to the step.
//!
//! For a buffer of `w` steps, a step `d <= w / 2` outside a labelled range counts as `sqrt(1 - d / w)` of an anomaly if it is
//! flagged. With `TP` the sum of the flagged steps' labels and `P` the mean of the labelled steps and of these with the
//! flagged buffers, recall is `min(TP / P, 1)` times the share of ranges in which anything is flagged, and precision is
//! `TP` over all flagged steps. The area under the curve over 250 thresholds, evenly spaced in rank, is averaged over
//! `w = 0..=W`.

use super::ranking::check;
use crate::{Error, Result};

/// Thresholds of each curve.
const THRESHOLDS: usize = 250;

/// First and last step of a range.
type Range = (usize, usize);

/// The volume under the surface of precision and recall of a series, for buffers up to `window` steps.
///
/// # Errors
/// There is not one label for each score, a score is no number, or no step is labelled.
pub fn vus_pr(scores: &[f64], anomalous: &[bool], window: usize) -> Result<f64> {
    check("VUS-PR", scores, anomalous)?;
    let ranges = ranges(anomalous);
    if ranges.is_empty() {
        return Err(Error::TooFewRows { operation: "VUS-PR: labelled steps", rows: 0, needed: 1 });
    }
    let first = first_flagged(scores);
    let mut flagged = vec![0.0; THRESHOLDS];
    let mut found = vec![0.0; THRESHOLDS];
    for (step, &threshold) in first.iter().enumerate() {
        flagged[threshold] += 1.0;
        found[threshold] += f64::from(u8::from(anomalous[step]));
    }
    cumulate(&mut flagged);
    cumulate(&mut found);
    let curve = |buffer: usize| area(&first, anomalous, &ranges, buffer, &flagged, &found);
    Ok((0..=window).map(curve).sum::<f64>() / (window + 1) as f64)
}

/// The area under precision over recall with a buffer of `window` steps.
fn area(first: &[usize], anomalous: &[bool], ranges: &[Range], window: usize, flagged: &[f64], found: &[f64]) -> f64 {
    let mut buffers = vec![0.0; THRESHOLDS];
    for (step, label) in slopes(anomalous, ranges, window) {
        buffers[first[step]] += label;
    }
    cumulate(&mut buffers);
    let merged = merged(ranges, window, anomalous.len());
    let mut existing = vec![0.0; THRESHOLDS];
    for &(start, end) in &merged {
        if let Some(&earliest) = first[start..=end].iter().min() {
            existing[earliest] += 1.0;
        }
    }
    cumulate(&mut existing);
    let labelled = found[THRESHOLDS - 1];
    let (mut area, mut before) = (0.0, 0.0);
    for threshold in 0..THRESHOLDS {
        let hits = found[threshold] + buffers[threshold];
        let positives = f64::midpoint(labelled, labelled + buffers[threshold]);
        let recall = (hits / positives).min(1.0) * existing[threshold] / merged.len() as f64;
        area += (recall - before) * hits / flagged[threshold];
        before = recall;
    }
    area
}

/// For each step the number of the first threshold, from the highest on, that flags it.
fn first_flagged(scores: &[f64]) -> Vec<usize> {
    // Rounded as the benchmark's, which matters where the quotient is a whole number.
    let apart = (scores.len() - 1) as f64 / (THRESHOLDS - 1) as f64;
    let rank = |threshold: usize| match threshold + 1 {
        THRESHOLDS => scores.len() - 1,
        _ => (threshold as f64 * apart) as usize,
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut first = vec![THRESHOLDS - 1; scores.len()];
    let mut next = 0;
    for threshold in 0..THRESHOLDS {
        let limit = scores[order[rank(threshold)]];
        while next < order.len() && scores[order[next]] >= limit {
            first[order[next]] = threshold;
            next += 1;
        }
    }
    first
}

/// Each value and all before it.
fn cumulate(values: &mut [f64]) {
    let mut sum = 0.0;
    for value in values {
        sum += *value;
        *value = sum;
    }
}

fn ranges(anomalous: &[bool]) -> Vec<Range> {
    let mut end = 0;
    let runs = anomalous.chunk_by(|a, b| a == b).map(|run| {
        let start = end;
        end += run.len();
        (run[0], (start, end - 1))
    });
    runs.filter(|(label, _)| *label).map(|(_, range)| range).collect()
}

/// The steps outside all ranges within half a window of one, and their labels.
fn slopes(anomalous: &[bool], ranges: &[Range], window: usize) -> Vec<(usize, f64)> {
    let half = window / 2;
    let label = |distance: usize| (1.0 - distance as f64 / window as f64).sqrt();
    let mut labels: std::collections::BTreeMap<usize, f64> = std::collections::BTreeMap::new();
    for &(start, end) in ranges {
        for step in start.saturating_sub(half)..start {
            *labels.entry(step).or_default() += label(start - step);
        }
        for step in end + 1..(end + half + 1).min(anomalous.len()) {
            *labels.entry(step).or_default() += label(step - end);
        }
    }
    labels.into_iter().filter(|(step, _)| !anomalous[*step]).map(|(step, label)| (step, label.min(1.0))).collect()
}

/// The ranges with their buffers, as one where these touch.
fn merged(ranges: &[Range], window: usize, steps: usize) -> Vec<Range> {
    let half = window / 2;
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for &(start, end) in ranges {
        let (start, end) = (start.saturating_sub(half), (end + half).min(steps - 1));
        match merged.last_mut() {
            Some(last) if last.1 >= start => last.1 = end,
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labels_themselves_are_perfect_without_a_buffer() {
        let labels: Vec<bool> = (0..400).map(|step| (100..120).contains(&step) || step >= 390).collect();
        let scores: Vec<f64> = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
        assert!((vus_pr(&scores, &labels, 0).unwrap() - 1.0).abs() < 1e-12);
        let constant = vus_pr(&vec![1.0; 400], &labels, 0).unwrap();
        assert!((constant - 30.0 / 400.0).abs() < 1e-12);
    }

    #[test]
    fn an_alarm_beside_a_range_counts_more_the_wider_the_buffer() {
        let labels: Vec<bool> = (0..500).map(|step| (200..220).contains(&step)).collect();
        let scores: Vec<f64> = (0..500).map(|step| f64::from(u8::from((224..240).contains(&step)))).collect();
        let found: Vec<f64> = [0, 20, 60].iter().map(|window| vus_pr(&scores, &labels, *window).unwrap()).collect();
        assert!(found[0] < found[1] && found[1] < found[2], "{found:?}");
    }

    #[test]
    fn no_labelled_step_is_an_error() {
        assert!(vus_pr(&[1.0, 2.0], &[false, false], 4).is_err());
    }
}
