//! What is remarkable about the rows of a file: values that no training row had, rows and columns without any value.
//!
//! A cell with such a value has no feature that could say how strange it is, so it adds to the score what the strangest
//! training or calibration row scored (`Record::unseen`). Calibration rows are scored by the same rule, so a rate of false alarms holds:
//! where new values are usual (a category with ever new levels), they are usual in the calibration rows, too.

use std::collections::{BTreeMap, BTreeSet};

use narrows_data::Notices;

use super::Detector;

/// Notices by row.
pub(super) struct Remarkable<'a> {
    detector: &'a Detector,
    /// Columns of unseen values.
    unseen: BTreeMap<usize, Vec<usize>>,
    blank: BTreeSet<usize>,
    present: Vec<bool>,
    counts: BTreeMap<usize, usize>,
}

impl<'a> Remarkable<'a> {
    pub(super) fn new(detector: &'a Detector) -> Self {
        let (unseen, blank, counts) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { detector, unseen, blank, present: Vec::new(), counts }
    }

    /// Takes further notices, which may repeat those of rows that are known.
    pub(super) fn add(&mut self, notices: Notices) {
        for cell in notices.unseen {
            let Some(column) = self.detector.column(&cell.column) else { continue };
            let known = self.unseen.entry(cell.row).or_default();
            if !known.contains(&column) {
                known.push(column);
                *self.counts.entry(column).or_default() += 1;
            }
        }
        self.blank.extend(notices.blank);
        if self.present.is_empty() {
            self.present = notices.present;
        } else {
            self.present.iter_mut().zip(notices.present).for_each(|(present, now)| *present |= now);
        }
    }

    /// Forgets which rows it were: those that come are others.
    pub(super) fn forget_rows(&mut self) {
        self.unseen.clear();
        self.blank.clear();
    }

    /// The score of a row whose evidence scores `base`; NaN where it holds no value.
    pub(super) fn score(&self, row: usize, base: f64) -> f64 {
        if self.blank.contains(&row) {
            return f64::NAN;
        }
        base + self.detector.record.unseen * self.unseen(row).len() as f64
    }

    /// The columns of a row's unseen values.
    pub(super) fn unseen(&self, row: usize) -> &[usize] {
        self.unseen.get(&row).map_or(&[], Vec::as_slice)
    }

    /// Rows without any value that are known.
    pub(super) fn blank(&self) -> &BTreeSet<usize> {
        &self.blank
    }

    /// Unseen values of all rows by column.
    pub(super) fn by_column(&self) -> BTreeMap<String, usize> {
        self.counts.iter().map(|(column, count)| (self.detector.name(*column).to_owned(), *count)).collect()
    }

    /// Places of the columns without any value, among those that the model reads.
    pub(super) fn empty_columns(&self) -> Vec<usize> {
        (0..self.present.len()).filter(|&place| !self.present[place]).collect()
    }
}
