//! What the terminal shows: tables, progress and remarks.

pub(crate) mod log;
pub(crate) mod progress;
pub(crate) mod table;
