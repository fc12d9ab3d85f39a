//! Scores of held-out rows, and which rows these were.

use narrows_eval::threshold::Conformal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What thresholds and p-values are made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The part of the split that the rows belong to. Nothing was fitted on them or chosen by them.
    pub split: String,
    /// How many there are.
    pub rows: usize,
    /// SHA-256 of their prepared features, in file order.
    pub sha256: String,
    /// Their scores.
    pub scores: Conformal,
}

/// The digest of prepared rows while they pass.
#[derive(Default)]
pub(super) struct RowDigest(Sha256);

impl RowDigest {
    pub(super) fn add(&mut self, features: &[f32]) {
        for value in features {
            self.0.update(value.to_le_bytes());
        }
    }

    pub(super) fn finish(self) -> String {
        crate::digest::hex(&self.0.finalize())
    }
}
