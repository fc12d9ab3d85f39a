//! The regularised deterministic autoencoder.
//!
//! Ghosh, Sajjadi, Vergari, Black & Schölkopf 2020, From Variational to Deterministic Autoencoders:
//! `|x - x̂|² + β ½ |z|² + λ R`: the code is kept small, and the decoder smooth, by the squares of its weights
//! (`R = |θ|²`) or by the squared Frobenius norm of its Jacobian (`R = |∂v/∂z|²`, estimated along random directions).

use candle_core::Tensor;
use narrows_core::{Loss, StepContext, Trainable};
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::{Bottleneck, Identity};
use crate::composed::{Composed, Networks, Objective, Pass, Reconstruction};
use crate::config::{CodeSize, Weight, Widths};
use crate::jacobian;
use crate::network::mlp::Hidden;
use crate::network::{Mode, symmetric};
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Result};

/// How the decoder is kept smooth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub enum Smoothness {
    /// By the sum of squares of the decoder's weights.
    L2 {
        /// Factor.
        weight: Weight,
    },
    /// By the squared Frobenius norm of the decoder's Jacobian.
    Gradient {
        /// Factor.
        weight: Weight,
    },
}

/// Options of `rae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Rae {
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
    /// Weight of half the square of a code, where samples have mean square 1 a value.
    pub code_weight: Weight,
    /// How the decoder is kept smooth, and how strongly.
    pub smoothness: Smoothness,
}

impl Default for Rae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            code_weight: Weight::constant(1e-3),
            smoothness: Smoothness::Gradient { weight: Weight::constant(1e-3) },
        }
    }
}

impl Variant for Rae {
    const ABOUT: About = About {
        name: "rae",
        kind: Kind::Contractive,
        title: "Regularised autoencoder",
        summary: "A small code and a smooth decoder without sampling: close codes decode to close samples.",
        paper: Paper {
            authors: "Ghosh, Sajjadi, Vergari, Black & Schölkopf",
            year: 2020,
            title: "From Variational to Deterministic Autoencoders",
        },
        formula: "z = W u + f(u), v = V z + g(z), minimise the mean over rows of |x - x̂|² + β ½ |z|² + λ |∂v/∂z|², or λ |θ|²",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let layers = Hidden { activation: self.activation, dropout: 0.0, beside_path: self.skip };
        let networks = symmetric(data, self.widths.as_ref(), layers, Identity { code: self.code() }, scope)?;
        let parameters = scope.parameters();
        let of_decoder = |name: &str| name.starts_with("decoder.") || name.starts_with("path.decode.");
        let weights = parameters.trained().filter(|(name, _)| of_decoder(name) && name.ends_with(".weight"));
        let objective = Regularised {
            code_weight: *self.code_weight.get(),
            smoothness: self.smoothness.clone(),
            weights: weights.map(|(_, var)| var.as_tensor().clone()).collect(),
        };
        Ok(Box::new(Composed::new(data, networks, objective, Augmentation::default(), scope)))
    }
}

/// The reconstruction, the code's square, and the decoder's smoothness.
struct Regularised {
    code_weight: f64,
    smoothness: Smoothness,
    /// The decoder's weights.
    weights: Vec<Tensor>,
}

impl<B: Bottleneck> Objective<B> for Regularised {
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, at: &StepContext) -> narrows_core::Result<Loss> {
        let unit = model.scaling.unit(&model.likelihood)?;
        let square = (pass.z.sqr()?.sum(1)? * 0.5)?;
        let loss = Reconstruction.loss(model, pass, at)?.with("code", square, self.code_weight * unit);
        let (name, value, weight) = match &self.smoothness {
            Smoothness::L2 { weight } => {
                let mut sum = Tensor::zeros((), pass.z.dtype(), pass.z.device())?;
                for weight in &self.weights {
                    sum = (sum + weight.sqr()?.sum_all()?)?;
                }
                ("weights", sum.broadcast_as(pass.z.dim(0)?)?.contiguous()?, weight)
            }
            Smoothness::Gradient { weight } => {
                let decode = |z: &Tensor| model.decoded(z, Mode::Infer);
                ("gradient", jacobian::estimate(decode, pass.z, 1, &at.key.named("jacobian"))?, weight)
            }
        };
        Ok(loss.with(name, value, weight.get() * unit))
    }
}
