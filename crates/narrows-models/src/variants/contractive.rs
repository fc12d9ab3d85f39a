//! The contractive autoencoder.
//!
//! Rifai, Vincent, Muller, Glorot & Bengio 2011, Contractive Auto-Encoders: Explicit Invariance During Feature Extraction:
//! `|x - x̂|² + λ |∂z/∂u|²` with `z = s(W u + b)` and tied weights. The squared Frobenius norm is exact for one layer,
//! `Σ_i s'(h_i)² |w_i|²`; for deep encoders it is estimated along random directions.

use candle_core::Tensor;
use narrows_core::{Dims, Loss, StepContext, Trainable};
use narrows_tensor::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::{Bottleneck, Response, Squash};
use crate::composed::{Composed, Networks, Objective, Pass, Reconstruction};
use crate::config::{CodeSize, Directions, Weight, Widths};
use crate::jacobian;
use crate::network::mlp::Hidden;
use crate::network::{Mlp, Mode};
use crate::scaling::Scaling;
use crate::variant::{About, Kind, Paper, Variant, check_likelihood, code_size};
use crate::{DataSpec, Result};

/// Options of `contractive`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Contractive {
    /// Number of values in a code; may be larger than the number of features.
    pub code: CodeSize,
    /// Widths of hidden layers before the code, mirrored by the decoder. Left out, the code is the first layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
    /// Response of code units and hidden units.
    pub response: Response,
    /// Weight of the squared Frobenius norm of the code's Jacobian, where samples have mean square 1 a value.
    pub contraction: Weight,
    /// Random directions along which a deep encoder's norm is estimated in a step.
    pub directions: Directions,
}

impl Default for Contractive {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            response: Response::Sigmoid,
            contraction: Weight::constant(0.1),
            directions: Directions::constant(1),
        }
    }
}

impl Variant for Contractive {
    const ABOUT: About = About {
        name: "contractive",
        kind: Kind::Contractive,
        title: "Contractive autoencoder",
        summary: "The code changes little where samples change little, except along what tells them apart.",
        paper: Paper {
            authors: "Rifai, Vincent, Muller, Glorot & Bengio",
            year: 2011,
            title: "Contractive Auto-Encoders: Explicit Invariance During Feature Extraction",
        },
        formula: "z = s(W u + b), x̂ = Wᵀ z + c, minimise the mean over rows of |x - x̂|² + λ |∂z/∂u|²",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_likelihood(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (sample, code) = (&data.sample, self.code());
        let widths = self.widths.as_ref().map(|widths| widths.get().clone()).unwrap_or_default();
        let hidden = Hidden { activation: self.response.activation(), dropout: 0.0, beside_path: false };
        let encoder = Mlp::new(sample, &widths, &Dims::new([code]), hidden, &scope.enter("encoder"))?;
        let decoder = encoder.mirror(sample, hidden, &scope.enter("decoder"))?;
        let layer = match encoder.layers() {
            [layer] => Some(layer.weight().clone()),
            _ => None,
        };
        let contraction = Contraction {
            weight: *self.contraction.get(),
            layer,
            response: self.response,
            directions: *self.directions.get(),
        };
        let networks = Networks {
            encoder: Some(Box::new(encoder)),
            bottleneck: Squash { code, response: self.response },
            decoder: Some(Box::new(decoder)),
            path: None,
            scaling: Scaling::new(sample, &scope.enter("scaling"))?.bounded(data.bounded()),
            likelihood: data.likelihood.clone(),
        };
        Ok(Box::new(Composed::new(data, networks, contraction, Augmentation::default(), scope)))
    }
}

/// The reconstruction, and the squared Frobenius norm of the encoder's Jacobian.
struct Contraction {
    weight: f64,
    /// The weight of the encoder's only layer.
    layer: Option<Tensor>,
    response: Response,
    directions: usize,
}

impl<B: Bottleneck> Objective<B> for Contraction {
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, at: &StepContext) -> narrows_core::Result<Loss> {
        let norm = match &self.layer {
            Some(weight) => jacobian::of_layer(pass.z, weight, self.response)?,
            None => {
                let encode = |u: &Tensor| model.bottleneck.infer(&model.hidden(u, Mode::Infer)?);
                jacobian::estimate(encode, pass.u, self.directions, &at.key.named("jacobian"))?
            }
        };
        let unit = model.scaling.unit(&model.likelihood)?;
        Ok(Reconstruction.loss(model, pass, at)?.with("contraction", norm, self.weight * unit))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_core::{Batch, Group};
    use narrows_tensor::{Key, random};

    use super::*;

    /// The mean of the penalty over rows, and of the squared Frobenius norm of the code's Jacobian by differences.
    fn norms(widths: Option<Vec<usize>>, directions: usize) -> (f64, f64) {
        let config = Contractive {
            code: CodeSize::new(4).unwrap(),
            widths: widths.map(|widths| Widths::new(widths).unwrap()),
            directions: Directions::new(directions).unwrap(),
            ..Contractive::default()
        };
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let mut model = config.build(&DataSpec::gaussian(Dims::new([6])), &scope).unwrap();
        let x = random::normal(&Key::new(2), (20, 6), DType::F64, &Device::Cpu).unwrap();
        let x = (x * 30.0).unwrap();
        model.prepare(&Batch::new(x.clone())).unwrap();
        let at = StepContext { step: 0, steps: 1, key: Key::new(0) };
        let output = model.step(&Group::ALL, &Batch::new(x.clone()), &at).unwrap();
        let penalty = output.loss.means().unwrap()[1].1;
        // Differences in the data's unit, turned into those of scaled samples.
        let gain = model.parameters().buffer("scaling.input_gain").unwrap().to_vec1::<f64>().unwrap()[0];
        let mut sum = 0.0;
        for feature in 0..6 {
            let step = Tensor::arange(0u32, 6, &Device::Cpu).unwrap().eq(feature as u32).unwrap();
            let step = (step.to_dtype(DType::F64).unwrap() * (1e-5 / gain)).unwrap();
            let moved = |x: &Tensor| model.encode(x).unwrap();
            let change = (moved(&x.broadcast_add(&step).unwrap()) - moved(&x.broadcast_sub(&step).unwrap())).unwrap();
            sum += (change / 2e-5).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        }
        (penalty, sum / 20.0)
    }

    #[test]
    fn the_penalty_is_the_jacobians_norm() {
        let (exact, numerical) = norms(None, 1);
        assert!((exact / numerical - 1.0).abs() < 1e-6, "{exact} for {numerical}");
        let (estimate, numerical) = norms(Some(vec![7]), 1000);
        assert!((estimate / numerical - 1.0).abs() < 0.03, "{estimate} for {numerical}");
    }
}
