//! The options of a flow of codes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FlowSteps, Widths};

/// A flow of codes, for `narrows generate --sampler flow`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct FlowConfig {
    /// Invertible steps, one behind the other.
    pub steps: FlowSteps,
    /// Hidden widths of each step's network.
    pub widths: Widths,
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self { steps: FlowSteps::constant(4), widths: Widths::constant(vec![64]) }
    }
}
