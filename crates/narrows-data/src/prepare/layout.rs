//! What the features of a prepared row mean: which belong together, and which distribution describes them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The shape and meaning of a prepared sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Dimensions of one sample: `[features]` for tables, the array's own, `[height, width, channels]` for images,
    /// `[steps, features]` for windows (channels last).
    pub dims: Vec<usize>,
    /// Rows of the file in one sample: 1, or the length of a window.
    pub steps: usize,
    /// The fields of one row, in order and without gaps; a window repeats them at each step.
    pub fields: Vec<Field>,
    /// For each feature of one row its weight in the metric: squared differences times these, summed, give each column
    /// of a table a total training variance of 1 (numbers and booleans `1 / var`, categories
    /// `1 / sum of the variances of their features`). All 1 for images and large arrays.
    pub weights: Vec<f32>,
    /// Whether all values lie in 0..=1 by construction (images), so that a Bernoulli likelihood also applies.
    pub unit_interval: bool,
    /// What is known of the numbers.
    #[serde(default, skip_serializing_if = "Reals::is_any")]
    pub reals: Reals,
}

/// What is known of the numbers among the features, however they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reals {
    /// Nothing: they are scaled.
    #[default]
    Any,
    /// Whole numbers from 0 on, as in the data.
    Counts,
    /// Numbers in 0..=1, as in the data.
    UnitInterval,
}

impl Reals {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }

    /// What is expected in place of `value`; `None` where it is one of these numbers.
    pub(super) fn expects(self, value: f64) -> Option<&'static str> {
        match self {
            Self::Counts if value < 0.0 || value.fract() != 0.0 => Some("counts: whole numbers from 0 on"),
            Self::UnitInterval if !(0.0..=1.0).contains(&value) => Some("numbers in 0..=1"),
            _ => None,
        }
    }
}

/// Features that describe one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The column, `NAME (missing)` for a missing-value indicator, `values` or `pixels`.
    pub name: String,
    /// Its features within one row.
    pub range: Range<usize>,
    /// The distribution that describes them.
    pub family: Family,
}

/// The distribution that describes a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Real numbers: squared error.
    Gaussian,
    /// Each feature is 0 or 1: logistic cross-entropy.
    Bernoulli,
    /// At most one of the features is 1: soft-max cross-entropy.
    Categorical,
}

impl Layout {
    /// Features of one row.
    #[must_use]
    pub fn row_width(&self) -> usize {
        self.weights.len()
    }

    /// Features of one sample: of one row, or of all rows of a window.
    #[must_use]
    pub fn width(&self) -> usize {
        self.steps * self.row_width()
    }

    /// The weights of all features of one sample.
    #[must_use]
    pub fn metric(&self) -> Vec<f32> {
        self.weights.repeat(self.steps)
    }

    /// The features of one row in runs of one family: neighbouring Gaussian fields as one, Bernoulli fields likewise,
    /// each categorical field on its own.
    #[must_use]
    pub fn runs(&self) -> Vec<(Range<usize>, Family)> {
        let mut runs: Vec<(Range<usize>, Family)> = Vec::new();
        for field in &self.fields {
            match runs.last_mut() {
                Some((range, family)) if *family == field.family && *family != Family::Categorical => {
                    range.end = field.range.end;
                }
                _ => runs.push((field.range.clone(), field.family)),
            }
        }
        runs
    }
}
