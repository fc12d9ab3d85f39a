//! Corruption of a training input that the model learns to undo: what denoising autoencoders see instead of the sample,
//! `x̃ ~ C(x̃|x)` (Vincent, Larochelle, Bengio & Manzagol 2008).

mod poisson;
mod process;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Noise, Photons, Share};
use crate::{DataSpec, Error};

pub use process::Process;

/// How an input is corrupted. Levels are standard deviations: in units of the data's own deviation, for pictures in units of
/// the range of their pixels, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub enum Corruption {
    /// Gaussian noise of one level.
    Gaussian {
        /// Its standard deviation.
        level: Noise,
    },
    /// Gaussian noise of a level drawn uniformly from 0 to the largest, for each sample.
    RandomGaussian {
        /// The largest standard deviation.
        level: Noise,
    },
    /// A share of the values, drawn for each sample, is set to the mean; pixels are set to black.
    Masking {
        /// The share.
        share: Share,
    },
    /// A share of the values, drawn for each sample, is set to two deviations above or below the mean, by the toss of a
    /// coin; pixels are set to white or black.
    SaltAndPepper {
        /// The share.
        share: Share,
    },
    /// Shot noise of pictures: a pixel is a count of photons, drawn from a Poisson distribution.
    Poisson {
        /// The mean count at a white pixel; fewer are more noise.
        photons: Photons,
    },
    /// A share of the columns, drawn for each sample, is set to the mean: a category as a whole, in a window at all steps.
    Columns {
        /// The share.
        share: Share,
    },
    /// By the toss of a coin for each sample, Gaussian noise of a level drawn uniformly from 0 to the largest, or a share of the
    /// columns, drawn from 0 to the largest too, hidden: set to the mean, and the network is told so. What is learnt is the
    /// way back to usual samples, and each column from any others.
    NoiseOrColumns {
        /// The largest standard deviation.
        level: Noise,
        /// The largest share.
        share: Share,
    },
    /// One run of steps of a window is set to the mean, or one rectangle of a picture to black, in a random place.
    Span {
        /// Its largest length, as a share of the length of each axis.
        share: Share,
    },
}

impl Default for Corruption {
    fn default() -> Self {
        Self::Gaussian { level: Noise::constant(0.5) }
    }
}

impl Corruption {
    /// Noise of this level in units of the data's own deviation, if it is above 0.
    pub fn noise(level: &Noise) -> Option<Process> {
        (*level.get() > 0.0).then(|| Process::new(Self::Gaussian { level: level.clone() }, None))
    }

    /// As it acts on samples of this data.
    pub fn on(&self, data: &DataSpec) -> Process {
        Process::new(self.clone(), Some(data))
    }

    /// Whether the network is told what is hidden from it.
    pub fn tells(&self) -> bool {
        matches!(self, Self::NoiseOrColumns { .. })
    }

    /// Whether units of hidden layers can be corrupted so.
    pub fn suits_units(&self) -> bool {
        !matches!(self, Self::Poisson { .. } | Self::Columns { .. } | Self::NoiseOrColumns { .. } | Self::Span { .. })
    }

    /// Its name in configurations.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gaussian { .. } => "gaussian",
            Self::RandomGaussian { .. } => "random-gaussian",
            Self::Masking { .. } => "masking",
            Self::SaltAndPepper { .. } => "salt-and-pepper",
            Self::Poisson { .. } => "poisson",
            Self::Columns { .. } => "columns",
            Self::NoiseOrColumns { .. } => "noise-or-columns",
            Self::Span { .. } => "span",
        }
    }

    /// Whether samples of this data can be corrupted so.
    ///
    /// # Errors
    /// They cannot; the error says what can be done instead.
    pub fn check(&self, model: &'static str, data: &DataSpec) -> Result<(), Error> {
        let axes = data.sample.as_slice().len();
        let (reason, remedy) = match self {
            Self::Masking { share } | Self::Columns { share } if *share.get() >= 1.0 => {
                ("with a share of 1 nothing is left to see", "hide less: a share of 0.3 is usual")
            }
            Self::Poisson { .. } if !data.unit_interval => {
                ("only pixels between 0 and 1 are counts of photons", "use gaussian")
            }
            Self::Columns { .. } | Self::NoiseOrColumns { .. } if axes > 2 => {
                ("pictures have no columns with names", "use span or masking")
            }
            Self::Span { .. } if axes < 2 => ("the columns of a row have no neighbours", "use columns or masking"),
            _ => return Ok(()),
        };
        let (value, reason, remedy) = (self.name().into(), reason.into(), remedy.into());
        Err(Error::Misfit { model, option: "corruption", value, reason, remedy })
    }
}
