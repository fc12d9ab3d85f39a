//! Tables: delimited text, Parquet and Arrow IPC as sources.

mod error;

pub use error::TableError;
