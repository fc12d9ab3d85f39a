//! The TopK sparse autoencoder.
//!
//! Gao et al. 2024, Scaling and evaluating sparse autoencoders: `f = TopK(W (u - c) + b)`, `x̂ = Σ f_i d_i + c`, minimising
//! `|x - x̂|² + α |e - ê|²`, where `e = x - x̂` and `ê` is decoded from the `k_aux` most active dead latents.

use candle_core::Tensor;
use narrows_core::Trainable;
use narrows_tensor::Scope;
use narrows_tensor::ops::sparse::encode_top_k;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Active, CodeSize, Samples, Weight};
use crate::sparse::options::{active, check, dead_after, default_latents};
use crate::sparse::{Code, Dictionary, Parts, Revival, Rule, SparseAutoencoder};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::{DataSpec, Result};

/// Options of `top-k`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TopK {
    /// Number of latents; may be larger than the number of features.
    pub code: CodeSize,
    /// Latents that are active at a time. Left out, 32, and in small codes an eighth of the latents.
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

impl Default for TopK {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            k: None,
            aux_weight: Weight::constant(1.0 / 32.0),
            aux_k: None,
            dead_after: None,
        }
    }
}

/// Length of the encoder's rows at the start. The chosen directions overlap, so that rows of length 1 would say several times
/// together what there is to say, and training would begin by taking that back; which latents are chosen is the same.
const START: f64 = 0.1;

impl TopK {
    /// Active latents of a sample.
    pub(super) fn active(&self) -> usize {
        active(self.k.as_ref(), *self.code.get())
    }

    /// What a sparse autoencoder with these options is made of.
    pub(super) fn parts(&self, data: &DataSpec) -> Parts {
        let (latents, active, weight) = (*self.code.get(), self.active(), *self.aux_weight.get());
        let k = self.aux_k.as_ref().map_or((data.features() / 2).max(1), |k| *k.get());
        Parts {
            latents,
            prefixes: vec![latents],
            active: Some(active),
            revival: (weight > 0.0).then_some(Revival { weight, k }),
            dead_after: dead_after(self.dead_after.as_ref(), latents, active),
            encoder_length: START,
            remedy: "Choose a smaller code, raise k or aux-weight, or train for longer.",
        }
    }
}

impl Variant for TopK {
    const ABOUT: About = About {
        name: "top-k",
        kind: Kind::Sparse,
        title: "TopK sparse autoencoder",
        summary: "A sample is a sum of k directions out of many; dead directions are revived.",
        paper: Paper { authors: "Gao et al.", year: 2024, title: "Scaling and evaluating sparse autoencoders" },
        formula: "f = TopK(W (u - c) + b), x̂ = sum_i f_i d_i + c, minimise |x - x̂|² + α |e - ê|²",
    };

    code_size!();

