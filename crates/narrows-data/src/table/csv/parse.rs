//! The rows of one block of text as columns.

use memchr::memchr_iter;

use super::row::{cell, end_of_row, is_empty, is_open};
use super::{kind, number};
use crate::schema::Role;
use crate::table::faults::{Faults, Seen, finding};
use crate::table::interner::Interner;
use crate::table::{TableError, time};
use crate::{Block, Column, ColumnData, ColumnKind};

/// How the text of a file is read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) origin: String,
    pub(super) delimiter: u8,
    /// Whether lines were JSON objects.
    pub(super) objects: bool,
    /// For each column of the file its place among those that are read.
    pub(super) slots: Vec<Option<usize>>,
    /// The columns that are read.
    pub(super) columns: Vec<Column>,
    /// Where what cannot be read is noted; without, it is an error.
    pub(super) faults: Option<Seen>,
}

/// Values of one column while they are being read.
enum Values {
    Numbers(Vec<f64>),
    Texts(Interner),
}

impl Reading {
    /// The `rows` rows in `text`, which begins on line `line`.
    pub(super) fn parse(&self, text: &[u8], rows: usize, line: u64) -> Result<Block, TableError> {
        let mut values: Vec<Values> = self.columns.iter().map(|column| Values::new(column.kind, rows)).collect();
        let mut at = 0;
        let mut found = 0;
        let mut faults = Faults::default();
        while at < text.len() {
            if matches!(text[at], b'\n' | b'\r' | b' ' | b'\t') {
                let end = end_of_row(text, at, self.delimiter).unwrap_or(text.len());
                if is_empty(&text[at..end]) {
                    at = end + 1;
                    continue;
                }
            }
            let before = faults.mark();
            at = match self.row(text, at, &mut values, line, &mut faults) {
                Err(error) if self.faults.is_some() => {
                    faults.back_to(before);
                    faults.line(finding(&error));
                    for values in &mut values {
                        values.only_missing(found);
                    }
                    end_of_row(text, at, self.delimiter).map_or(text.len(), |end| end + 1)
                }
                next => next?,
            };
            found += 1;
        }
        if let Some(seen) = &self.faults {
            seen.set(line, faults);
        }
        Ok(Block { rows: found, dense: Vec::new(), columns: values.into_iter().map(Values::finish).collect() })
    }

