//! One pass over a file of delimited text: where its blocks of rows begin.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::row::{MAX_CELL, cells, end_of_row, is_empty, is_open, is_well_quoted};
use crate::format::storage::Storage;
use crate::table::TableError;
use crate::{Error, Result};

/// Bytes of a block, to within one row.
const BLOCK_BYTES: usize = 2 << 20;

/// Cells of a block, to within one row.
const BLOCK_CELLS: usize = 1 << 19;

/// Where the rows of a file are.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Row ranges of the blocks.
    pub(super) rows: Vec<Range<usize>>,
    /// Bytes of the blocks, and the line that each begins on, from 1.
    pub(super) places: Vec<(Range<u64>, u64)>,
    /// Empty lines between rows.
    pub(super) empty: usize,
}

/// What is needed to find rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) storage: &'a Storage,
    pub(super) length: u64,
    pub(super) origin: &'a str,
}

impl Text<'_> {
    /// Fills `buffer` from `offset`.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let io = |source| Error::Io { path: self.origin.into(), action: "cannot read", source };
        self.storage.read_at(offset, buffer).map_err(io)
    }
}

impl Index {
    /// Finds the rows from byte `start`, which is on line `line`. Leniently, a quote that never closes, or closes where the
    /// row then has not one cell for each column, spoils its own line only: the line is the last row of its block.
    pub(super) fn new(
        text: Text<'_>,
        (start, line): (u64, u64),
        delimiter: u8,
        columns: usize,
        lenient: bool,
    ) -> Result<Self> {
        let index = Self::default();
        let mut scan =
            Scan { index, delimiter, columns, lenient, first: start, line, next_line: line, rows: 0, empty: 0 };
        let mut buffer = Vec::new();
        let mut offset = start;
        while offset < text.length {
            let wanted = (text.length - offset).min(1 << 20) as usize;
            let kept = buffer.len();
            buffer.resize(kept + wanted, 0);
            text.read(offset, &mut buffer[kept..])?;
            offset += wanted as u64;
            let place = offset - (kept + wanted) as u64;
            let used = scan.rows_in(&buffer, place, offset == text.length, buffer.len() > MAX_CELL);
            buffer.drain(..used);
            if buffer.len() > MAX_CELL && (used == 0 || !lenient) {
                let (origin, line) = (text.origin.to_owned(), scan.next_line);
                return Err(TableError::OpenQuote { origin, line }.into());
            }
        }
        scan.close(text.length);
        Ok(scan.index)
    }
}

struct Scan {
    index: Index,
    delimiter: u8,
    columns: usize,
    lenient: bool,
    /// First byte and line of the block that is being filled.
    first: u64,
    line: u64,
    /// The line after the last row seen.
    next_line: u64,
    /// Rows of the block that is being filled.
    rows: usize,
    /// Empty lines since the last row.
    empty: usize,
}

impl Scan {
    /// Counts the rows that end in `bytes`, whose first is at `offset`; tells how many bytes they take. No row goes on behind
    /// the `last` bytes, nor one that is too `long`.
    fn rows_in(&mut self, bytes: &[u8], offset: u64, last: bool, mut long: bool) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let end = end_of_row(bytes, at, self.delimiter).map(|end| end + 1);
            let row = &bytes[at..end.unwrap_or(bytes.len())];
            let broken = self.lenient && self.is_broken(row, end.is_none());
            let end = match end {
                _ if broken && (end.is_some() || last || long) => {
                    at + memchr(b'\n', row).map_or(row.len(), |end| end + 1)
                }
                Some(end) => end,
                None if last => bytes.len(),
                None => return at,
            };
            let line = &bytes[at..end];
            if is_empty(line.strip_suffix(b"\n").unwrap_or(line)) {
                self.empty += 1;
            } else {
                self.rows += 1;
                self.index.empty += std::mem::take(&mut self.empty);
            }
            self.next_line += if line.contains(&b'"') { memchr_iter(b'\n', line).count() as u64 } else { 1 };
            at = end;
            long &= !broken;
            let behind = offset + at as u64;
            if broken || behind - self.first >= BLOCK_BYTES as u64 || self.rows * self.columns >= BLOCK_CELLS {
                self.close(behind);
            }
        }
        at
    }

    /// Whether a quote makes one row of several lines that are none.
    fn is_broken(&self, row: &[u8], open: bool) -> bool {
        let several = memchr(b'\n', row).is_some_and(|place| place + 1 < row.len());
        let row_of_cells = || cells(row, self.delimiter).len() == self.columns && is_well_quoted(row, self.delimiter);
        (open && is_open(row, self.delimiter)) || (several && !row_of_cells())
    }

    fn close(&mut self, end: u64) {
        if self.rows > 0 {
            let start = self.index.rows.last().map_or(0, |rows| rows.end);
            self.index.rows.push(start..start + self.rows);
            self.index.places.push((self.first..end, self.line));
        }
        (self.first, self.line, self.rows) = (end, self.next_line, 0);
    }
}
