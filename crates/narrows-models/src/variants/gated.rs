//! The gated sparse autoencoder.
//!
//! Rajamanoharan et al. 2024, Improving Dictionary Learning with Gated Sparse Autoencoders: with `e = W (u - c)`, gates
//! `π = e + b` decide which latents are active and magnitudes `relu(exp(r) e + b')` how much, `f = H(π) relu(exp(r) e + b')`.
//! Minimises `|x - x̂|² + λ Σ_i relu(π_i) + |x - x̂'|²`, where `x̂'` is decoded from `relu(π)` with the decoder held fixed, so
//! that gates learn.

use candle_core::Tensor;
use narrows_core::{Loss, Trainable};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::{Activation, Init, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::l1_sae::L1Sae;
use crate::config::{CodeSize, Samples, Warmup, Weight};
use crate::sparse::options::default_latents;
use crate::sparse::{Code, Coded, Dictionary, Pass, Pressure, Rule, SparseAutoencoder};
use crate::variant::{About, Kind, Paper, Variant, check_likelihood, code_size};
use crate::{DataSpec, Result};

/// Options of `gated`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Gated {
    /// Number of latents; may be larger than the number of features.
    pub code: CodeSize,
    /// Weight of the sum of open gates, where samples have length 1.
    pub sparsity: Weight,
    /// Share of the run over which the weight rises from 0.
    pub warmup: Warmup,
    /// Samples without activity after which a latent counts as dead. Left out, 256 times the latents divided by 32, or by an
    /// eighth of a small code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_after: Option<Samples>,
}

impl Default for Gated {
    fn default() -> Self {
        let L1Sae { code, sparsity, warmup, dead_after } = L1Sae::default();
        Self { code, sparsity, warmup, dead_after }
    }
}

impl Variant for Gated {
    const ABOUT: About = About {
        name: "gated",
        kind: Kind::Sparse,
        title: "Gated sparse autoencoder",
        summary: "Gates decide which directions a sample uses, magnitudes how much, so that sparsity does not shrink them.",
        paper: Paper {
            authors: "Rajamanoharan et al.",
            year: 2024,
            title: "Improving Dictionary Learning with Gated Sparse Autoencoders",
        },
        formula: "e = W (u - c), π = e + b, f = H(π) relu(exp(r) e + b'), minimise |x - x̂|² + λ sum_i relu(π_i) + |x - x̂'|²",
    };

    code_size!();

    fn default_code(&self, data: &DataSpec) -> usize {
        default_latents(data)
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_likelihood(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let latents = self.code();
        let rule = |scope: &Scope| {
            let inside = scope.enter("magnitude");
            Ok(Gates {
                scale: inside.parameter("scale", latents, Init::Constant(0.0))?,
                bias: inside.parameter("bias", latents, Init::Constant(0.0))?,
                pressure: Pressure { weight: *self.sparsity.get(), warmup: *self.warmup.get() },
                length: (data.features() as f64).sqrt(),
            })
        };
        let parts = L1Sae::parts(latents, self.dead_after.as_ref());
        Ok(Box::new(SparseAutoencoder::new(data, parts, rule, scope)?))
    }
}

/// The latents whose gates are open; the dictionary's bias is the gates'.
#[derive(Clone, Debug)]
struct Gates {
    /// Logarithms `r` of the magnitudes' factors.
    scale: Tensor,
    /// The magnitudes' bias `b'`.
    bias: Tensor,
    pressure: Pressure,
    /// Length of a typical sample as networks see it.
    length: f64,
}

impl Gates {
    /// The gates' values and the code.
    fn open(&self, dictionary: &Dictionary, centred: &Tensor) -> narrows_core::Result<[Tensor; 2]> {
        let e = linear(centred, &dictionary.encoder, None, Activation::Identity)?;
        let gates = e.broadcast_add(&dictionary.bias)?;
        let magnitudes = e.broadcast_mul(&self.scale.exp()?)?.broadcast_add(&self.bias)?;
        let open = gates.detach().gt(0.0)?.to_dtype(gates.dtype())?;
        let values = (Activation::Relu.apply(&magnitudes)? * open)?;
        Ok([gates, values])
    }
}

impl Rule for Gates {
    fn surrogate(&self, name: &str) -> bool {
        // The gates' term holds the decoder fixed.
        name.starts_with("decoder.")
    }

    fn infer(&self, dictionary: &Dictionary, centred: &Tensor) -> narrows_core::Result<Code> {
        let [_, values] = self.open(dictionary, centred)?;
        Ok(Code::All(values))
    }

    fn train(&self, pass: &Pass<'_>) -> narrows_core::Result<Coded> {
        let [gates, values] = self.open(pass.dictionary, pass.centred)?;
        let openness = Activation::Relu.apply(&gates)?;
        let (directions, centre) = (pass.dictionary.directions.detach(), pass.dictionary.centre.detach());
        let latents = 0..pass.dictionary.latents();
        let v = Code::All(openness.clone()).decode(&directions, &latents)?.broadcast_add(&centre)?;
        let weight = self.pressure.at(pass.at) * self.length * pass.unit;
        let terms =
            Loss::default().with("sparsity", openness.sum(1)?, weight).with("gates", (pass.reconstruction)(&v)?, 1.0);
        Ok(Coded { terms, ..Code::All(values).into() })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_core::{Batch, Dims, Group, StepContext};
    use narrows_tensor::{Gradients, Key, random};

    use super::*;

    #[test]
    fn gates_learn_without_moving_the_decoder() {
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let config = Gated { code: CodeSize::new(12).unwrap(), ..Gated::default() };
        let mut model = config.build(&DataSpec::gaussian(Dims::new([5])), &scope).unwrap();
        let x = random::normal(&Key::new(2), (40, 5), DType::F64, &Device::Cpu).unwrap();
        model.prepare(&Batch::new(x.clone())).unwrap();
        let at = StepContext { step: 0, steps: 9, key: Key::new(0) };
        let loss = model.step(&Group::ALL, &Batch::new(x), &at).unwrap().loss;
        let term = |name: &str| loss.terms().iter().find(|term| term.name == name).unwrap().value.mean_all().unwrap();
        let of = |term: &Tensor, name: &str| {
            let gradients = Gradients::backward(term, model.parameters()).unwrap();
            gradients.get(name).map(|gradient| gradient.abs().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap())
        };
        assert!(of(&term("gates"), "decoder.weight").is_none());
        assert!(of(&term("gates"), "encoder.bias").unwrap() > 0.0);
        assert!(of(&term("reconstruction"), "encoder.bias").is_none(), "a gate's step has no gradient");
        assert!(of(&term("reconstruction"), "magnitude.bias").unwrap() > 0.0);
    }
}
