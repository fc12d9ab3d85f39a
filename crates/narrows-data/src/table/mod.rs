//! Tables: delimited text, Parquet and Arrow IPC as sources.

mod arrow;
mod columnar;
mod contain;
mod csv;
mod error;
pub(crate) mod faults;
mod interner;
mod joined;
mod parquet;
mod select;
mod spool;
mod time;

pub(crate) use arrow::ArrowIpc;
pub(crate) use csv::{Csv, boolean};
pub use csv::{Line, Lines};
pub use error::TableError;
pub use faults::Faults;
pub(crate) use joined::{Joined, tables};
pub(crate) use parquet::Parquet;
pub(crate) use select::known;
pub(crate) use spool::{inflate, spool_all};

use crate::{Error, Source};

/// A block was asked for that is not there.
fn no_block(source: &dyn Source, index: usize) -> Error {
    let (what, found) = ("the list of blocks".into(), source.blocks().len());
    Error::Shape { origin: source.origin().to_owned(), what, found, expected: index + 1 }
}

/// A block no longer holds the rows that it held when the file was opened.
fn changed(source: &dyn Source, index: usize, found: usize) -> Error {
    let what = format!("block {index}, which changed since the file was opened,");
    let expected = source.blocks().get(index).map_or(0, ExactSizeIterator::len);
    Error::Shape { origin: source.origin().to_owned(), what, found, expected }
}
