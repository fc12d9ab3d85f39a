//! A run of consecutive rows in raw values, as read from a file or to be written to one.

use std::sync::Arc;

/// Consecutive rows: dense samples, named columns, or both (images with a label column).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Number of rows.
    pub rows: usize,
    /// Dense samples `[rows, width]`, row-major; empty for tables. Missing values are NaN.
    pub dense: Vec<f32>,
    /// Named columns in schema order, each with `rows` values.
    pub columns: Vec<ColumnData>,
}

/// The values of one column over the rows of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnData {
    /// Numbers, times (seconds since 1970 UTC) and booleans (0 or 1); missing is NaN.
    Numbers(Vec<f64>),
    /// Categories and free text.
    Texts(Texts),
}

/// Text values by reference into a list of distinct values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    /// For each row the index into `levels`, or [`Texts::MISSING`].
    pub codes: Vec<u32>,
    /// Distinct values of this block, in order of first appearance.
    pub levels: Vec<Arc<str>>,
}

impl ColumnData {
    /// Whether there is no value at `row`.
    #[must_use]
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numbers(values) => values.get(row).is_none_or(|value| value.is_nan()),
            Self::Texts(texts) => texts.get(row).is_none(),
        }
    }
}

impl Texts {
    /// The code of a missing value.
    pub const MISSING: u32 = u32::MAX;

    /// The value at `row`, or `None` where it is missing.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        let code = *self.codes.get(row)?;
        self.levels.get(code as usize).map(AsRef::as_ref)
    }

    /// The rows whose text is such; each distinct text is asked about once.
    pub(crate) fn places(&self, such: impl Fn(&str) -> bool) -> Vec<usize> {
        let levels: Vec<bool> = self.levels.iter().map(|level| such(level)).collect();
        if !levels.contains(&true) {
            return Vec::new();
        }
        let chosen = |code: &u32| levels.get(*code as usize).copied().unwrap_or(false);
        self.codes.iter().enumerate().filter(|(_, code)| chosen(code)).map(|(row, _)| row).collect()
    }
}
