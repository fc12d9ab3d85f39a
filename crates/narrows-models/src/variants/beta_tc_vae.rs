//! The variational autoencoder under pressure on its total correlation.
//!
//! Chen, Li, Grosse & Duvenaud 2018, Isolating Sources of Disentanglement in Variational Autoencoders: the divergence is
//! the information between sample and code, plus the total correlation of the latents, plus the divergence of each latent;
//! pressure on the total correlation alone separates factors without losing information.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{Warmup, Weight};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{TotalCorrelation, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `beta-tc-vae`.
    pub struct BetaTcVae {
        /// Weight of the total correlation.
        pub beta: Weight = Weight::constant(6.0),
        /// Weight of the information between samples and codes.
        pub alpha: Weight = Weight::constant(1.0),
        /// Weight of the divergence of each latent from the prior.
        pub gamma: Weight = Weight::constant(1.0),
        /// Share of the run over which the weights rise from 0.
        pub warmup: Warmup = Warmup::default(),
    }
}

impl Variant for BetaTcVae {
    const ABOUT: About = About {
        name: "beta-tc-vae",
        kind: Kind::Variational,
        title: "β-TCVAE",
        summary: "A variational autoencoder whose latents are pressed to be independent, which separates factors of the data.",
        paper: Paper {
            authors: "Chen, Li, Grosse & Duvenaud",
            year: 2018,
            title: "Isolating Sources of Disentanglement in Variational Autoencoders",
        },
        formula: "minimise the mean over samples of E_q[-log p(x|z)] + α I(z; x) + β TC(z) + γ Σ_j KL(q(z_j) || p(z_j))",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let objective = TotalCorrelation {
            information: *self.alpha.get(),
            correlation: *self.beta.get(),
            by_latent: *self.gamma.get(),
            rows: data.rows,
            warmup: *self.warmup.get(),
        };
        self.design().build(objective, data, scope)
    }
}
