//! One error for each cause, shared by models, training and evaluation.

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in a model's step or use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] narrows_tensor::Error),
    /// A batch does not have the shape that the model was built for.
    #[error("{argument} has shape {found:?}; the model expects [N, {expected}]")]
    SampleShape {
        /// `x`, `z`, ...
        argument: &'static str,
        /// The shape given.
        found: Vec<usize>,
        /// The dimensions behind the batch axis.
        expected: crate::Dims,
    },
    /// The batch has no samples.
    #[error("{argument} has no samples; a batch needs at least one")]
    EmptyBatch {
        /// `x`, `z`, ...
        argument: &'static str,
    },
    /// The model needs something that the batch lacks.
    #[error("the model needs {needed} with every batch; {remedy}")]
    BatchLacks {
        /// What is missing.
        needed: &'static str,
        /// What the user can do.
        remedy: &'static str,
    },
    /// A loss has no terms.
    #[error("the loss has no terms")]
    EmptyLoss,
    /// A model option has a value that cannot work.
    #[error("{option} = {value}: {reason}")]
    Option {
        /// The option's name as in the configuration.
        option: &'static str,
        /// The value given.
        value: String,
        /// Why not, and what would.
        reason: String,
    },
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error.into())
    }
}
