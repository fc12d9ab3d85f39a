//! The variational autoencoder with an adversary.
//!
//! Larsen, Sønderby, Larochelle & Winther 2016, Autoencoding beyond pixels using a learned similarity metric: a discriminator
//! learns to tell samples from reconstructions and from draws of the prior; its last hidden layer is what reconstructions
//! are compared in, and the decoder learns to deceive it.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};

use crate::adversary::Adversary;
use crate::config::{Noise, Warmup, Weight, Widths};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Adversarial, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `vae-gan`.
    pub struct VaeGan {
        /// Widths of the discriminator's hidden layers; the last one is what reconstructions are compared in.
        pub discriminator: Widths = Widths::constant(vec![256, 64]),
        /// Deviation of the noise under which the discriminator sees samples of unit scale; without any it soon wins.
        pub noise: Noise = Noise::constant(0.5),
        /// Weight of deceiving the discriminator.
        pub adversary: Weight = Weight::constant(1.0),
        /// Weight of the similarity of reconstructions to their samples, as the discriminator sees both.
        pub similarity: Weight = Weight::constant(1.0),
        /// Weight of the evidence lower bound, per value of a sample, which keeps reconstructions faithful.
        pub bound: Weight = Weight::constant(10.0),
        /// Share of the run over which the divergence's weight rises from 0 to 1.
        pub warmup: Warmup = Warmup::default(),
    }
}

impl Variant for VaeGan {
    const ABOUT: About = About {
        name: "vae-gan",
        kind: Kind::Adversarial,
        title: "VAE-GAN",
        summary: "A variational autoencoder that compares samples as a discriminator sees them, and learns to deceive it.",
        paper: Paper {
            authors: "Larsen, Sønderby, Larochelle & Winther",
            year: 2016,
            title: "Autoencoding beyond pixels using a learned similarity metric",
        },
        formula: "encoder: γ S + β (KL - log p(x|z)), S = ½ mean (F(x) - F(x̃))²; decoder: γ S - β log p(x|z) - α (log D(x̃) + log D(x_p)); discriminator: -log D(x) - ½ log(1 - D(x̃)) - ½ log(1 - D(x_p)), F the last hidden layer of D",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let widths = self.discriminator.get();
        let objective = Adversarial {
            discriminator: Adversary::new(&data.sample, widths, Activation::Tanh, &scope.enter("discriminator"))?,
            noise: *self.noise.get(),
            adversary: *self.adversary.get(),
            similarity: *self.similarity.get(),
            bound: *self.bound.get(),
            warmup: *self.warmup.get(),
        };
        self.design().build(objective, data, scope)
    }
}
