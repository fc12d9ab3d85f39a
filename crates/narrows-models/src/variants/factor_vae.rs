//! The variational autoencoder with a discriminator of its total correlation.
//!
//! Kim & Mnih 2018, Disentangling by Factorising: a discriminator learns to tell codes from codes whose latents are shuffled
//! over the batch, each on its own; its log-odds estimate the total correlation, which the model is pressed to lower.

use narrows_core::{Dims, Trainable};
use narrows_tensor::Scope;

use crate::config::{Warmup, Weight, Widths};
use crate::network::Mlp;
use crate::network::mlp::Hidden;
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{DensityRatio, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `factor-vae`.
    pub struct FactorVae {
        /// Weight of the total correlation.
        pub gamma: Weight = Weight::constant(6.0),
        /// Widths of the discriminator's hidden layers.
        pub discriminator: Widths = Widths::constant(vec![256; 3]),
        /// Share of the run over which the divergence's weight rises from 0.
        pub warmup: Warmup = Warmup::default(),
    }
}

impl Variant for FactorVae {
    const ABOUT: About = About {
        name: "factor-vae",
        kind: Kind::Variational,
        title: "FactorVAE",
        summary: "A variational autoencoder and a discriminator that tells whether its latents are independent.",
        paper: Paper { authors: "Kim & Mnih", year: 2018, title: "Disentangling by Factorising" },
        formula: "model: minimise E_q[-log p(x|z)] + KL + γ E[log D(z) / (1 - D(z))]; discriminator: minimise -½ E[log D(z)] - ½ E[log(1 - D(shuffled z))]",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let layers = Hidden { activation: self.activation, dropout: 0.0, beside_path: false };
        let (code, logit) = (Dims::new([self.code()]), Dims::new([1]));
        let scope_of = scope.enter("discriminator");
        let objective = DensityRatio {
            gamma: *self.gamma.get(),
            warmup: *self.warmup.get(),
            discriminator: Mlp::new(&code, self.discriminator.get(), &logit, layers, &scope_of)?,
        };
        self.design().build(objective, data, scope)
    }
}
