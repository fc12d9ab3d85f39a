//! One error for each cause.

use std::path::PathBuf;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a data source, a validation or an observer, which this crate passes on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong in a training run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model refused a step.
    #[error(transparent)]
    Model(#[from] narrows_core::Error),
    /// A tensor operation or a tensor file failed.
    #[error(transparent)]
    Tensor(#[from] narrows_tensor::Error),
    /// The source of batches failed.
    #[error("step {step}: cannot read the batch: {source}")]
    Batch {
        /// Steps done before.
        step: u64,
        /// Its reason.
        source: BoxError,
    },
    /// The validation failed.
    #[error("step {step}: cannot evaluate: {source}")]
    Validation {
        /// Steps done.
        step: u64,
        /// Its reason.
        source: BoxError,
    },
    /// An observer failed.
    #[error("step {step}: {source}")]
    Observer {
        /// Steps done.
        step: u64,
        /// Its reason.
        source: BoxError,
    },
    /// A term of the loss is not a number, or infinite.
    #[error(
        "step {step}: the term `{term}` of the loss of `{group}` is {value}; lower the rate, set clip, or check the \
         data for extreme values"
    )]
    NonFiniteLoss {
        /// Steps done before.
        step: u64,
        /// The group of parameters.
        group: &'static str,
        /// The term's name.
        term: String,
        /// Its mean over the batch.
        value: f64,
    },
    /// A gradient is not a number, or too large, though the loss is finite.
    #[error(
        "step {step}: the gradient of `{parameter}` in `{group}` is not finite or beyond the \
             range of its type; lower the rate or set clip"
    )]
    NonFiniteGradient {
        /// Steps done before.
        step: u64,
        /// The group of parameters.
        group: &'static str,
        /// The parameter's full name.
        parameter: String,
    },
    /// A step returned a new value for a buffer that the model does not have.
    #[error("the model returned a new value for `{name}`, which is none of its buffers")]
    UnknownBuffer {
        /// The name in the update.
        name: String,
    },
    /// Stored optimizer state does not fit the optimizer or the model.
    #[error("{origin}: optimizer state `{name}` {problem}; the checkpoint was written by another run")]
    OptimizerState {
        /// The file.
        origin: String,
        /// The name of the tensor.
        name: String,
        /// `is missing`, `is unknown`, `has another shape`.
        problem: &'static str,
    },
    /// The checkpoint was written under another configuration.
    #[error("{}: written under configuration {stored}, but this run has {expected}; resume with the stored \
             configuration or start a new run", path.display())]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// The identity in the checkpoint.
        stored: String,
        /// The identity of this run.
        expected: String,
    },
    /// A file of a checkpoint is missing, cut or changed.
    #[error("{}: damaged: {reason}; restore it from a copy or resume from another checkpoint", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
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
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error.into())
    }
}

/// An [`Error::Io`] for use in `map_err`.
pub(crate) fn io(path: impl Into<PathBuf>, action: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.into();
    move |source| Error::Io { path, action, source }
}
