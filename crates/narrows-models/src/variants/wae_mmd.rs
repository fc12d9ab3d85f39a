//! The Wasserstein autoencoder with a discrepancy of moments.
//!
//! Tolstikhin, Bousquet, Gelly & Schölkopf 2018, Wasserstein Auto-Encoders: codes are deterministic, and the maximum mean
//! discrepancy between all codes of a batch and the standard normal distribution is added to the reconstruction's loss.

use narrows_core::{Loss, StepContext, Trainable};
use narrows_tensor::{Activation, Key, Scope, Tensor, random};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::Identity;
use crate::composed::{Composed, Networks, Objective, Pass, Reconstruction};
use crate::config::{CodeSize, Weight, Widths};
use crate::network::mlp::Hidden;
use crate::network::symmetric;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::variational::{Kernel, discrepancy};
use crate::{DataSpec, Result};

/// Options of `wae-mmd`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct WaeMmd {
    /// Number of values in a code.
    pub code: CodeSize,
    /// Widths of the encoder's hidden layers, mirrored by the decoder. Left out, they halve from the number of features
    /// rounded up to a power of two (64 to 1024): up to three layers, none narrower than twice the code but the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
    /// Non-linearity of hidden layers.
    #[schemars(schema_with = "crate::config::activation::schema")]
    pub activation: Activation,
    /// Linear maps beside both networks, set to the principal components of the first training rows.
    pub skip: bool,
    /// Weight of the discrepancy between codes and the standard normal distribution.
    pub lambda: Weight,
}

impl Default for WaeMmd {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            lambda: Weight::constant(10.0),
        }
    }
}

impl Variant for WaeMmd {
    const ABOUT: About = About {
        name: "wae-mmd",
        kind: Kind::Variational,
        title: "Wasserstein autoencoder (MMD)",
        summary: "Codes as a whole follow a standard normal distribution, each is exact; samples are sharper than a VAE's.",
        paper: Paper {
            authors: "Tolstikhin, Bousquet, Gelly & Schölkopf",
            year: 2018,
            title: "Wasserstein Auto-Encoders",
        },
        formula: "minimise the mean over rows of sum_j w_j d(x_j, g(f(x))_j) + λ MMD(f(x), N(0, 1)), inverse multiquadratic kernels",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let layers = Hidden { activation: self.activation, dropout: 0.0, beside_path: self.skip };
        let bottleneck = Identity { code: self.code() };
        let networks = symmetric(data, self.widths.as_ref(), layers, bottleneck, scope)?;
        Ok(Box::new(Composed::new(
            data,
            networks,
            Wasserstein { lambda: *self.lambda.get() },
            Augmentation::default(),
            scope,
        )))
    }
}

/// The likelihood's loss and the discrepancy of the batch's codes.
struct Wasserstein {
    lambda: f64,
}

impl<B> Objective<B> for Wasserstein {
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, at: &StepContext) -> narrows_core::Result<Loss> {
        let z = pass.z;
        let prior = random::normal(&at.key.named("prior"), z.shape(), z.dtype(), z.device())?;
        let discrepancy = discrepancy(z, &prior, Kernel::InverseMultiquadratic)?;
        Ok(Reconstruction.loss(model, pass, at)?.with("mmd", discrepancy, self.lambda))
    }

    fn draw(&self, n: usize, code: usize, like: &Tensor, key: &Key) -> narrows_core::Result<Option<Tensor>> {
        Ok(Some(random::normal(key, (n, code), like.dtype(), like.device())?))
    }
}
