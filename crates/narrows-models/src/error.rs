//! One error for each cause in configuring and building a model.

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a configuration and a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation, or a batch that does not fit.
    #[error(transparent)]
    Core(#[from] narrows_core::Error),
    /// No variant has that name.
    #[error("there is no model called `{name}`{}", did_you_mean(nearest.as_deref()).unwrap_or_else(|| "; `narrows models` lists them all".into()))]
    UnknownModel {
        /// The name given.
        name: String,
        /// The name that differs least.
        nearest: Option<String>,
    },
    /// The text is no valid configuration.
    #[error("line {line}, column {column}: {message}{}", did_you_mean(nearest.as_deref()).unwrap_or_default())]
    Config {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// For an unknown key, the key that differs least.
        nearest: Option<String>,
    },
    /// A configuration cannot be written as text.
    #[error("the configuration of `{model}` cannot be written as TOML: {reason}")]
    Unwritable {
        /// The variant.
        model: &'static str,
        /// The serializer's reason.
        reason: String,
    },
    /// An option does not fit the data.
    #[error("{model}: {option} = {value} does not fit the data: {reason}; {remedy}")]
    Misfit {
        /// The variant.
        model: &'static str,
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// Why not.
        reason: String,
        /// What the user can do.
        remedy: String,
    },
    /// A conditional model needs a label to condition on.
    #[error("{model} needs a condition: name the column of labels with --label COLUMN, or use the model `vae`")]
    NoCondition {
        /// The variant.
        model: &'static str,
    },
    /// Two options contradict each other.
    #[error("{model}: {option} = {value} contradicts {other}: {reason}; {remedy}")]
    Contradiction {
        /// The variant.
        model: &'static str,
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// The other option and its value, as `code = 8`.
        other: String,
        /// Why not.
        reason: String,
        /// What the user can do.
        remedy: String,
    },
    /// The variant cannot work on samples of this shape.
    #[error("{model} takes {takes}; a sample here has dimensions [{sample}]. {remedy}")]
    SampleKind {
        /// The variant.
        model: &'static str,
        /// What it takes, in words.
        takes: &'static str,
        /// Dimensions of a sample.
        sample: narrows_core::Dims,
        /// What the user can do.
        remedy: &'static str,
    },
    /// The description of the data contradicts itself.
    #[error("likelihood: {part} {found}; expected {expected}")]
    Likelihood {
        /// Which part: `heads`, `weights`, ...
        part: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> Option<String> {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?"))
}

impl From<narrows_tensor::Error> for Error {
    fn from(error: narrows_tensor::Error) -> Self {
        Self::Core(error.into())
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Core(error.into())
    }
}
