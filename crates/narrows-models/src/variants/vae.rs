//! The variational autoencoder.
//!
//! Kingma & Welling 2014, Auto-Encoding Variational Bayes: a normal posterior `q(z|x) = N(μ(x), σ²(x))` and the bound
//! `-log p(x) <= E_q[-log p(x|z)] + KL(q(z|x) || N(0, 1))`, with `z = μ + σ ε` sampled once for each sample and step.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{CodeSize, FreeBits, Warmup};
use crate::variant::{About, Kind, Paper, Variant};
use crate::variational::{Elbo, Pressure, variational_options};
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

    fn code(&self) -> usize {
        *self.code.get()
    }

    fn set_code(&mut self, code: usize) -> Result<()> {
        self.code = CodeSize::new(code)?;
        Ok(())
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let pressure = Pressure::Weight { beta: 1.0, warmup: *self.warmup.get() };
        self.design().build(Elbo { pressure, free_bits: *self.free_bits.get() }, data, scope)
    }
}
