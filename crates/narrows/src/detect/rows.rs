//! Rows through a detector in file order; windows are scored back onto their rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use narrows_core::Autoencoder;
use narrows_data::{Preparation, Subset, in_order};

use super::Detector;
use super::remarkable::Remarkable;
use crate::Result;
use crate::batches::batch;
use crate::evaluate::ROWS;

/// Squared errors by column, row-major, one list for each part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Evidence {
    pub(crate) columns: usize,
    pub(crate) parts: Vec<Vec<f64>>,
}

impl Evidence {
    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.parts.first().map_or(0, |part| part.len() / self.columns.max(1))
    }

    /// The errors of row `row` in each part.
    pub(crate) fn row(&self, row: usize) -> Vec<&[f64]> {
        self.parts.iter().map(|part| &part[row * self.columns..(row + 1) * self.columns]).collect()
    }
}

/// Rows and their scores.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scored {
    /// Rows of the source, from 0.
    pub(crate) numbers: Vec<usize>,
    /// Their scores.
    pub(crate) scores: Vec<f64>,
    /// How many of their values no training row had.
    pub(crate) unseen: Vec<usize>,
}

/// The sizes of each part of the detector over all rows of a subset that hold a value.
pub(super) fn part_sizes<K>(
    detector: &Detector,
    network: &(impl Autoencoder + ?Sized),
    preparation: &Arc<Preparation>,
    rows: &Subset<K>,
) -> Result<Vec<Vec<f64>>> {
    let mut sizes = vec![Vec::new(); detector.parts().len()];
    each_row(
        detector,
        network,
        preparation,
        rows,
        |_| (),
        |remarkable, numbers, evidence| {
            for (row, _) in numbers.iter().enumerate().filter(|(_, number)| !remarkable.blank().contains(number)) {
                let parts = evidence.row(row);
                sizes.iter_mut().zip(detector.sizes(&parts)).for_each(|(all, size)| all.push(size));
            }
        },
    )?;
    Ok(sizes)
}

/// Scores all rows of a subset that hold a value; `see` is shown the prepared features of each batch.
pub(crate) fn score_rows<K>(
    detector: &Detector,
    network: &(impl Autoencoder + ?Sized),
    preparation: &Arc<Preparation>,
    rows: &Subset<K>,
    see: impl FnMut(&[f32]),
) -> Result<Scored> {
    let mut scored = Scored::default();
    each_row(detector, network, preparation, rows, see, |remarkable, numbers, evidence| {
        scored.extend(detector, remarkable, numbers, evidence);
    })?;
    Ok(scored)
}

/// Shows `see` the prepared features of each batch, and `take` the evidence of rows as it is complete.
fn each_row<K>(
    detector: &Detector,
    network: &(impl Autoencoder + ?Sized),
    preparation: &Arc<Preparation>,
    rows: &Subset<K>,
    mut see: impl FnMut(&[f32]),
    mut take: impl FnMut(&Remarkable<'_>, &[usize], &Evidence),
) -> Result<()> {
    let mut overlap = Overlapping::new(detector);
    let mut remarkable = Remarkable::new(detector);
    for portion in in_order(rows, preparation, ROWS)?.with_notices() {
        let portion = portion?;
        remarkable.add(portion.notices);
        see(&portion.rows.features);
        let batch = batch(portion.rows, &preparation.layout().dims)?;
        let (numbers, evidence) = overlap.add(detector.evidence(network, &batch)?, portion.numbers);
        take(&remarkable, &numbers, &evidence);
    }
    let (numbers, evidence) = overlap.finish();
    take(&remarkable, &numbers, &evidence);
    Ok(())
}

impl Scored {
    fn extend(&mut self, detector: &Detector, remarkable: &Remarkable<'_>, numbers: &[usize], evidence: &Evidence) {
        for (&number, base) in numbers.iter().zip(detector.scores(evidence)) {
            let score = remarkable.score(number, base);
            if !remarkable.blank().contains(&number) {
                self.numbers.push(number);
                self.scores.push(score);
                self.unseen.push(remarkable.unseen(number).len());
            }
        }
    }
}

/// Evidence of overlapping windows on its way back to rows: each row gets the mean over the windows that hold it, or, where
/// only the past may speak, the evidence of the window that it ends.
pub(crate) struct Overlapping {
    steps: usize,
    causal: bool,
    columns: usize,
    parts: usize,
    open: BTreeMap<usize, (Vec<f64>, f64)>,
}

impl Overlapping {
    pub(crate) fn new(detector: &Detector) -> Self {
        let parts = detector.parts().len();
        let causal = detector.record.config.causal;
        Self { steps: detector.steps(), causal, columns: detector.columns().len(), parts, open: BTreeMap::new() }
    }

    /// Adds the evidence of windows that begin at ascending rows `starts`; returns the rows that are complete.
    pub(crate) fn add(&mut self, evidence: Evidence, starts: Vec<usize>) -> (Vec<usize>, Evidence) {
        if self.steps == 1 {
            return (starts, evidence);
        }
        let width = self.columns;
        for (window, &start) in starts.iter().enumerate() {
            for step in if self.causal { self.steps - 1..self.steps } else { 0..self.steps } {
                let at = (window * self.steps + step) * width;
                let size = width * self.parts;
                let (sum, count) = self.open.entry(start + step).or_insert_with(|| (vec![0.0; size], 0.0));
                for (sum, part) in sum.chunks_exact_mut(width).zip(&evidence.parts) {
                    sum.iter_mut().zip(&part[at..at + width]).for_each(|(sum, error)| *sum += error);
                }
                *count += 1.0;
            }
        }
        let complete = starts.last().copied().unwrap_or(0);
        let rest = self.open.split_off(&complete);
        let done = std::mem::replace(&mut self.open, rest);
        self.means(done)
    }

    /// The remaining rows.
    pub(crate) fn finish(mut self) -> (Vec<usize>, Evidence) {
        let open = std::mem::take(&mut self.open);
        self.means(open)
    }

    fn means(&self, rows: BTreeMap<usize, (Vec<f64>, f64)>) -> (Vec<usize>, Evidence) {
        let mut parts = vec![Vec::with_capacity(rows.len() * self.columns); self.parts];
        let mut numbers = Vec::with_capacity(rows.len());
        for (number, (sum, count)) in rows {
            numbers.push(number);
            for (part, sum) in parts.iter_mut().zip(sum.chunks_exact(self.columns)) {
                part.extend(sum.iter().map(|error| error / count));
            }
        }
        (numbers, Evidence { columns: self.columns, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(values: &[f64]) -> Evidence {
        Evidence { columns: 1, parts: vec![values.to_vec()] }
    }

    fn overlapping(causal: bool) -> Overlapping {
        Overlapping { steps: 3, causal, columns: 1, parts: 1, open: BTreeMap::new() }
    }

    #[test]
    fn a_row_gets_the_mean_of_its_windows() {
        let mut overlap = overlapping(false);
        let (rows, found) = overlap.add(evidence(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), vec![0, 1]);
        assert_eq!((rows, found.parts), (vec![0], vec![vec![1.0]]));
        let (rows, found) = overlap.finish();
        assert_eq!((rows, found.parts), (vec![1, 2, 3], vec![vec![3.0, 4.0, 6.0]]));
    }

    #[test]
    fn a_causal_score_sees_no_later_row() {
        let mut overlap = overlapping(true);
        overlap.add(evidence(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), vec![0, 1]);
        let (rows, found) = overlap.finish();
        assert_eq!((rows, found.parts), (vec![2, 3], vec![vec![3.0, 6.0]]));
    }
}
