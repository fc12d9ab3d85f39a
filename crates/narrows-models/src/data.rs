//! What a model must know of the data before it can be built.

use narrows_core::Dims;
use serde::{Deserialize, Serialize};

use crate::Likelihood;

/// The shape and meaning of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Dimensions of one sample: `[features]`, `[time, channels]` or `[height, width, channels]`.
    pub sample: Dims,
    /// How the decoder's output is read, and so what the loss is.
    pub likelihood: Likelihood,
    /// Whether all values lie in 0..=1 by construction, so that they can be read as probabilities.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unit_interval: bool,
    /// What the real features are known to be.
    #[serde(default, skip_serializing_if = "Reals::is_any")]
    pub reals: Reals,
    /// Training rows, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Features of the condition that comes with each sample, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<usize>,
}

/// What is known of real features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reals {
    /// Nothing.
    #[default]
    Any,
    /// Whole numbers from 0 on.
    Counts,
    /// Numbers in 0..=1.
    UnitInterval,
}

impl Reals {
    /// Whether nothing is known.
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

impl DataSpec {
    /// Real-valued samples without further structure: squared error, all features alike.
    pub fn gaussian(sample: Dims) -> Self {
        let likelihood = Likelihood::gaussian();
        Self { sample, likelihood, unit_interval: false, reals: Reals::Any, rows: None, condition: None }
    }

    /// Whether the decoder's mean is kept within 0..=1.
    pub fn bounded(&self) -> bool {
        self.unit_interval && self.likelihood == Likelihood::Gaussian
    }

    /// The number of values in a sample.
    pub fn features(&self) -> usize {
        self.sample.elements()
    }

    /// The size of code to take where nobody asks for one: the square root of the number of things that a sample
    /// describes, rounded. A table's categories count as one thing, however many levels they have.
    pub fn default_code(&self) -> usize {
        let things = self.likelihood.things(self.features());
        ((things as f64).sqrt().round() as usize).clamp(1, self.features().max(1))
    }
}
