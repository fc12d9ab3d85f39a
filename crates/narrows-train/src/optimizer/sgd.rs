//! Stochastic gradient descent with momentum, and Nesterov's variant of it (Sutskever et al. 2013).
//!
//! With gradient `g`, rate `η`, momentum `μ` and decay `λ`, which is an L2 penalty here, as in PyTorch:
//! ```text
//! b ← μ b + g + λ θ        d = g + λ θ + μ b  (Nesterov)  or  b        θ ← θ - η d
//! ```

use std::collections::BTreeMap;

use candle_core::Tensor;
use narrows_tensor::{Gradients, Parameters, update};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Optimizer, Update, decay_of, restore_moments, state_of, zeros_like};
use crate::{NonNegative, Result, Share};

/// Constants of [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// Share of the last update that is kept; 0 for plain gradient descent.
    pub momentum: Share,
    /// Whether the gradient counts as if taken after the momentum's move.
    pub nesterov: bool,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { momentum: Share::constant(0.9), nesterov: false }
    }
}

/// Stochastic gradient descent.
#[derive(Debug)]
pub struct Sgd {
    config: SgdConfig,
    decay: NonNegative,
    velocity: Moment,
}

impl Sgd {
    /// The optimizer of `parameters`, at rest.
    ///
    /// # Errors
    /// Candle cannot make the velocities.
    pub fn new(config: SgdConfig, decay: NonNegative, parameters: &Parameters) -> Result<Self> {
        Ok(Self { config, decay, velocity: zeros_like(parameters)? })
    }
}

impl Optimizer for Sgd {
    fn update(&mut self, parameters: &Parameters, gradients: &Gradients, at: Update) -> Result<()> {
        for (name, theta) in parameters.trained() {
            let (Some(g), Some(b)) = (gradients.get(name), self.velocity.get(name)) else { continue };
            let step = update::Sgd {
                rate: at.rate,
                momentum: self.config.momentum.get(),
                nesterov: self.config.nesterov,
                decay: decay_of(theta, self.decay),
                scale: at.scale,
            };
            update::sgd(theta, g, Some(b), step)?;
        }
        Ok(())
    }

    fn state(&self) -> BTreeMap<String, Tensor> {
        state_of(&[("velocity", &self.velocity)])
    }

    fn restore(&mut self, stored: &BTreeMap<String, Tensor>, origin: &str) -> Result<()> {
        restore_moments(&[("velocity", &self.velocity)], stored, origin)
    }
}
