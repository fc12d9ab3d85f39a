//! The BatchTopK sparse autoencoder.
//!
//! Bussmann, Leask & Nanda 2024, BatchTopK Sparse Autoencoders: in training the `N k` largest latents of a batch of `N` are
//! active, so that a sample takes as many as it needs; in use those above a threshold `θ`, the expected smallest active
//! value, learned as a running mean and stored with the model.

use std::sync::Arc;

use candle_core::{DType, Tensor};
use narrows_core::{Trainable, Update};
use narrows_tensor::ops::ragged::{Choice, encode_chosen};
use narrows_tensor::ops::sparse::Active as Entries;
use narrows_tensor::{Activation, Buffer, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::top_k::TopK;
use crate::config::{Active, CodeSize, Samples, Weight};
use crate::sparse::options::{check, default_latents};
use crate::sparse::{Code, Coded, Dictionary, Pass, Rule, SparseAutoencoder};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::{DataSpec, Result};

/// Options of `batch-top-k`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct BatchTopK {
    /// Number of latents; may be larger than the number of features.
    pub code: CodeSize,
    /// Latents that are active at a time, on average over a batch. Left out, 32, and in small codes an eighth of the latents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<Active>,
    /// Weight of the revival of dead latents; 0 switches it off.
    pub aux_weight: Weight,
    /// Dead latents that take part in the revival for a sample. Left out, half the number of features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aux_k: Option<Active>,
    /// Samples without activity after which a latent counts as dead. Left out, 256 times the latents divided by the active
    /// ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_after: Option<Samples>,
}

impl Default for BatchTopK {
    fn default() -> Self {
        let TopK { code, k, aux_weight, aux_k, dead_after } = TopK::default();
        Self { code, k, aux_weight, aux_k, dead_after }
    }
}

impl BatchTopK {
    /// The same options for codes in which each sample has its k.
    pub(super) fn of_each(&self) -> TopK {
        let Self { code, k, aux_weight, aux_k, dead_after } = self.clone();
        TopK { code, k, aux_weight, aux_k, dead_after }
    }
}

impl Variant for BatchTopK {
    const ABOUT: About = About {
        name: "batch-top-k",
        kind: Kind::Sparse,
        title: "BatchTopK sparse autoencoder",
        summary: "A sample takes as many directions as it needs, k on average; a learned threshold decides in use.",
        paper: Paper { authors: "Bussmann, Leask & Nanda", year: 2024, title: "BatchTopK Sparse Autoencoders" },
        formula: "f = BatchTopK(W (u - c) + b), in use f = g where g > θ, x̂ = sum_i f_i d_i + c, minimise |x - x̂|² + α |e - ê|²",
    };

    code_size!();

    fn default_code(&self, data: &DataSpec) -> usize {
        default_latents(data)
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check(Self::ABOUT.name, [("k", self.k.as_ref()), ("aux-k", self.aux_k.as_ref())], self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let options = self.of_each();
        let rule = |scope: &Scope| LargestOfBatch::new(options.active(), scope);
        Ok(Box::new(SparseAutoencoder::new(data, options.parts(data), rule, scope)?))
    }
}

/// Slowest decay of the threshold's running mean, over the last hundred batches or so.
const DECAY: f64 = 0.99;

/// The largest latents of a batch, `k` a sample on average; in use those above the learned threshold.
#[derive(Clone, Debug)]
pub(super) struct LargestOfBatch {
    k: usize,
    threshold: Buffer,
}

impl LargestOfBatch {
    /// A rule with the threshold at 0.
    pub(super) fn new(k: usize, scope: &Scope) -> narrows_core::Result<Self> {
        let zero = Tensor::zeros(1, scope.dtype(), scope.device())?;
        Ok(Self { k, threshold: scope.buffer("threshold", &zero)? })
    }

    fn threshold(&self) -> narrows_core::Result<f64> {
        Ok(self.threshold.value().to_dtype(DType::F64)?.get(0)?.to_scalar()?)
    }
}

impl Rule for LargestOfBatch {
    fn infer(&self, dictionary: &Dictionary, centred: &Tensor) -> narrows_core::Result<Code> {
        let bounds: Arc<[f32]> = vec![self.threshold()? as f32; dictionary.latents()].into();
        chosen(dictionary, centred, &Choice::Above(bounds)).map(Code::Few)
    }

    fn train(&self, pass: &Pass<'_>) -> narrows_core::Result<Coded> {
        let rows = pass.centred.dim(0)?;
        let active = chosen(pass.dictionary, pass.centred, &Choice::Largest(rows * self.k))?;
        let values = active.values.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        let smallest = values.into_iter().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let mut coded = Coded::from(Code::Few(active));
        if smallest.is_finite() {
            let t = pass.at.step as f64;
            let decay = DECAY.min(t / (10.0 + t));
            let threshold = decay * self.threshold()? + (1.0 - decay) * smallest;
            let old = self.threshold.value();
            let value = Tensor::from_vec(vec![threshold], 1, old.device())?.to_dtype(old.dtype())?;
            coded.updates.push(Update::new(&self.threshold, value));
        }
        Ok(coded)
    }
}

fn chosen(dictionary: &Dictionary, centred: &Tensor, choice: &Choice) -> narrows_core::Result<Entries> {
    let (x, bias) = dictionary.read(centred)?;
    let Entries { values, indices } = encode_chosen(&x, &dictionary.encoder, &bias, choice)?;
    Ok(Entries { values: Activation::Relu.apply(&values)?, indices })
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use narrows_core::{Batch, Dims, Group, StepContext};
    use narrows_tensor::{Key, random};

    use super::*;

    #[test]
    fn the_threshold_learns_the_smallest_active_value_and_gives_k_latents_on_average_in_use() {
        let config =
            BatchTopK { code: CodeSize::new(40).unwrap(), k: Some(Active::new(5).unwrap()), ..BatchTopK::default() };
        let scope = Scope::root(Key::new(1), DType::F32, &Device::Cpu);
        let mut model = config.build(&DataSpec::gaussian(Dims::new([10])), &scope).unwrap();
        let x = |n: u64| random::normal(&Key::new(n), (200, 10), DType::F32, &Device::Cpu).unwrap();
        model.prepare(&Batch::new(x(0))).unwrap();
        for step in 0..50 {
            let at = StepContext { step, steps: 50, key: Key::new(0) };
            let output = model.step(&Group::ALL, &Batch::new(x(step)), &at).unwrap();
            for update in output.updates {
                model.parameters().buffer(&update.name).unwrap().set(&update.value).unwrap();
            }
        }
        let codes = model.encode(&x(99)).unwrap().to_vec2::<f32>().unwrap();
        let counts: Vec<usize> = codes.iter().map(|row| row.iter().filter(|value| **value > 0.0).count()).collect();
        let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
        assert!((mean - 5.0).abs() < 0.4, "{mean}");
        assert!(counts.iter().min() < counts.iter().max(), "samples take as many as they need");
        // A row's code does not depend on its neighbours.
        let alone = model.encode(&x(99).narrow(0, 7, 1).unwrap()).unwrap().to_vec2::<f32>().unwrap();
        assert!(alone[0].iter().zip(&codes[7]).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
