//! The sparse autoencoder with a target activation.
//!
//! Ng 2011, Sparse autoencoder (CS294A lecture notes): `z = σ(W u + b)`, `|x - x̂|² + β Σ_j KL(ρ || ρ̂_j)`, where `ρ̂_j` is the
//! mean activation of unit j over the batch and `KL(ρ || ρ̂) = ρ log(ρ / ρ̂) + (1 - ρ) log((1 - ρ) / (1 - ρ̂))`.

use candle_core::Tensor;
use narrows_core::{Dims, Loss, StepContext, Trainable};
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::{Bottleneck, Response, Squash};
use crate::composed::{Composed, Networks, Objective, Pass, Reconstruction};
use crate::config::{CodeSize, TargetActivation, Weight};
use crate::network::Mlp;
use crate::network::mlp::Hidden;
use crate::scaling::{Scaling, set};
use crate::variant::{About, Kind, Paper, Variant, check_likelihood, code_size};
use crate::{DataSpec, Result};

/// Options of `kl-sae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct KlSae {
    /// Number of units; may be larger than the number of features.
    pub code: CodeSize,
    /// Mean activation that each unit is held to.
    pub target: TargetActivation,
    /// Weight of the divergence from it, where samples have mean square 1 a value.
    pub sparsity: Weight,
}

impl Default for KlSae {
    fn default() -> Self {
        Self { code: CodeSize::default(), target: TargetActivation::constant(0.05), sparsity: Weight::constant(1.0) }
    }
}

impl Variant for KlSae {
    const ABOUT: About = About {
        name: "kl-sae",
        kind: Kind::Sparse,
        title: "Sparse autoencoder with a target activation",
        summary: "Units between 0 and 1 that are seldom active, each as often as a target says.",
        paper: Paper { authors: "Ng", year: 2011, title: "Sparse autoencoder (CS294A lecture notes)" },
        formula: "z = σ(W u + b), x̂ = V z + c, minimise the mean over rows of |x - x̂|² + β sum_j KL(ρ || mean z_j)",
    };

    code_size!();

    fn default_code(&self, data: &DataSpec) -> usize {
        data.features()
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_likelihood(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (sample, code, target) = (&data.sample, self.code(), *self.target.get());
        let hidden = Hidden { activation: Activation::Identity, dropout: 0.0, beside_path: false };
        let inner = scope.enter("encoder");
        let encoder = Mlp::new(sample, &[], &Dims::new([code]), hidden, &inner)?;
        let decoder = Mlp::new(&Dims::new([code]), &[], sample, hidden, &scope.enter("decoder"))?;
        // Units start at their target.
        if let Some(bias) = scope.parameters().get(&inner.enter(0).full_name("bias")) {
            set(bias, &vec![(target / (1.0 - target)).ln(); code])?;
        }
        let networks = Networks {
            encoder: Some(Box::new(encoder)),
            bottleneck: Squash { code, response: Response::Sigmoid },
            decoder: Some(Box::new(decoder)),
            path: None,
            scaling: Scaling::new(sample, &scope.enter("scaling"))?.bounded(data.bounded()),
            likelihood: data.likelihood.clone(),
        };
        let objective = HeldToTarget { target, weight: *self.sparsity.get() };
        Ok(Box::new(Composed::new(data, networks, objective, Augmentation::default(), scope)))
    }
}

/// The reconstruction, and the divergence of mean activations from their target.
#[derive(Clone, Copy, Debug)]
struct HeldToTarget {
    target: f64,
    weight: f64,
}

impl HeldToTarget {
    /// `Σ_j KL(ρ || ρ̂_j)` for the batch, once for each sample.
    fn divergence(&self, z: &Tensor) -> narrows_core::Result<Tensor> {
        let rho = self.target;
        let mean = z.mean(0)?.clamp(1e-6, 1.0 - 1e-6)?;
        let entropy = rho * rho.ln() + (1.0 - rho) * (1.0 - rho).ln();
        let cross = ((mean.log()? * rho)? + (mean.affine(-1.0, 1.0)?.log()? * (1.0 - rho))?)?;
        let sum = cross.sum_all()?.affine(-1.0, entropy * z.dim(1)? as f64)?;
        Ok(sum.broadcast_as(z.dim(0)?)?.contiguous()?)
    }
}

impl<B: Bottleneck> Objective<B> for HeldToTarget {
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, at: &StepContext) -> narrows_core::Result<Loss> {
        let unit = model.scaling.unit(&model.likelihood)?;
        let divergence = self.divergence(pass.z)?;
        Ok(Reconstruction.loss(model, pass, at)?.with("sparsity", divergence, self.weight * unit))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_divergence_is_zero_at_the_target_and_follows_its_formula() {
        let divergence = |mean: f64| {
            let z = Tensor::new(&[[mean - 0.01, mean], [mean + 0.01, mean]], &Device::Cpu).unwrap();
            HeldToTarget { target: 0.2, weight: 1.0 }.divergence(&z).unwrap().to_vec1::<f64>().unwrap()
        };
        assert!(divergence(0.2).iter().all(|value| value.abs() < 1e-12));
        let expected = 2.0 * (0.2 * (0.2f64 / 0.5).ln() + 0.8 * (0.8f64 / 0.5).ln());
        assert!(divergence(0.5).iter().all(|value| (value - expected).abs() < 1e-12));
    }
}
