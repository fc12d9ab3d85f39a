//! One error for each cause, naming the place and what was expected there.

use std::path::PathBuf;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between bytes and features.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was attempted, e.g. "cannot open".
        action: &'static str,
        /// Its reason.
        source: std::io::Error,
    },
    /// The file holds no rows.
    #[error("{}: no rows; expected {expected}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
}
