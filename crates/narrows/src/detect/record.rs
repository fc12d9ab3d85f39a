//! What a model file's document says of a detector.

use narrows_eval::scorer::UsualSizes;
use serde::{Deserialize, Serialize};

use super::DetectConfig;
use super::calibration::Calibration;
use super::surprise::Usual;

/// What the document says of a detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its options.
    pub config: DetectConfig,
    /// The sizes of each part over training rows.
    pub usual: Vec<UsualSizes>,
    /// What each value that no training row had adds to a score: the largest score of a training row.
    #[serde(default = "usual_unseen")]
    pub unseen: f64,
    /// For each feature of a row the variance of its residual over training rows, where the score is the deviance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residual_variances: Vec<f32>,
    /// Where the bounds of training rows lie, where the score is the bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_nats: Option<Usual>,
    /// Held-out scores; none where no rows were held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl Record {
    /// Of a detector that nothing was fitted for yet.
    pub(super) fn new(config: DetectConfig) -> Self {
        let usual = vec![UsualSizes::of(&[]); config.parts().len()];
        Self { config, usual, unseen: 0.0, residual_variances: Vec::new(), usual_nats: None, calibration: None }
    }
}

/// What models of before say of unseen values.
fn usual_unseen() -> f64 {
    10.0
}