    fn default_code(&self, data: &DataSpec) -> usize {
        default_latents(data)
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check(Self::ABOUT.name, [("k", self.k.as_ref()), ("aux-k", self.aux_k.as_ref())], self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let rule = LargestOfEach { k: self.active() };
        Ok(Box::new(SparseAutoencoder::new(data, self.parts(data), |_| Ok(rule), scope)?))
    }
}

/// The k largest latents of each sample.
#[derive(Clone, Copy, Debug)]
struct LargestOfEach {
    k: usize,
}

impl Rule for LargestOfEach {
    fn infer(&self, dictionary: &Dictionary, centred: &Tensor) -> narrows_core::Result<Code> {
        let (x, bias) = dictionary.read(centred)?;
        Ok(Code::Few(encode_top_k(&x, &dictionary.encoder, &bias, self.k)?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_core::{Batch, Dims, Group, StepContext};
    use narrows_tensor::{Gradients, Key, random};

    use super::*;

    fn model(k: usize) -> (Box<dyn Trainable>, Tensor) {
        let config = TopK {
            code: CodeSize::new(24).unwrap(),
            k: Some(Active::new(k).unwrap()),
            dead_after: Some(Samples::new(60).unwrap()),
            ..TopK::default()
        };
        let scope = Scope::root(Key::new(1), DType::F32, &Device::Cpu);
        let mut model = config.build(&DataSpec::gaussian(Dims::new([6])), &scope).unwrap();
        let x = random::normal(&Key::new(2), (50, 6), DType::F32, &Device::Cpu).unwrap();
        let x = (x.relu().unwrap() * 100.0).unwrap();
        model.prepare(&Batch::new(x.clone())).unwrap();
        (model, x)
    }

    fn step(model: &dyn Trainable, x: &Tensor) -> narrows_core::StepOutput {
        let at = StepContext { step: 3, steps: 9, key: Key::new(0) };
        model.step(&Group::ALL, &Batch::new(x.clone()), &at).unwrap()
    }

    #[test]
    fn a_code_has_at_most_k_active_latents_and_directions_have_length_one() {
        let (model, x) = model(3);
        let z = model.encode(&x).unwrap().to_vec2::<f32>().unwrap();
        assert!(z.iter().all(|row| row.iter().filter(|value| **value != 0.0).count() <= 3));
        assert!(z.iter().any(|row| row.iter().filter(|value| **value != 0.0).count() == 3));
        let directions = model.parameters().get("decoder.weight").unwrap();
        let lengths = directions.sqr().unwrap().sum(1).unwrap().to_vec1::<f32>().unwrap();
        assert!(lengths.iter().all(|length| (length - 1.0).abs() < 1e-5), "{lengths:?}");
        // Both ways to reconstruct agree.
        let (a, b) = (model.reconstruct(&x).unwrap(), model.decode(&model.encode(&x).unwrap()).unwrap());
        let apart = (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(apart < 1e-3, "{apart}");
    }

    #[test]
    fn dead_latents_get_gradients_only_from_the_revival() {
        let (model, x) = model(2);
        let alive = step(model.as_ref(), &x);
        assert_eq!(alive.loss.terms().len(), 1, "no latent is dead at first");
        let idle = model.parameters().buffer("activity.idle").unwrap();
        let mut values = vec![0f32; 24];
        values[5] = 60.0;
        idle.set(&Tensor::from_vec(values, 24, &Device::Cpu).unwrap()).unwrap();
        // A bias that keeps the latent from being among the largest.
        let bias = model.parameters().get("encoder.bias").unwrap();
        let mut values = vec![0f32; 24];
        values[5] = -0.5 * START as f32;
        bias.set(&Tensor::from_vec(values, 24, &Device::Cpu).unwrap()).unwrap();
        let output = step(model.as_ref(), &x);
        let revival = &output.loss.terms()[1];
        assert_eq!(revival.name, "revival");
        let unit = revival.weight * 32.0;
        let scaled = x.broadcast_sub(&x.mean(0).unwrap()).unwrap().sqr().unwrap().mean_all().unwrap();
        assert!((unit / f64::from(scaled.to_scalar::<f32>().unwrap()) - 1.0).abs() < 1e-4, "{unit}");
        let gradients = Gradients::backward(&revival.value.mean_all().unwrap(), model.parameters()).unwrap();
        let rows = gradients.get("decoder.weight").unwrap().abs().unwrap().sum(1).unwrap().to_vec1::<f32>().unwrap();
        assert!(rows.iter().enumerate().all(|(row, sum)| (*sum > 0.0) == (row == 5)), "{rows:?}");
    }

    #[test]
    fn an_update_along_a_direction_is_removed() {
        let (model, x) = model(2);
        let mut gradients =
            Gradients::backward(&step(model.as_ref(), &x).loss.total().unwrap(), model.parameters()).unwrap();
        model.adjust(&mut gradients).unwrap();
        let directions = model.parameters().get("decoder.weight").unwrap().as_tensor();
        let gradient = gradients.get("decoder.weight").unwrap();
        let along = (gradient * directions).unwrap().sum(1).unwrap().abs().unwrap().max(0).unwrap();
        let size = gradient.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(along.to_scalar::<f32>().unwrap() < 1e-4 * size);
    }
}
