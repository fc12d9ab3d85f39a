//! The options of a detector, checked when they are parsed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How rows are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct DetectConfig {
    /// Training rows that are stored, so that the distance to the nearest of them is part of the score; 0 leaves that part
    /// out.
    pub neighbours: Neighbours,
    /// Exponent of the columns' squared errors in the score: 1 is the usual squared error, larger values let the strangest
    /// column speak loudest.
    pub power: Power,
    /// Of windows only the last step is scored, so that no row's score needs later rows.
    pub causal: bool,
    /// The share of anomalies expected among the training rows, where it is known. It is told in reports and decides
    /// nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contamination: Option<f64>,
}

/// The most training rows that a detector stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "usize", into = "usize")]
#[schemars(with = "usize")]
pub struct Neighbours(usize);

/// An exponent of at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Power(f64);

impl Default for DetectConfig {
    fn default() -> Self {
        Self { neighbours: Neighbours(0), power: Power(2.0), causal: false, contamination: None }
    }
}

impl Neighbours {
    /// At most a million.
    ///
    /// # Errors
    /// There are more.
    pub fn new(rows: usize) -> Result<Self> {
        if rows <= 1_000_000 { Ok(Self(rows)) } else { Err(setting("neighbours", rows as f64, "at most 1000000 rows")) }
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Power {
    /// From 1 to 64.
    ///
    /// # Errors
    /// It is outside.
    pub fn new(power: f64) -> Result<Self> {
        if (1.0..=64.0).contains(&power) {
            Ok(Self(power))
        } else {
            Err(setting("power", power, "a number from 1 to 64"))
        }
    }

    /// The exponent.
    pub fn get(self) -> f64 {
        self.0
    }
}

fn setting(name: &'static str, value: f64, expected: &'static str) -> Error {
    Error::Detect { reason: format!("{name} = {value}; expected {expected}") }
}

impl TryFrom<usize> for Neighbours {
    type Error = Error;

    fn try_from(rows: usize) -> Result<Self> {
        Self::new(rows)
    }
}

impl From<Neighbours> for usize {
    fn from(neighbours: Neighbours) -> Self {
        neighbours.0
    }
}

impl TryFrom<f64> for Power {
    type Error = Error;

    fn try_from(power: f64) -> Result<Self> {
        Self::new(power)
    }
}

impl From<Power> for f64 {
    fn from(power: Power) -> Self {
        power.0
    }
}
