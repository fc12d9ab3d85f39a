//! The variational autoencoder with two levels of latents.
//!
//! Sønderby, Raiko, Maaløe, Sønderby & Winther 2016, Ladder Variational Autoencoders: `p(w) p(z|w) p(x|z)`, where the
//! posterior of the lower latents z unites what the encoder says of them with what the upper ones w lead to expect. The code
//! is z; new samples are drawn from w down.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{CodeSize, Warmup, Widths};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Elbo, Inference, Ladder, Parts, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `ladder-vae`.
    pub struct LadderVae {
        /// Share of the run over which the divergence's weight rises from 0 to 1.
        pub warmup: Warmup = Warmup::constant(0.2),
        /// Upper latents; half as many as the code has where left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub top: Option<CodeSize> = None,
        /// Widths of the hidden layers between both levels, upwards.
        pub top_widths: Widths = Widths::constant(vec![64]),
    }
}

impl Variant for LadderVae {
    const ABOUT: About = About {
        name: "ladder-vae",
        kind: Kind::Variational,
        title: "Ladder variational autoencoder",
        summary: "Two levels of latents: a few upper ones say where the codes of a sample are likely to be.",
        paper: Paper {
            authors: "Sønderby, Raiko, Maaløe, Sønderby & Winther",
            year: 2016,
            title: "Ladder Variational Autoencoders",
        },
        formula: "minimise E_q[-log p(x|z)] + KL(q(w|x) || N(0, 1)) + E[KL(q(z|x, w) || p(z|w))], q(z|x, w) ∝ N(μ(x), σ²(x)) p(z|w)",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (design, code) = (self.design(), self.code());
        let top = self.top.as_ref().map_or(code.div_ceil(2), |top| *top.get());
        let ladder = Ladder::new(code, top, self.top_widths.get(), self.activation, &scope.enter("ladder"))?;
        let parts = Parts { inference: Inference::Ladder(ladder), ..design.parts(data, scope)? };
        Ok(design.assemble(parts, Elbo::warmed(*self.warmup.get()), data, scope))
    }
}
