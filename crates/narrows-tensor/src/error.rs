//! One error for each cause, naming the operation, the argument and what was expected.

use std::path::PathBuf;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in tensor operations and tensor files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// An argument has another shape than the operation takes.
    #[error("{operation}: {argument} has shape {found:?}; expected {expected}")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// Its argument.
        argument: &'static str,
        /// The argument's shape.
        found: Vec<usize>,
        /// What it takes, in words or symbols.
        expected: String,
    },
    /// A parameter would hold more numbers than any model here is meant to.
    #[error(
        "the parameter `{name}` of shape {shape:?} would take {gigabytes} GB, and training four times as much; choose a smaller code or narrower layers"
    )]
    TooLarge {
        /// The full name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its size in single precision.
        gigabytes: u64,
    },
    /// The same parameter name was asked for twice.
    #[error("the parameter name `{name}` is used twice; enter a scope of its own for each layer")]
    DuplicateName {
        /// The full name.
        name: String,
    },
    /// A stored set of tensors lacks one that the model has.
    #[error("{origin}: tensor `{name}` is missing; the file was written for another model")]
    MissingTensor {
        /// The file.
        origin: String,
        /// The full name.
        name: String,
    },
    /// A stored set of tensors has one that the model lacks.
    #[error("{origin}: tensor `{name}` belongs to no parameter; the file was written for another model")]
    UnknownTensor {
        /// The file.
        origin: String,
        /// The full name.
        name: String,
    },
    /// A stored tensor has another shape than the parameter.
    #[error("{origin}: tensor `{name}` has shape {found:?}; the model expects {expected:?}")]
    StoredShape {
        /// The file.
        origin: String,
        /// The full name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape in the model.
        expected: Vec<usize>,
    },
    /// The operating system refused.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// Its reason.
        source: std::io::Error,
    },
    /// The file exists and overwriting was not asked for.
    #[error("{}: exists already; choose another name or ask for overwriting", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Not a file that Narrows wrote.
    #[error("{}: not a Narrows file ({reason})", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// The file begins as Narrows writes files and is not whole.
    #[error("{}: damaged: cut short or changed, {bytes} bytes are left ({reason}); restore it from a copy", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The content does not match the checksum written with it.
    #[error("{}: damaged: its content does not match its checksum; restore it from a copy", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
    },
}
