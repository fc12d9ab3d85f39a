//! Adam with decoupled weight decay (Kingma & Ba 2015; Loshchilov & Hutter 2019).
//!
//! With gradient `g`, rate `η`, decay `λ` and `t = step + 1`:
//! ```text
//! m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
//! θ ← (1 - η λ) θ - η / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)
//! ```

use std::collections::BTreeMap;

use candle_core::Tensor;
use narrows_tensor::{Gradients, Parameters, update};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Optimizer, Update, decay_of, restore_moments, state_of, zeros_like};
use crate::{NonNegative, Positive, Result, Share};

/// Constants of [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// Decay of the mean of gradients.
    pub beta1: Share,
    /// Decay of the mean of squared gradients.
    pub beta2: Share,
    /// Added to the root of the second moment.
    pub epsilon: Positive,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { beta1: Share::constant(0.9), beta2: Share::constant(0.999), epsilon: Positive::constant(1e-8) }
    }
}

/// Adam with decoupled weight decay.
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    decay: NonNegative,
    first: Moment,
    second: Moment,
}

impl AdamW {
    /// The optimizer of `parameters`, with moments at zero.
    ///
    /// # Errors
    /// Candle cannot make the moments.
    pub fn new(config: AdamWConfig, decay: NonNegative, parameters: &Parameters) -> Result<Self> {
        Ok(Self { config, decay, first: zeros_like(parameters)?, second: zeros_like(parameters)? })
    }
}

impl Optimizer for AdamW {
    fn update(&mut self, parameters: &Parameters, gradients: &Gradients, at: Update) -> Result<()> {
        for (name, theta) in parameters.trained() {
            let (Some(g), Some(m), Some(v)) = (gradients.get(name), self.first.get(name), self.second.get(name)) else {
                continue;
            };
            let step = update::AdamW {
                rate: at.rate,
                beta1: self.config.beta1.get(),
                beta2: self.config.beta2.get(),
                eps: self.config.epsilon.get(),
                decay: decay_of(theta, self.decay),
                step: at.step + 1,
                scale: at.scale,
            };
            update::adamw(theta, g, (m, v), step)?;
        }
        Ok(())
    }

    fn state(&self) -> BTreeMap<String, Tensor> {
        state_of(&[("first", &self.first), ("second", &self.second)])
    }

    fn restore(&mut self, stored: &BTreeMap<String, Tensor>, origin: &str) -> Result<()> {
        restore_moments(&[("first", &self.first), ("second", &self.second)], stored, origin)
    }
}
