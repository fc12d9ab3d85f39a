//! The linear autoencoder: one linear map each way.
//!
//! Baldi & Hornik 1989, Neural networks and principal component analysis: every minimum of
//! `|x - V W x|²` is global and spans the same subspace as the leading principal components. With `tied`, `V = Wᵀ`, and the
//! minimum has orthonormal rows.

use narrows_core::Trainable;
use narrows_tensor::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::Identity;
use crate::composed::{Composed, Networks, Reconstruction};
use crate::config::CodeSize;
use crate::network::LinearPath;
use crate::scaling::Scaling;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Result};

/// Options of `linear-ae`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LinearAe {
    /// Number of values in a code.
    pub code: CodeSize,
    /// The decoder uses the encoder's weight, transposed.
    pub tied: bool,
}

impl Variant for LinearAe {
    const ABOUT: About = About {
        name: "linear-ae",
        kind: Kind::Vanilla,
        title: "Linear autoencoder",
        summary: "One linear map each way; its best is principal component analysis.",
        paper: Paper {
            authors: "Baldi & Hornik",
            year: 1989,
            title: "Neural networks and principal component analysis: Learning from examples without local minima",
        },
        formula: "z = W x + b, x̂ = V z + c, minimise the mean over rows of sum_j w_j d(x_j, x̂_j); tied: V = Wᵀ",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (sample, code, inside) = (&data.sample, self.code(), scope.enter("path"));
        let path = if self.tied {
            LinearPath::tied(sample, code, &inside)?
        } else {
            LinearPath::new(sample, code, code, 0, &inside)?
        };
        let networks = Networks {
            encoder: None,
            bottleneck: Identity { code },
            decoder: None,
            path: Some(path),
            scaling: Scaling::new(sample, &scope.enter("scaling"))?,
            likelihood: data.likelihood.clone(),
        };
        Ok(Box::new(Composed::new(data, networks, Reconstruction, Augmentation::default(), scope)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};
    use narrows_core::{Batch, Dims, Group, StepContext};
    use narrows_tensor::{Gradients, Key, random};

    use super::*;

    /// Rows with two strong and three weak directions, and the squared error per row that the best plane leaves.
    fn rows() -> (Tensor, f64) {
        let rows = random::normal(&Key::new(4), (200, 5), DType::F64, &Device::Cpu).unwrap();
        let scales = Tensor::new(&[3f64, 2.0, 0.3, 0.2, 0.1], &Device::Cpu).unwrap();
        let mix = random::normal(&Key::new(5), (5, 5), DType::F64, &Device::Cpu).unwrap();
        let rows = rows.broadcast_mul(&scales).unwrap().matmul(&mix).unwrap();
        let centred = rows.broadcast_sub(&rows.mean_keepdim(0).unwrap()).unwrap();
        let all = crate::principal::principal_axes(&centred, 5).unwrap();
        (rows, all.variance[2..].iter().sum())
    }

    fn build(tied: bool) -> Box<dyn Trainable> {
        let config = LinearAe { code: CodeSize::new(2).unwrap(), tied };
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        config.build(&DataSpec::gaussian(Dims::new([5])), &scope).unwrap()
    }

    fn error(model: &dyn Trainable, x: &Tensor) -> f64 {
        let at = StepContext { step: 0, steps: 1, key: Key::new(0) };
        let output = model.step(&Group::ALL, &Batch::new(x.clone()), &at).unwrap();
        output.loss.total().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn starts_at_the_principal_components() {
        let (x, best) = rows();
        for tied in [false, true] {
            let mut model = build(tied);
            model.prepare(&Batch::new(x.clone())).unwrap();
            let start = error(model.as_ref(), &x);
            assert!((start - best).abs() < 1e-9 * best, "tied {tied}: {start} against {best}");
        }
    }

    #[test]
    fn reaches_the_principal_components_from_random_weights_and_never_beats_them() {
        let (x, best) = rows();
        for tied in [false, true] {
            let model = build(tied);
            let rate = if tied { 1e-3 } else { 2e-3 };
            for step in 0..4000 {
                let at = StepContext { step, steps: 4000, key: Key::new(0) };
                let loss = model.step(&Group::ALL, &Batch::new(x.clone()), &at).unwrap().loss.total().unwrap();
                let gradients = Gradients::backward(&loss, model.parameters()).unwrap();
                for (name, gradient) in gradients.iter() {
                    let var = model.parameters().get(name).unwrap();
                    var.set(&(var.as_tensor() - (gradient * rate).unwrap()).unwrap()).unwrap();
                }
            }
            let end = error(model.as_ref(), &x);
            assert!(end > best * (1.0 - 1e-9) && end < best * 1.01, "tied {tied}: {end} against {best}");
        }
    }
}
