//! What was found in a file, and what its owner should know about it.

use std::collections::BTreeMap;

use narrows_data::{Faults, Restart, Source};
use serde::Serialize;

use super::remarkable::Remarkable;
use crate::Model;

/// Faults that are told one by one.
const TOLD: usize = 5;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Detected {
    /// Rows written.
    pub rows: usize,
    /// Rows that have no score: no window holds them, or they hold no value.
    pub unscored: usize,
    /// Those of them that hold no value in any column that the model reads.
    pub blank: usize,
    /// Alarms; `None` where nothing decides what is one.
    pub alarms: Option<usize>,
    /// The score above which, or from which on, a row is an alarm.
    pub threshold: Option<f64>,
    /// By column the cells whose value no training row had.
    pub unseen: BTreeMap<String, usize>,
    /// Columns that had values in training and have none here.
    pub empty_columns: Vec<String>,
    /// What could not be read.
    pub unreadable: Faults,
    /// Places where time goes backwards, over which no window reaches.
    pub backwards: usize,
    /// Places where time jumps by more than ten usual steps.
    pub jumps: usize,
    /// Sentences on all that is not as it should be.
    #[serde(skip)]
    pub remarks: Vec<String>,
}

impl Detected {
    /// Adds what is remarkable about the rows of `source`.
    pub(super) fn note(&mut self, model: &Model, source: &dyn Source, rows: &Remarkable<'_>, restarts: &[Restart]) {
        let names = model.preparation.output_schema().columns;
        self.unseen = rows.by_column();
        if self.rows > 0 {
            let empty = rows.empty_columns().into_iter().filter_map(|place| names.get(place));
            self.empty_columns = empty.map(|column| column.name.clone()).collect();
        }
        self.unreadable = source.faults();
        self.backwards = restarts.len();
        self.remarks = self.sentences(model, source, restarts);
    }

    fn sentences(&self, model: &Model, source: &dyn Source, restarts: &[Restart]) -> Vec<String> {
        let mut remarks = Vec::new();
        for (column, count) in &self.unseen {
            remarks.push(format!(
                "column `{column}`: {} that no training row had; each counts as much as the strangest training row",
                counted(*count, "value")
            ));
        }
        for (name, _) in model.preparation.watched().filter(|(name, _)| source.schema().position(name).is_none()) {
            remarks.push(format!("column `{name}`: not there; in training it held one value or none"));
        }
        for column in &self.empty_columns {
            remarks.push(format!("column `{column}`: no row has a value, and in training there were some"));
        }
        remarks.extend(unreadable(&self.unreadable));
        remarks.extend(crate::restarts::sentences(source, restarts));
        // Lines that could not be read are told of by themselves.
        let blank = self.blank.saturating_sub(self.unreadable.lines);
        if blank > 0 {
            remarks.push(format!("without any value, so without a score: {}", counted(blank, "row")));
        }
        let outside = self.unscored - self.blank.min(self.unscored);
        let window = model.preparation.window().map_or(1, narrows_data::Window::length);
        if outside > 0 && self.rows < window {
            let rows = counted(self.rows, "row");
            remarks.push(format!("{rows} cannot fill a window of {window}: none has a score"));
        } else if outside > 0 {
            remarks.push(format!(
                "outside of every window of {window} rows, so without a score: {}",
                counted(outside, "row")
            ));
        }
        remarks
    }
}

/// Sentences on what could not be read.
pub(super) fn unreadable(faults: &Faults) -> Vec<String> {
    let mut remarks: Vec<String> = faults.first.iter().take(TOLD).cloned().collect();
    if faults.cells > 0 {
        remarks.push(format!("unreadable, counted as missing: {}", counted(faults.cells, "cell")));
    }
    if faults.empty > 0 {
        remarks.push(format!(
            "no rows, so not in the output: {}; where a single column misses a value write \"\"",
            counted(faults.empty, "empty line")
        ));
    }
    if faults.lines > 0 {
        remarks.push(format!("unreadable, rows without a score: {}", counted(faults.lines, "line")));
    }
    remarks
}

/// A number of things called `what`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
