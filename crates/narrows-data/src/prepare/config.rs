//! How raw values become features.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layout::Reals;
use crate::{Error, Result};

/// How raw values become features.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareConfig {
    /// How the numeric columns of a table are scaled.
    pub numbers: NumberScaling,
    /// How arrays are scaled.
    pub arrays: ArrayScaling,
    /// What becomes of numbers far from the usual ones.
    pub tails: Tails,
    /// The most levels of a category that get a feature of their own; rarer ones share `<other>`.
    pub max_levels: MaxLevels,
    /// Consecutive rows that form one sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// How a numeric column is scaled. The first three are linear in the bulk of the data (quantile-normal piecewise) and can
/// be inverted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NumberScaling {
    /// Training mean 0 and standard deviation 1. Where a few extreme values make the standard deviation more than four
    /// times that of the data with 0.5 % clipped at each end, the clipped mean and deviation are used, unless tails are linear.
    #[default]
    Standardise,
    /// Training minimum 0 and maximum 1.
    MinMax,
    /// Ranks in the training data, as quantiles of the standard normal distribution.
    QuantileNormal,
    /// As they are, which must be whole numbers from 0 on.
    Counts,
    /// As they are, which must lie in 0..=1.
    UnitInterval,
}

/// What becomes of numbers far from the usual ones. Either way scaling can be inverted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tails {
    /// Logarithmic beyond 5 units, so that a stray value cannot dominate a squared error.
    #[default]
    Logarithmic,
    /// Linear up to 1,000 units and logarithmic only beyond, and the plain mean and standard deviation: how far a value is
    /// from the usual ones is what detectors measure.
    Linear,
}

impl Tails {
    /// Units within which scaling is linear.
    pub(super) const fn bend(self) -> f64 {
        match self {
            Self::Logarithmic => 5.0,
            Self::Linear => 1_000.0,
        }
    }
}

/// How arrays are scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ArrayScaling {
    /// `standardise` for vectors of at most 256 values (tables without names), `centre` for everything else.
    #[default]
    Auto,
    /// Each value minus its training mean, divided by one standard deviation for all: keeps the metric of the data.
    Centre,
    /// Each value minus its training mean, divided by its own training standard deviation.
    Standardise,
    /// As they are.
    None,
    /// As they are, which must be whole numbers from 0 on.
    Counts,
    /// As they are, which must lie in 0..=1.
    UnitInterval,
}

/// The most features that one category may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "usize", into = "usize")]
#[schemars(with = "usize")]
pub struct MaxLevels(usize);

/// Consecutive rows that form one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawWindow", into = "RawWindow")]
#[schemars(with = "RawWindow")]
pub struct Window {
    length: usize,
    stride: usize,
}

#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Window")]
struct RawWindow {
    /// Rows in one window, at least 1.
    length: usize,
    /// Rows from the start of one window to the start of the next, at least 1.
    #[serde(default = "one")]
    stride: usize,
}

fn one() -> usize {
    1
}

impl NumberScaling {
    /// What the numbers are known to be.
    pub(super) fn reals(self) -> Reals {
        match self {
            Self::Counts => Reals::Counts,
            Self::UnitInterval => Reals::UnitInterval,
            Self::Standardise | Self::MinMax | Self::QuantileNormal => Reals::Any,
        }
    }
}

impl MaxLevels {
    /// At most `levels` features for one category.
    ///
    /// # Errors
    /// [`Error::Setting`] outside 2..=4096.
    pub fn new(levels: usize) -> Result<Self> {
        if (2..=4096).contains(&levels) {
            Ok(Self(levels))
        } else {
            Err(Error::Setting {
                name: "max_levels",
                value: levels.to_string(),
                expected: "a whole number from 2 to 4096",
            })
        }
    }

    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

impl Default for MaxLevels {
    fn default() -> Self {
        Self(64)
    }
}

impl Window {
    /// Windows of `length` rows that start `stride` rows apart.
    ///
    /// # Errors
    /// [`Error::Setting`] when one of them is 0 or the length is above a million.
    pub fn new(length: usize, stride: usize) -> Result<Self> {
        let check = |name, value: usize, max: usize, expected| {
            if (1..=max).contains(&value) {
                Ok(())
            } else {
                Err(Error::Setting { name, value: value.to_string(), expected })
            }
        };
        check("window", length, 1_000_000, "a whole number of rows from 1 to 1000000")?;
        check("stride", stride, usize::MAX, "a whole number of rows above 0")?;
        Ok(Self { length, stride })
    }

    /// Rows in one window.
    #[must_use]
    pub const fn length(self) -> usize {
        self.length
    }

    /// Rows from the start of one window to the start of the next.
    #[must_use]
    pub const fn stride(self) -> usize {
        self.stride
    }
}

impl TryFrom<usize> for MaxLevels {
    type Error = Error;

    fn try_from(levels: usize) -> Result<Self> {
        Self::new(levels)
    }
}

impl From<MaxLevels> for usize {
    fn from(levels: MaxLevels) -> Self {
        levels.0
    }
}

impl TryFrom<RawWindow> for Window {
    type Error = Error;

    fn try_from(raw: RawWindow) -> Result<Self> {
        Self::new(raw.length, raw.stride)
    }
}

impl From<Window> for RawWindow {
    fn from(Window { length, stride }: Window) -> Self {
        Self { length, stride }
    }
}
