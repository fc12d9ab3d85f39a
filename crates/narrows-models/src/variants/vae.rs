//! The variational autoencoder.
//!
//! Kingma & Welling 2014, Auto-Encoding Variational Bayes: a normal posterior `q(z|x) = N(μ(x), σ²(x))` and the bound
//! `-log p(x) <= E_q[-log p(x|z)] + KL(q(z|x) || N(0, 1))`, with `z = μ + σ ε` sampled once for each sample and step.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{FreeBits, Warmup};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Elbo, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `vae`.
    pub struct Vae {
        /// Share of the run over which the divergence's weight rises from 0 to 1.
        pub warmup: Warmup = Warmup::default(),
        /// Nats of each latent that cost nothing.
        pub free_bits: FreeBits = FreeBits::default(),
    }
}

impl Variant for Vae {
    const ABOUT: About = About {
        name: "vae",
        kind: Kind::Variational,
        title: "Variational autoencoder",
        summary: "Codes are distributions close to a standard normal one, so that new samples can be drawn.",
        paper: Paper { authors: "Kingma & Welling", year: 2014, title: "Auto-Encoding Variational Bayes" },
        formula: "minimise the mean over samples of E_q[-log p(x|z)] + KL(N(μ(x), σ²(x)) || N(0, 1)), z = μ + σ ε",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let objective = Elbo { free_bits: *self.free_bits.get(), ..Elbo::warmed(*self.warmup.get()) };
        self.design().build(objective, data, scope)
    }
}
