//! The sparse autoencoder with an L1 penalty.
//!
//! Bricken et al. 2023, Towards Monosemanticity: `f = relu(W (u - c) + b)`, `x̂ = Σ f_i d_i + c`, minimising
//! `|x - x̂|² + λ Σ_i f_i` over directions `d_i` of length 1.

use candle_core::Tensor;
use narrows_core::{Loss, Trainable};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{CodeSize, Samples, Warmup, Weight};
use crate::sparse::options::{active, dead_after, default_latents};
use crate::sparse::{Code, Coded, Dictionary, Parts, Pass, Pressure, Rule, SparseAutoencoder};
use crate::variant::{About, Kind, Paper, Variant, check_likelihood, code_size};
use crate::{DataSpec, Result};

/// Options of `l1-sae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct L1Sae {
    /// Number of latents; may be larger than the number of features.
    pub code: CodeSize,
    /// Weight of the sum of activations, where samples have length 1.
    pub sparsity: Weight,
    /// Share of the run over which the weight rises from 0.
    pub warmup: Warmup,
    /// Samples without activity after which a latent counts as dead. Left out, 256 times the latents divided by 32, or by an
    /// eighth of a small code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_after: Option<Samples>,
}

impl Default for L1Sae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            sparsity: Weight::constant(0.1),
            warmup: Warmup::constant(0.05),
            dead_after: None,
        }
    }
}

impl L1Sae {
    /// What a sparse autoencoder with `latents` of which no fixed number is active is made of.
    pub(super) fn parts(latents: usize, samples: Option<&Samples>) -> Parts {
        Parts {
            latents,
            prefixes: vec![latents],
            active: None,
            revival: None,
            dead_after: dead_after(samples, latents, active(None, latents)),
            encoder_length: 1.0,
            remedy: "Choose a smaller code or a smaller sparsity, train for longer, or use `top-k`, which revives them.",
        }
    }
}

impl Variant for L1Sae {
    const ABOUT: About = About {
        name: "l1-sae",
        kind: Kind::Sparse,
        title: "Sparse autoencoder with an L1 penalty",
        summary: "A sample is a sum of few directions because every activation costs in proportion to its size.",
        paper: Paper {
            authors: "Bricken et al.",
            year: 2023,
            title: "Towards Monosemanticity: Decomposing Language Models With Dictionary Learning",
        },
        formula: "f = relu(W (u - c) + b), x̂ = sum_i f_i d_i + c, minimise |x - x̂|² + λ sum_i f_i",
    };

    code_size!();

    fn default_code(&self, data: &DataSpec) -> usize {
        default_latents(data)
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_likelihood(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let pressure = Pressure { weight: *self.sparsity.get(), warmup: *self.warmup.get() };
        let length = (data.features() as f64).sqrt();
        let parts = Self::parts(self.code(), self.dead_after.as_ref());
        Ok(Box::new(SparseAutoencoder::new(data, parts, |_| Ok(Positive { pressure, length }), scope)?))
    }
}

/// All latents that the encoder finds positive.
#[derive(Clone, Copy, Debug)]
struct Positive {
    pressure: Pressure,
    /// Length of a typical sample as networks see it.
    length: f64,
}

impl Positive {
    fn values(dictionary: &Dictionary, centred: &Tensor) -> narrows_core::Result<Tensor> {
        Ok(linear(centred, &dictionary.encoder, Some(&dictionary.bias), Activation::Relu)?)
    }
}

impl Rule for Positive {
    fn infer(&self, dictionary: &Dictionary, centred: &Tensor) -> narrows_core::Result<Code> {
        Self::values(dictionary, centred).map(Code::All)
    }

    fn train(&self, pass: &Pass<'_>) -> narrows_core::Result<Coded> {
        let values = Self::values(pass.dictionary, pass.centred)?;
        let weight = self.pressure.at(pass.at) * self.length * pass.unit;
        let terms = Loss::default().with("sparsity", values.sum(1)?, weight);
        Ok(Coded { terms, ..Code::All(values).into() })
    }
}
