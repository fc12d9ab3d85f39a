//! How a model uses its code, measured over samples, and what to do where the use is poor.
//!
//! A model counts for each of its units (a latent, an entry of a codebook) how much samples use it: whoever evaluates adds
//! these counts over all samples, and the model judges their means.

use serde::{Deserialize, Serialize};

/// A figure about the use of the code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnostic {
    /// What is measured, in words: `dead latents`.
    pub name: String,
    /// Its value; shares lie in `0..=1`.
    pub value: f64,
    /// Where the value is poor: what that means, and what to do, as one or two sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl Diagnostic {
    /// A figure without a warning.
    pub fn new(name: &str, value: f64) -> Self {
        Self { name: name.into(), value, warning: None }
    }

    /// The figure with a warning where `poor`.
    #[must_use]
    pub fn warn(self, poor: bool, warning: impl FnOnce() -> String) -> Self {
        Self { warning: poor.then(warning), ..self }
    }
}

/// A share of units from which on a model is poorly used: beyond it a fifth of the code is wasted.
pub const POOR: f64 = 0.2;
