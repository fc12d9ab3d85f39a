//! One error for each cause.

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in a metric or a baseline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two batches that belong together differ in shape.
    #[error("{operation}: {argument} has shape {found:?}; expected {expected:?}")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// Its argument.
        argument: &'static str,
        /// The shape given.
        found: Vec<usize>,
        /// The shape needed.
        expected: Vec<usize>,
    },
    /// A rate of false alarms that so few calibration rows cannot show.
    #[error(
        "{rows} calibration rows cannot show a rate of {rate}, which needs at least {needed}: ask for a rate of 1/{} or \
         more, or judge by a fitted tail (--tail) or by the median deviation (--mad) instead", .rows + 1
    )]
    RateTooLow {
        /// The rate.
        rate: f64,
        /// Rows given.
        rows: usize,
        /// Rows needed.
        needed: usize,
    },
    /// Fewer rows than the baseline needs.
    #[error("{operation}: {rows} rows; it needs at least {needed}")]
    TooFewRows {
        /// The operation.
        operation: &'static str,
        /// Rows given.
        rows: usize,
        /// Rows needed.
        needed: usize,
    },
    /// A code size that the data do not allow.
    #[error("pca: {components} components of {width} features; it takes from 1 to {width}")]
    Components {
        /// Components asked for.
        components: usize,
        /// Features of a sample.
        width: usize,
    },
    /// A value is not finite.
    #[error("{operation}: a value is not finite; prepare the data first")]
    NotFinite {
        /// The operation.
        operation: &'static str,
    },
    /// A decomposition did not converge.
    #[error("{operation}: the eigenvalue decomposition did not converge")]
    NoConvergence {
        /// The operation.
        operation: &'static str,
    },
    /// The operating system gave no thread.
    #[error("cannot start a thread: {source}")]
    Threads {
        /// Its reason.
        source: rayon::ThreadPoolBuildError,
    },
    /// A stored baseline lacks a tensor.
    #[error("pca: the stored tensor `{name}` is missing or has another shape than it should")]
    Stored {
        /// Its name.
        name: &'static str,
    },
    /// Labels of one kind rank nothing.
    #[error("all {rows} labels are {class}; a metric of detection needs normal and anomalous rows")]
    OneClass {
        /// Labels given.
        rows: usize,
        /// The kind that all of them are.
        class: &'static str,
    },
    /// A score is no number.
    #[error("{operation}: the score of row {} is not a number", row + 1)]
    ScoreNotANumber {
        /// The operation.
        operation: &'static str,
        /// Its place, from 0.
        row: usize,
    },
    /// A labelled window does not fit its series.
    #[error(
        "the window of steps {start} to {end} must begin at {free} or later and end within the {steps} steps of its series"
    )]
    Window {
        /// Its first step, from 0.
        start: usize,
        /// Its last step.
        end: usize,
        /// The first step behind the window before.
        free: usize,
        /// Steps of the series.
        steps: usize,
    },
    /// A setting has a value that cannot work.
    #[error("{name} = {value}; expected {expected}")]
    Setting {
        /// What is set.
        name: &'static str,
        /// The value given.
        value: f64,
        /// What would work.
        expected: &'static str,
    },
    /// A stored sampler lacks a tensor.
    #[error("sampler: the stored tensor `{name}` is missing or has another shape than it should")]
    StoredMixture {
        /// Its name.
        name: &'static str,
    },
    /// A model refused a batch.
    #[error(transparent)]
    Model(#[from] narrows_core::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] narrows_tensor::Error),
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error.into())
    }
}
