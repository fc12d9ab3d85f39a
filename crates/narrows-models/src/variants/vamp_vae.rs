//! The variational autoencoder whose prior is a mixture of its own posteriors.
//!
//! Tomczak & Welling 2018, VAE with a VampPrior: `p(z) = 1/K Σ_k q(z|u_k)` with K inputs `u_k` that are learned with the
//! networks; the divergence is estimated from the one code of each sample, `log q(z|x) - log p(z)`.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{Entries, Warmup};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Elbo, Parts, Prior, PseudoInputs, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `vamp-vae`.
    pub struct VampVae {
        /// Share of the run over which the divergence's weight rises from 0 to 1.
        pub warmup: Warmup = Warmup::default(),
        /// Learned inputs whose posteriors make up the prior; they start as training rows.
        pub inputs: Entries = Entries::constant(64),
    }
}

impl Variant for VampVae {
    const ABOUT: About = About {
        name: "vamp-vae",
        kind: Kind::Variational,
        title: "VAE with a VampPrior",
        summary: "A variational autoencoder whose prior is learned: a mixture of the codes of learned inputs.",
        paper: Paper { authors: "Tomczak & Welling", year: 2018, title: "VAE with a VampPrior" },
        formula: "minimise the mean over samples of E_q[-log p(x|z) + log q(z|x) - log p(z)], p(z) = 1/K Σ_k q(z|u_k)",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let design = self.design();
        let inputs = PseudoInputs::new(*self.inputs.get(), &data.sample, &scope.enter("prior"))?;
        let parts = Parts { prior: Prior::Posteriors(inputs), ..design.parts(data, scope)? };
        Ok(design.assemble(parts, Elbo::warmed(*self.warmup.get()), data, scope))
    }
}
