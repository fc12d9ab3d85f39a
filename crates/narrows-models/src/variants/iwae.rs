//! The importance-weighted autoencoder.
//!
//! Burda, Grosse & Salakhutdinov 2016, Importance Weighted Autoencoders: the variational autoencoder under the tighter
//! bound `-log p(x) <= E[-log 1/k Σ_i p(x, z_i) / q(z_i|x)]` with k codes `z_i ~ q(z|x)` for each sample and step.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::Draws;
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{ImportanceWeighted, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `iwae`.
    pub struct Iwae {
        /// Codes drawn for each sample and step; the bound is tighter and a step costlier with more.
        pub draws: Draws = Draws::constant(5),
    }
}

impl Variant for Iwae {
    const ABOUT: About = About {
        name: "iwae",
        kind: Kind::Variational,
        title: "Importance-weighted autoencoder",
        summary: "A variational autoencoder under a tighter bound on the likelihood, from several codes for each sample.",
        paper: Paper {
            authors: "Burda, Grosse & Salakhutdinov",
            year: 2016,
            title: "Importance Weighted Autoencoders",
        },
        formula: "minimise the mean over samples of -log 1/k Σ_i p(x|z_i) p(z_i) / q(z_i|x), z_i = μ + σ ε_i",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        self.design().build(ImportanceWeighted { samples: *self.draws.get() }, data, scope)
    }
}
