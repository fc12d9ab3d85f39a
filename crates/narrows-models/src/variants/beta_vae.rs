//! The variational autoencoder under a chosen pressure on its code.
//!
//! Higgins et al. 2017, beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework:
//! `E_q[-log p(x|z)] + β KL`. With `capacity`, the form of Burgess et al. 2018, Understanding disentangling in β-VAE:
//! `E_q[-log p(x|z)] + β |KL - C(t)|`, where C rises from 0 to the capacity over the run.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{FreeBits, Warmup, Weight};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Elbo, Pressure, variational_options};
use crate::{DataSpec, Error, Result};

variational_options! {
    /// Options of `beta-vae`.
    pub struct BetaVae {
        /// Weight of the divergence, or of its distance to the capacity.
        pub beta: Weight = Weight::constant(4.0),
        /// Nats that the code is to hold at the end of the run. Left out, the divergence itself is weighted.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub capacity: Option<Weight> = None,
        /// Share of the run over which the divergence's weight rises from 0 to its value; without a meaning for a
        /// capacity.
        pub warmup: Warmup = Warmup::default(),
        /// Nats of each latent that cost nothing.
        pub free_bits: FreeBits = FreeBits::default(),
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

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        if self.capacity.is_some() && self.warmup != Warmup::default() {
            return Err(Error::Misfit {
                model: Self::ABOUT.name,
                option: "warmup",
                value: self.warmup.get().to_string(),
                reason: "a capacity rises by itself over the run".into(),
                remedy: "leave out warmup or capacity".into(),
            });
        }
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let pressure = match &self.capacity {
            None => Pressure::Weight { beta: *self.beta.get(), warmup: *self.warmup.get() },
            Some(capacity) => Pressure::Capacity { gamma: *self.beta.get(), capacity: *capacity.get() },
        };
        self.design().build(Elbo { pressure, free_bits: *self.free_bits.get() }, data, scope)
    }
}
