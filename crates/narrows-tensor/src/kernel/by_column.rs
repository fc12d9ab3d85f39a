//! Entries of a sparse matrix by column, so that a pass over columns finds each of the matrix's rows in a near cache.

use super::parallel::for_each;

/// Tasks of a pass over the columns.
const TASKS: usize = 128;

/// Numbers of entries, sorted by column and, in each column, ascending.
pub(crate) struct ByColumn {
    starts: Vec<u32>,
    entries: Vec<u32>,
}

impl ByColumn {
    /// Sorts entries, given by number and column, by counting.
    pub(crate) fn new(columns: usize, entries: impl Iterator<Item = (usize, u32)> + Clone) -> Self {
        let mut starts = vec![0u32; columns + 1];
        let last = entries.clone().last().map_or(0, |(entry, _)| entry);
        assert!(u32::try_from(last).is_ok(), "more entries than their numbers can count");
        for (_, column) in entries.clone() {
            starts[column as usize + 1] += 1;
        }
        for column in 0..columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0; starts[columns] as usize];
        for (entry, column) in entries {
            sorted[next[column as usize] as usize] = entry as u32;
            next[column as usize] += 1;
        }
        Self { starts, entries: sorted }
    }

    /// Those of a column.
    fn column(&self, column: usize) -> &[u32] {
        &self.entries[self.starts[column] as usize..self.starts[column + 1] as usize]
    }

    /// Runs `run(column, entries)` for each column, in any order and on all threads.
    pub(crate) fn for_each(&self, run: impl Fn(usize, &[u32]) + Sync) {
        let columns = self.starts.len() - 1;
        let each = columns.div_ceil(TASKS).max(1);
        for_each(columns.div_ceil(each), |task| {
            for column in task * each..columns.min((task + 1) * each) {
                run(column, self.column(column));
            }
        });
    }
}
