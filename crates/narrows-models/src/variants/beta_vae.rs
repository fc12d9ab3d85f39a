//! The variational autoencoder under a chosen pressure on its code.
//!
//! Higgins et al. 2017, beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework:
//! `E_q[-log p(x|z)] + β KL`. With `capacity`, the form of Burgess et al. 2018, Understanding disentangling in β-VAE:
//! `E_q[-log p(x|z)] + β |KL - C(t)|`, where C rises from 0 to the capacity over the run.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::vae::Vae;
use crate::bottleneck::Pressure;
use crate::config::{CodeSize, Deviation, FreeBits, Warmup, Weight, Widths};
use crate::variant::{About, Kind, Paper, Variant, check_sizes};
use crate::{DataSpec, Result};

/// Options of `beta-vae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct BetaVae {
    /// Number of values in a code.
    pub code: CodeSize,
    /// Widths of the encoder's hidden layers, mirrored by the decoder. Left out, they halve from the number of features
    /// rounded up to a power of two (64 to 1024): up to three layers, none narrower than twice the code but the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
    /// Non-linearity of hidden layers.
    #[schemars(schema_with = "crate::config::activation::schema")]
    pub activation: Activation,
    /// Linear maps beside both networks, set to the principal components of the first training rows.
    pub skip: bool,
    /// Weight of the divergence, or of its distance to the capacity.
    pub beta: Weight,
    /// Nats that the code is to hold at the end of the run. Left out, the divergence itself is weighted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Weight>,
    /// Share of the run over which the divergence's weight rises from 0 to its value; without a meaning for a capacity.
    pub warmup: Warmup,
    /// Nats of each latent that cost nothing.
    pub free_bits: FreeBits,
    /// Fixed standard deviation of real features, in units of the data's own. Left out, it is learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<Deviation>,
}

impl Default for BetaVae {
    fn default() -> Self {
        let Vae { code, widths, activation, skip, warmup, free_bits, deviation } = Vae::default();
        let beta = Weight::constant(4.0);
        Self { code, widths, activation, skip, beta, capacity: None, warmup, free_bits, deviation }
    }
}

impl Variant for BetaVae {
    const ABOUT: About = About {
        name: "beta-vae",
        kind: Kind::Variational,
        title: "β-VAE",
        summary: "A variational autoencoder whose code is under chosen pressure, which tends to separate factors.",
        paper: Paper {
            authors: "Higgins et al.",
            year: 2017,
            title: "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework",
        },
        formula: "minimise the mean over samples of E_q[-log p(x|z)] + β KL, or with a capacity E_q[-log p(x|z)] + β |KL - C(t)|",
    };

    fn code(&self) -> usize {
        *self.code.get()
    }

    fn set_code(&mut self, code: usize) -> Result<()> {
        self.code = CodeSize::new(code)?;
        Ok(())
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let pressure = match &self.capacity {
            None => Pressure::Weight { beta: *self.beta.get(), warmup: *self.warmup.get() },
            Some(capacity) => Pressure::Capacity { gamma: *self.beta.get(), capacity: *capacity.get() },
        };
        let vae = Vae {
            code: self.code.clone(),
            widths: self.widths.clone(),
            activation: self.activation,
            skip: self.skip,
            warmup: self.warmup.clone(),
            free_bits: self.free_bits.clone(),
            deviation: self.deviation.clone(),
        };
        vae.build_under(pressure, data, scope)
    }
}
