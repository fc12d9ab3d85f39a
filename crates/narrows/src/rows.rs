//! Which rows of opened data are looked at.

use std::sync::Arc;

use narrows_data::{Any, Source, Splits, Subset};

use crate::{Model, Result};

/// A part of a split, or all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// Rows that were trained on.
    Train,
    /// Rows that chose the best step.
    Validation,
    /// Rows that were kept aside.
    Test,
    /// All rows.
    #[default]
    All,
}

/// The rows of `part`, divided as when `model` was trained, at most the first `limit`.
///
/// # Errors
/// The data cannot be divided.
pub fn rows(model: &Model, source: Arc<dyn Source>, part: Part, limit: Option<usize>) -> Result<Subset<Any>> {
    let split = |source: &Arc<dyn Source>| Splits::new(source, &model.document.config.data.split);
    let rows = match part {
        Part::Train => split(&source)?.train.unmarked(),
        Part::Validation => split(&source)?.validation.unmarked(),
        Part::Test => split(&source)?.test.unmarked(),
        Part::All => Subset::all(source),
    };
    Ok(match limit {
        Some(limit) => rows.limit(limit),
        None => rows,
    })
}
