//! The variational autoencoder with a flow behind its posterior.
//!
//! Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling 2016, Improving Variational Inference with Inverse Autoregressive
//! Flow: `z_0 = μ + σ ε`, then `z_t = g z_{t-1} + (1 - g) m` with gates and shifts of latent j from the latents before it and
//! from what the encoder says; the divergence is estimated from the one code of each sample.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{FlowSteps, Warmup, Widths};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Elbo, Inference, InverseAutoregressive, Parts, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `iaf-vae`.
    pub struct IafVae {
        /// Share of the run over which the divergence's weight rises from 0 to 1.
        pub warmup: Warmup = Warmup::constant(0.2),
        /// Steps of the flow.
        pub flow: FlowSteps = FlowSteps::constant(2),
        /// Widths of the hidden layers of each step.
        pub flow_widths: Widths = Widths::constant(vec![64]),
    }
}

impl Variant for IafVae {
    const ABOUT: About = About {
        name: "iaf-vae",
        kind: Kind::Variational,
        title: "VAE with an inverse autoregressive flow",
        summary: "A variational autoencoder whose posteriors take any shape, by a flow behind the normal distribution.",
        paper: Paper {
            authors: "Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling",
            year: 2016,
            title: "Improving Variational Inference with Inverse Autoregressive Flow",
        },
        formula: "minimise E[-log p(x|z_T) + log q(z_0|x) - Σ_t log |∂z_t/∂z_{t-1}| - log N(z_T; 0, 1)], z_t = g z_{t-1} + (1 - g) m",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (design, code) = (self.design(), self.code());
        let (steps, widths) = (*self.flow.get(), self.flow_widths.get());
        let flow = InverseAutoregressive::new(steps, code, 2 * code, widths, &scope.enter("flow"))?;
        let parts = Parts { inference: Inference::Flow(flow), ..design.parts(data, scope)? };
        Ok(design.assemble(parts, Elbo::warmed(*self.warmup.get()), data, scope))
    }
}
