//! The variational autoencoder.
//!
//! Kingma & Welling 2014, Auto-Encoding Variational Bayes: a normal posterior `q(z|x) = N(μ(x), σ²(x))` and the bound
//! `-log p(x) <= E_q[-log p(x|z)] + KL(q(z|x) || N(0, 1))`, with `z = μ + σ ε` sampled once for each sample and step.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::{Gaussian, Pressure};
use crate::bound::Bound;
use crate::composed::Composed;
use crate::config::{CodeSize, Deviation, FreeBits, Warmup, Widths};
use crate::network::mlp::Hidden;
use crate::network::symmetric;
use crate::variant::{About, Kind, Paper, Variant, check_sizes};
use crate::{DataSpec, Result};

/// Options of `vae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Vae {
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
    /// Share of the run over which the divergence's weight rises from 0 to 1.
    pub warmup: Warmup,
    /// Nats of each latent that cost nothing.
    pub free_bits: FreeBits,
    /// Fixed standard deviation of real features, in units of the data's own. Left out, it is learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<Deviation>,
}

impl Default for Vae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            warmup: Warmup::default(),
            free_bits: FreeBits::default(),
            deviation: None,
        }
    }
}

impl Vae {
    /// The same model under another pressure on the divergence.
    pub(super) fn build_under(&self, pressure: Pressure, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let layers = Hidden { activation: self.activation, dropout: 0.0, beside_path: self.skip };
        let bottleneck = Gaussian { code: self.code(), pressure, free_bits: *self.free_bits.get() };
        let networks = symmetric(data, self.widths.as_ref(), layers, bottleneck, scope)?;
        let deviation = self.deviation.as_ref().map(|deviation| *deviation.get());
        let bound = Bound::new(deviation, &data.likelihood, &scope.enter("likelihood"))?;
        Ok(Box::new(Composed::new(data, networks, bound, Augmentation::default(), scope)))
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
        check_sizes(Self::ABOUT.name, self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        self.build_under(Pressure::Weight { beta: 1.0, warmup: *self.warmup.get() }, data, scope)
    }
}
