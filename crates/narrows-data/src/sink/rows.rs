//! Text formats with one line a row: lines are formatted in parallel and written in order.

use std::io::Write;

use rayon::prelude::*;

use super::Sink;
use super::output::Output;
use crate::atomic::write_error;
use crate::{Block, Result};

/// Values formatted by one task.
const TASK_VALUES: usize = 1 << 15;

/// Tasks whose lines are in memory at once.
const TASKS: usize = 64;

/// How a row becomes a line.
pub(super) trait Line: Send + Sync {
    /// What stands before the first row.
    fn header(&self) -> Vec<u8>;

    /// Values in a row.
    fn width(&self) -> usize;

    /// Appends one row with its line ending.
    fn append(&self, block: &Block, row: usize, line: &mut Vec<u8>);
}

/// Writes lines to a file or to standard output.
pub(super) struct RowSink<L> {
    output: Output,
    line: L,
}

impl<L: Line> RowSink<L> {
    pub(super) fn new(mut output: Output, line: L) -> Result<Self> {
        let header = line.header();
        output.write_all(&header).map_err(|source| write_error(output.path(), source))?;
        Ok(Self { output, line })
    }
}

impl<L: Line> Sink for RowSink<L> {
    fn write(&mut self, block: &Block) -> Result<()> {
        let rows = (TASK_VALUES / self.line.width().max(1)).max(1);
        let starts: Vec<usize> = (0..block.rows).step_by(rows).collect();
        for starts in starts.chunks(TASKS) {
            let lines: Vec<Vec<u8>> = starts
                .par_iter()
                .map(|&start| {
                    let end = block.rows.min(start + rows);
                    let mut lines = Vec::with_capacity((end - start) * self.line.width() * 12);
                    (start..end).for_each(|row| self.line.append(block, row, &mut lines));
                    lines
                })
                .collect();
            for lines in lines {
                self.output.write_all(&lines).map_err(|source| write_error(self.output.path(), source))?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.output.commit()
    }
}
