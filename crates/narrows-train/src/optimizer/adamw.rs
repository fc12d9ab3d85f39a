//! Adam with decoupled weight decay (Kingma & Ba 2015; Loshchilov & Hutter 2019).
//!
//! With gradient `g`, rate `η`, decay `λ` and `t = step + 1`:
//! ```text
//! m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
//! θ ← (1 - η λ) θ - η / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)
//! ```

use std::collections::BTreeMap;

use candle_core::Tensor;
use narrows_tensor::{Gradients, Parameters};
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
        let (beta1, beta2) = (self.config.beta1.get(), self.config.beta2.get());
        let t = (at.step + 1) as f64;
        let (correction1, correction2) = (1.0 - beta1.powf(t), 1.0 - beta2.powf(t));
        for (name, theta) in parameters.trained() {
            let (Some(g), Some(m), Some(v)) = (gradients.get(name), self.first.get(name), self.second.get(name)) else {
                continue;
            };
            let g = g.affine(at.scale, 0.0)?;
            m.set(&(m.affine(beta1, 0.0)? + g.affine(1.0 - beta1, 0.0)?)?)?;
            v.set(&(v.affine(beta2, 0.0)? + g.sqr()?.affine(1.0 - beta2, 0.0)?)?)?;
            let root = (v.sqrt()? / correction2.sqrt())?.affine(1.0, self.config.epsilon.get())?;
            let kept = theta.affine(1.0 - at.rate * decay_of(theta, self.decay), 0.0)?;
            theta.set(&(kept - (m.as_tensor() / root)?.affine(at.rate / correction1, 0.0)?)?)?;
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