    /// Reads the row at `start` and tells where the next begins.
    fn row(
        &self,
        text: &[u8],
        start: usize,
        values: &mut [Values],
        line: u64,
        faults: &mut Faults,
    ) -> Result<usize, TableError> {
        let last = self.slots.len() - 1;
        let mut at = start;
        for (place, slot) in self.slots.iter().enumerate() {
            let end = match *slot {
                None => cell(text, at, self.delimiter).1,
                Some(slot) => {
                    let read = match &mut values[slot] {
                        Values::Numbers(numbers) if self.columns[slot].kind == ColumnKind::Number => {
                            self.number(text, at, numbers, slot, line)
                        }
                        values => self.cell(text, at, values, slot, line),
                    };
                    match read {
                        Ok(end) => end,
                        Err(error) if self.faults.is_some() => {
                            faults.cell(finding(&error));
                            values[slot].push_missing();
                            cell(text, at, self.delimiter).1
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            let delimited = text.get(end) == Some(&self.delimiter);
            if delimited == (place == last) {
                return Err(self.ragged(text, start, line));
            }
            at = end + 1;
        }
        if at > text.len() && is_open(&text[start..], self.delimiter) {
            return Err(self.ragged(text, start, line));
        }
        Ok(at)
    }

    /// Reads a number, its bytes once where it is a plain one.
    #[inline]
    fn number(
        &self,
        text: &[u8],
        at: usize,
        numbers: &mut Vec<f64>,
        slot: usize,
        line: u64,
    ) -> Result<usize, TableError> {
        let blanks = usize::from(text.get(at) == Some(&b' '));
        if let Some((value, length)) = number::leading(&text[at + blanks..]) {
            let end = at + blanks + length;
            let behind = text.get(end).copied().unwrap_or(b'\n');
            if behind == self.delimiter || behind == b'\n' {
                numbers.push(value);
                return Ok(end);
            }
        }
        let (found, end) = cell(text, at, self.delimiter);
        let value = match number::whole(&found) {
            Some(value) if value.is_finite() || self.columns[slot].role != Role::Feature => value,
            Some(_) => {
                let (origin, column) = (self.origin.clone(), self.columns[slot].name.clone());
                return Err(TableError::Infinite { origin, line: line_at(text, at, line), column });
            }
            None if kind::is_missing(&found) => f64::NAN,
            None => return Err(self.stray(&found, slot, line_at(text, at, line))),
        };
        numbers.push(value);
        Ok(end)
    }

    fn cell(&self, text: &[u8], at: usize, values: &mut Values, slot: usize, line: u64) -> Result<usize, TableError> {
        let (found, end) = cell(text, at, self.delimiter);
        match values {
            _ if kind::is_missing(&found) => values.push_missing(),
            Values::Numbers(numbers) => {
                let value = match self.columns[slot].kind {
                    ColumnKind::Time => time::seconds(&found),
                    _ => kind::boolean(&found),
                };
                numbers.push(value.ok_or_else(|| self.stray(&found, slot, line_at(text, at, line)))?);
            }
            Values::Texts(interner) => {
                if let Ok(found) = std::str::from_utf8(&found) {
                    interner.push(found);
                } else {
                    let (origin, column) = (self.origin.clone(), self.columns[slot].name.clone());
                    return Err(TableError::NotText { origin, line: line_at(text, at, line), column });
                }
            }
        }
        Ok(end)
    }

    fn stray(&self, found: &[u8], slot: usize, line: u64) -> TableError {
        const SHOWN: usize = 40;
        let Column { name, kind, .. } = &self.columns[slot];
        let text = String::from_utf8_lossy(found).chars().take(SHOWN).collect();
        TableError::Cell { origin: self.origin.clone(), line, column: name.clone(), text, expected: *kind }
    }

    /// What is wrong with the row at `start`, which has not one cell for each column.
    pub(super) fn ragged(&self, text: &[u8], start: usize, line: u64) -> TableError {
        let end = end_of_row(text, start, self.delimiter);
        if end.is_none() && is_open(&text[start..], self.delimiter) {
            return TableError::OpenQuote { origin: self.origin.clone(), line: line_at(text, start, line) };
        }
        if self.objects {
            let (origin, line) = (self.origin.clone(), line_at(text, start, line));
            return TableError::Object { origin, line, found: "another text".into() };
        }
        let end = end.unwrap_or(text.len());
        TableError::Ragged {
            origin: self.origin.clone(),
            line: line_at(text, start, line),
            found: super::row::cells(&text[start..end], self.delimiter).len(),
            expected: self.slots.len(),
            delimiter: self.delimiter.into(),
        }
    }
}

/// The line that byte `at` of `text` is on, if its first is on line `line`.
fn line_at(text: &[u8], at: usize, line: u64) -> u64 {
    line + memchr_iter(b'\n', &text[..at]).count() as u64
}

impl Values {
    fn new(kind: ColumnKind, rows: usize) -> Self {
        match kind {
            ColumnKind::Category | ColumnKind::Text => Self::Texts(Interner::with_capacity(rows)),
            _ => Self::Numbers(Vec::with_capacity(rows)),
        }
    }

    fn push_missing(&mut self) {
        match self {
            Self::Numbers(numbers) => numbers.push(f64::NAN),
            Self::Texts(interner) => interner.push_missing(),
        }
    }

    /// Has a missing value as the last of `before + 1`, whatever of its row was read.
    fn only_missing(&mut self, before: usize) {
        match self {
            Self::Numbers(numbers) => numbers.truncate(before),
            Self::Texts(interner) => interner.truncate(before),
        }
        self.push_missing();
    }

    fn finish(self) -> ColumnData {
        match self {
            Self::Numbers(numbers) => ColumnData::Numbers(numbers),
            Self::Texts(interner) => ColumnData::Texts(interner.finish()),
        }
    }
}
