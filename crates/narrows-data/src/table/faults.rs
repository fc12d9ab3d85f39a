//! Cells and lines of a text that could not be read where the rest is read all the same: how many, and the first of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::TableError;

/// Faults that are kept with their reasons.
const KEPT: usize = 20;

/// What could not be read of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Cells that were read as missing.
    pub cells: usize,
    /// Lines of another number of cells, all of whose cells are missing.
    pub lines: usize,
    /// Lines without any cell between others: they are no rows.
    pub empty: usize,
    /// The first cells and lines, with place and reason.
    pub first: Vec<String>,
}

impl Faults {
    /// Whether all could be read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cells == 0 && self.lines == 0 && self.empty == 0
    }

    /// Adds those of rows further down.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.cells += other.cells;
        self.lines += other.lines;
        self.empty += other.empty;
        self.first.extend(other.first);
        self.first.truncate(KEPT);
        self
    }
}

/// Faults of one file, by the line that each block begins on: a block that is read again counts once.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeMap<u64, Faults>>);

impl Seen {
    /// Takes what was found in the block that begins on line `line`.
    pub(crate) fn set(&self, line: u64, faults: Faults) {
        if !faults.is_empty() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(line, faults);
        }
    }

    /// All that was found since the last time, which is forgotten.
    pub(super) fn take(&self) -> Faults {
        let seen = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        seen.into_values().fold(Faults::default(), Faults::and)
    }

    /// All that was found so far, in the order of lines.
    pub(crate) fn total(&self) -> Faults {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().cloned().fold(Faults::default(), Faults::and)
    }
}

/// What is wrong, without the advice behind it: the file is read all the same.
pub(super) fn finding(error: &TableError) -> String {
    let text = error.to_string();
    text.rsplit_once("; ").map_or(text.as_str(), |(found, _)| found).to_owned()
}

/// How many faults there were at some time.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    cells: usize,
    first: usize,
}

impl Faults {
    /// As many as there are now.
    pub(super) const fn mark(&self) -> Mark {
        Mark { cells: self.cells, first: self.first.len() }
    }

    /// Takes back the cells since `mark`, with which no line came.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.cells = mark.cells;
        self.first.truncate(mark.first);
    }

    /// Takes a cell that is read as missing: where it is and why.
    pub(crate) fn cell(&mut self, reason: String) {
        self.cells += 1;
        self.keep(reason);
    }

    /// Takes a line all of whose cells are missing.
    pub(super) fn line(&mut self, reason: String) {
        self.lines += 1;
        self.keep(reason);
    }

    fn keep(&mut self, reason: String) {
        if self.first.len() < KEPT {
            self.first.push(reason);
        }
    }
}
