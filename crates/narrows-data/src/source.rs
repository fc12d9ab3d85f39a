//! Random access to the rows of a file, block by block, without holding the file in memory.

use std::fmt::Debug;
use std::ops::Range;

use crate::{Block, Faults, Result, Schema};

/// A data file (or folder, or several files) as rows.
///
/// Implementations hold no more than one block in memory beyond what their format's index needs.
pub trait Source: Debug + Send + Sync {
    /// What a row is.
    fn schema(&self) -> &Schema;

    /// The number of rows.
    fn rows(&self) -> usize;

    /// Row ranges that are cheap to read as a whole (a Parquet row group or a slice of it, a run of bytes), in order,
    /// without gaps and covering all rows; each holds at most a few megabytes of values.
    fn blocks(&self) -> &[Range<usize>];

    /// Reads the rows of block `index`.
    ///
    /// # Errors
    /// The file cannot be read any more, is damaged there, or a value is not of its column's kind; the error names
    /// path, line or row, and column.
    fn read(&self, index: usize) -> Result<Block>;

    /// Where the rows come from, for messages: a path or a dataset's name.
    fn origin(&self) -> &str;

    /// The group of each block's rows when rows belong together and must not be parted by a split (patches of one
    /// picture, windows of one recording): row ranges, in order, covering all rows. `None`: every row is its own group.
    fn groups(&self) -> Option<&[Range<usize>]> {
        None
    }

    /// The rows that the dataset's authors set aside for testing (MNIST's last 10,000). A split honours it: these rows
    /// are the test split, and no other row is. `None`: the split chooses.
    fn fixed_test(&self) -> Option<Range<usize>> {
        None
    }

    /// Whether the rows came as an Arrow IPC stream: who pipes batches in expects batches back.
    fn is_arrow_stream(&self) -> bool {
        false
    }

    /// What could not be read in the blocks that were read so far, where the source was opened to be lenient
    /// ([`crate::OpenOptions::lenient`]).
    fn faults(&self) -> Faults {
        Faults::default()
    }

    /// Where row `row` (from 0) stands, for messages: its line in a text, else its number from 1.
    fn place(&self, row: usize) -> String {
        format!("row {}", row + 1)
    }

    /// How the file was understood where that is not obvious (photographs cut into patches), for the log.
    fn notes(&self) -> &[String] {
        &[]
    }
}

/// What a source that changes the values of another one, kept as `inner`, has from it as it is.
macro_rules! as_inner {
    () => {
        fn schema(&self) -> &Schema {
            self.inner.schema()
        }

        fn rows(&self) -> usize {
            self.inner.rows()
        }

        fn blocks(&self) -> &[Range<usize>] {
            self.inner.blocks()
        }

        fn origin(&self) -> &str {
            self.inner.origin()
        }

        fn groups(&self) -> Option<&[Range<usize>]> {
            self.inner.groups()
        }

        fn fixed_test(&self) -> Option<Range<usize>> {
            self.inner.fixed_test()
        }

        fn is_arrow_stream(&self) -> bool {
            self.inner.is_arrow_stream()
        }

        fn place(&self, row: usize) -> String {
            self.inner.place(row)
        }

        fn notes(&self) -> &[String] {
            self.inner.notes()
        }
    };
}
pub(crate) use as_inner;
