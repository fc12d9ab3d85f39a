//! The variational autoencoder with a discrepancy of its codes as a whole.
//!
//! Zhao, Song & Ermon 2017, InfoVAE: Balancing Learning and Inference in Variational Autoencoders: the divergence of each
//! code is replaced, in part or whole, by the maximum mean discrepancy between all codes and the prior, so that a strong
//! decoder does not make codes useless.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{Share, Weight};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Discrepancy, Kernel, variational_options};
use crate::{DataSpec, Error, Result};

variational_options! {
    /// Options of `info-vae`.
    pub struct InfoVae {
        /// Weight of the information between samples and codes; the divergence of each code counts by 1 - alpha.
        pub alpha: Share = Share::constant(0.5),
        /// Weight of the divergence of all codes together; the discrepancy counts by alpha + lambda - 1.
        pub lambda: Weight = Weight::constant(10.0),
    }
}

impl Variant for InfoVae {
    const ABOUT: About = About {
        name: "info-vae",
        kind: Kind::Variational,
        title: "InfoVAE",
        summary: "A variational autoencoder whose codes as a whole match the prior, while each code keeps its information.",
        paper: Paper {
            authors: "Zhao, Song & Ermon",
            year: 2017,
            title: "InfoVAE: Balancing Learning and Inference in Variational Autoencoders",
        },
        formula: "minimise E_q[-log p(x|z)] + (1 - α) KL(q(z|x) || p(z)) + (α + λ - 1) MMD(q(z), p(z)), Gaussian kernel",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        let (alpha, lambda) = (*self.alpha.get(), *self.lambda.get());
        if alpha + lambda < 1.0 {
            return Err(Error::Misfit {
                model: Self::ABOUT.name,
                option: "lambda",
                value: lambda.to_string(),
                reason: format!("with alpha = {alpha} the discrepancy would count by less than 0"),
                remedy: format!("choose lambda of at least {}", 1.0 - alpha),
            });
        }
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (information, prior) = (*self.alpha.get(), *self.lambda.get());
        self.design().build(Discrepancy { information, prior, kernel: Kernel::Gaussian }, data, scope)
    }
}
