//! What a model is for.

use clap::ValueEnum;
use narrows::Task;

/// What a model is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskName {
    /// Fewer dimensions that keep what matters.
    #[default]
    Reduction,
    /// Scores that tell unusual rows from usual ones.
    Anomaly,
    /// Clean samples from noisy ones.
    Denoising,
}

impl From<TaskName> for Task {
    fn from(name: TaskName) -> Self {
        match name {
            TaskName::Reduction => Self::Reduction,
            TaskName::Anomaly => Self::Anomaly,
            TaskName::Denoising => Self::Denoising,
        }
    }
}
