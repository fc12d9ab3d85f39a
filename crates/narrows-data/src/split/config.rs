//! How to split: fractions, criterion and seed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How rows are divided into training, validation and test rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// Shares of training, validation and test rows; they sum to 1.
    pub fractions: Fractions,
    /// What decides where a row goes.
    pub by: SplitBy,
    /// Seed of the shuffle.
    pub seed: u64,
}

/// What decides to which part a row belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBy {
    /// Chance.
    #[default]
    Shuffled,
    /// Chance, with every class of the label column in the same proportions in all parts.
    Label,
    /// The order in the file: the first rows train, the last ones test.
    Time,
}

/// Shares of training, validation and test rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "[f64; 3]", into = "[f64; 3]")]
#[schemars(with = "[f64; 3]")]
pub struct Fractions([f64; 3]);

impl Fractions {
    /// Shares of training, validation and test rows.
    ///
    /// # Errors
    /// [`Error::Fractions`] unless all are at least 0, the first above 0, and their sum 1.
    pub fn new(train: f64, validation: f64, test: f64) -> Result<Self> {
        let shares = [train, validation, test];
        let valid = shares.iter().all(|share| (0.0..=1.0).contains(share)) && train > 0.0;
        if valid && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9 {
            Ok(Self(shares))
        } else {
            Err(Error::Fractions(shares))
        }
    }

    /// Shares of training, validation and test rows.
    #[must_use]
    pub const fn shares(self) -> [f64; 3] {
        self.0
    }
}

impl Default for Fractions {
    fn default() -> Self {
        Self([0.8, 0.1, 0.1])
    }
}

impl TryFrom<[f64; 3]> for Fractions {
    type Error = Error;

    fn try_from([train, validation, test]: [f64; 3]) -> Result<Self> {
        Self::new(train, validation, test)
    }
}

impl From<Fractions> for [f64; 3] {
    fn from(fractions: Fractions) -> Self {
        fractions.0
    }
}
