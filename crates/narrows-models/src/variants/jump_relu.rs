//! The JumpReLU sparse autoencoder.
//!
//! Rajamanoharan et al. 2024, Jumping Ahead: Improving Reconstruction Fidelity with JumpReLU Sparse Autoencoders:
//! `f = π H(π - θ)` with `π = W (u - c) + b`, minimising `|x - x̂|² + λ Σ_i H(π_i - θ_i)`. Thresholds learn through
//! straight-through estimates over a band of width ε around them, `∂f/∂θ = -(θ/ε) K((π - θ)/ε)` and
//! `∂H/∂θ = -(1/ε) K((π - θ)/ε)` with the rectangle `K` of width 1; they are stored as logarithms.

use candle_core::Tensor;
use narrows_core::{Loss, Trainable};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::{Activation, Init, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::l1_sae::L1Sae;
use crate::config::{Band, CodeSize, Samples, Warmup, Weight};
use crate::sparse::options::default_latents;
use crate::sparse::{Code, Coded, Dictionary, Pass, Pressure, Rule, SparseAutoencoder};
use crate::variant::{About, Kind, Paper, Variant, check_likelihood, code_size};
use crate::{DataSpec, Result};

/// Options of `jump-relu`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct JumpRelu {
    /// Number of latents; may be larger than the number of features.
    pub code: CodeSize,
    /// What an active latent costs, as a share of a sample's variance.
    pub sparsity: Weight,
    /// Share of the run over which the cost rises from 0.
    pub warmup: Warmup,
    /// First threshold of all latents, where samples have length 1.
    pub threshold: Band,
    /// Width of the band around a threshold from which it learns, where samples have length 1.
    pub bandwidth: Band,
    /// Samples without activity after which a latent counts as dead. Left out, 256 times the latents divided by 32, or by an
    /// eighth of a small code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_after: Option<Samples>,
}

impl Default for JumpRelu {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            sparsity: Weight::constant(1e-3),
            warmup: Warmup::constant(0.05),
            threshold: Band::constant(1e-3),
            bandwidth: Band::constant(1e-3),
            dead_after: None,
        }
    }
}

impl Variant for JumpRelu {
    const ABOUT: About = About {
        name: "jump-relu",
        kind: Kind::Sparse,
        title: "JumpReLU sparse autoencoder",
        summary: "Every direction has a learned threshold; a sample pays for each that it uses, however strongly.",
        paper: Paper {
            authors: "Rajamanoharan et al.",
            year: 2024,
            title: "Jumping Ahead: Improving Reconstruction Fidelity with JumpReLU Sparse Autoencoders",
        },
        formula: "π = W (u - c) + b, f = π H(π - θ), x̂ = sum_i f_i d_i + c, minimise |x - x̂|² + λ sum_i H(π_i - θ_i)",
    };

    code_size!();

    fn default_code(&self, data: &DataSpec) -> usize {
        default_latents(data)
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_likelihood(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (latents, features) = (self.code(), data.features() as f64);
        let rule = |scope: &Scope| {
            let first = Init::Constant((self.threshold.get() * features.sqrt()).ln());
            Ok(Thresholds {
                log_threshold: scope.parameter("log_threshold", latents, first)?,
                bandwidth: self.bandwidth.get() * features.sqrt(),
                pressure: Pressure { weight: *self.sparsity.get(), warmup: *self.warmup.get() },
                square: features,
            })
        };
        let parts = L1Sae::parts(latents, self.dead_after.as_ref());
        Ok(Box::new(SparseAutoencoder::new(data, parts, rule, scope)?))
    }
}

/// The latents above their thresholds.
#[derive(Clone, Debug)]
struct Thresholds {
    log_threshold: Tensor,
    /// Width ε of the band, in the networks' unit.
    bandwidth: f64,
    pressure: Pressure,
    /// Squared length of a typical sample as networks see it.
    square: f64,
}

impl Thresholds {
    /// The values before thresholds, 1 where they are above and 0 elsewhere, and the thresholds.
    fn jump(&self, dictionary: &Dictionary, centred: &Tensor) -> narrows_core::Result<[Tensor; 3]> {
        let before = linear(centred, &dictionary.encoder, Some(&dictionary.bias), Activation::Identity)?;
        let threshold = self.log_threshold.exp()?;
        let above = before.detach().broadcast_gt(&threshold.detach())?.to_dtype(before.dtype())?;
        Ok([before, above, threshold])
    }
}

impl Rule for Thresholds {
    fn surrogate(&self, name: &str) -> bool {
        name == "log_threshold"
    }

