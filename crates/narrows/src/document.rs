//! What a model file says besides its weights: one JSON document, versioned.

use narrows_data::{Preparation, Schema};
use narrows_models::DataSpec;
use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::detect::Record;
use crate::evaluate::Evaluation;

/// The version of the document that this version of Narrows writes.
pub const FORMAT: u32 = 1;

/// Everything that is needed to use a model, and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Version of this document.
    pub format: u32,
    /// Version of Narrows that wrote it.
    pub narrows: String,
    /// How it was made.
    pub config: RunConfig,
    /// What the model knows of the data.
    pub data: DataSpec,
    /// How raw values become features and back.
    pub preparation: Preparation,
    /// Where the rows came from.
    pub origin: Origin,
    /// Training steps done.
    pub steps: u64,
    /// Figures on the held-out rows.
    pub held_out: Option<Evaluation>,
    /// How rows are scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<Record>,
}

/// The data that a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// As it was named.
    pub name: String,
    /// SHA-256 of the prepared training rows, in file order.
    pub sha256: String,
    /// Training, validation and test rows.
    pub rows: [usize; 3],
}

impl Document {
    /// The columns or arrays that data must have at use time.
    pub fn schema(&self) -> &Schema {
        self.preparation.schema()
    }
}
