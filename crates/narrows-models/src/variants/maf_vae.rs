//! The variational autoencoder with a flow for a prior.
//!
//! Papamakarios, Pavlakou & Murray 2017, Masked Autoregressive Flow for Density Estimation: codes are measured by where a
//! flow takes them in the standard normal distribution, `u_j = (z_j - m_j(z_<j)) exp(-α_j(z_<j))`, and new ones come back
//! through it; the divergence is estimated from the one code of each sample.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{FlowSteps, Warmup, Widths};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Elbo, MaskedAutoregressive, Parts, Prior, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `maf-vae`.
    pub struct MafVae {
        /// Share of the run over which the divergence's weight rises from 0 to 1.
        pub warmup: Warmup = Warmup::constant(0.2),
        /// Steps of the flow.
        pub flow: FlowSteps = FlowSteps::constant(2),
        /// Widths of the hidden layers of each step.
        pub flow_widths: Widths = Widths::constant(vec![64]),
    }
}

impl Variant for MafVae {
    const ABOUT: About = About {
        name: "maf-vae",
        kind: Kind::Variational,
        title: "VAE with a masked autoregressive flow",
        summary: "A variational autoencoder whose prior is learned: what a flow makes of the standard normal distribution.",
        paper: Paper {
            authors: "Papamakarios, Pavlakou & Murray",
            year: 2017,
            title: "Masked Autoregressive Flow for Density Estimation",
        },
        formula: "minimise E_q[-log p(x|z) + log q(z|x) - log N(u(z); 0, 1) - log |∂u/∂z|], u_j = (z_j - m_j(z_<j)) exp(-α_j(z_<j))",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (design, code) = (self.design(), self.code());
        let (steps, widths) = (*self.flow.get(), self.flow_widths.get());
        let flow = MaskedAutoregressive::new(steps, code, widths, &scope.enter("prior"))?;
        let parts = Parts { prior: Prior::Flow(flow), ..design.parts(data, scope)? };
        Ok(design.assemble(parts, Elbo::warmed(*self.warmup.get()), data, scope))
    }
}