    fn infer(&self, dictionary: &Dictionary, centred: &Tensor) -> narrows_core::Result<Code> {
        let [before, above, _] = self.jump(dictionary, centred)?;
        Ok(Code::All((before * above)?))
    }

    fn train(&self, pass: &Pass<'_>) -> narrows_core::Result<Coded> {
        let [before, above, threshold] = self.jump(pass.dictionary, pass.centred)?;
        let fixed = threshold.detach();
        let distance = before.detach().broadcast_sub(&fixed)?.abs()?;
        let near = (distance.lt(0.5 * self.bandwidth)?.to_dtype(before.dtype())? * (1.0 / self.bandwidth))?;
        // 0 in value; its gradient is that of the threshold.
        let change = (&threshold - &fixed)?;
        let steps = (&above - near.broadcast_mul(&change)?)?;
        let values = ((before * above)? - near.broadcast_mul(&(fixed * change)?)?)?;
        let weight = self.pressure.at(pass.at) * self.square * pass.unit;
        let terms = Loss::default().with("active", steps.sum(1)?, weight);
        Ok(Coded { terms, ..Code::All(values).into() })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_core::StepContext;
    use narrows_tensor::{Gradients, Key};

    use super::*;

    #[test]
    fn thresholds_learn_from_a_band_around_them() {
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        let dictionary = Dictionary::new(1, 2, 1.0, &scope).unwrap();
        let log_threshold = scope.parameter("log_threshold", 2, Init::Constant(2f64.ln())).unwrap();
        let pressure = Pressure { weight: 1.0, warmup: 0.0 };
        let rule = Thresholds { log_threshold, bandwidth: 0.5, pressure, square: 1.0 };
        let parameters = scope.parameters();
        parameters.get("encoder.weight").unwrap().set(&Tensor::new(&[[1f64], [2.0]], &Device::Cpu).unwrap()).unwrap();
        // Values before thresholds of 2: 2.2 and 4.4, 1.9 and 3.8, 0.9 and 1.8.
        let centred = Tensor::new(&[[2.2f64], [1.9], [0.9]], &Device::Cpu).unwrap();
        let at = StepContext { step: 0, steps: 1, key: Key::new(0) };
        let none = |_: &Tensor| -> narrows_core::Result<Tensor> { Err(narrows_core::Error::EmptyLoss) };
        let pass = Pass { dictionary: &dictionary, centred: &centred, at: &at, unit: 1.0, reconstruction: &none };
        let coded = rule.train(&pass).unwrap();
        let Code::All(values) = &coded.code else { panic!("all latents") };
        assert_eq!(values.to_vec2::<f64>().unwrap(), [[2.2, 4.4], [0.0, 3.8], [0.0, 0.0]]);
        assert_eq!(coded.terms.terms()[0].value.to_vec1::<f64>().unwrap(), [2.0, 1.0, 0.0]);
        let slope = |loss: &Tensor| {
            let gradients = Gradients::backward(loss, &parameters).unwrap();
            gradients.get("log_threshold").unwrap().to_vec1::<f64>().unwrap()
        };
        // Within 0.25 of 2 lie two values of the first latent and one of the second; dθ / dlog θ = 2.
        assert_eq!(slope(&coded.terms.terms()[0].value.sum_all().unwrap()), [-2.0 * 2.0 * 2.0, -2.0 * 2.0]);
        assert_eq!(slope(&values.sum_all().unwrap()), [-2.0 * 4.0 * 2.0, -4.0 * 2.0]);
    }
}
