//! The deep autoencoder of fully connected layers.
//!
//! Hinton & Salakhutdinov 2006, Reducing the Dimensionality of Data with Neural Networks:
//! `z = f(x)`, `x̂ = g(z)`, minimising the divergence between `x` and `x̂` over the training rows. With `skip`, linear maps
//! run beside both networks (`z = W x + f(x)`, `x̂ = V z + g(z)`) and start at the principal components.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::{Augmentation, check_moves};
use crate::bottleneck::Identity;
use crate::composed::{Composed, Reconstruction};
use crate::config::{CodeSize, Deform, Dropout, Noise, Shift, Widths};
use crate::corruption::Corruption;
use crate::network::mlp::Hidden;
use crate::network::symmetric;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Result};

/// Options of `ae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ae {
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
    /// Share of hidden units switched off in a training step.
    pub dropout: Dropout,
    /// Standard deviation of noise on training inputs, in units of the data's own deviation; targets stay clean.
    pub noise: Noise,
    /// Largest random move of training samples along each axis of pictures and windows, in pixels or steps.
    pub shift: Shift,
    /// How far training pictures and windows are bent at random, as a share of their size, until the last steps of the run.
    /// `narrows train` sets 0.08 for pictures of 20 pixels or more.
    pub deform: Deform,
}

impl Default for Ae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            dropout: Dropout::default(),
            noise: Noise::default(),
            shift: Shift::default(),
            deform: Deform::default(),
        }
    }
}

impl Variant for Ae {
    const ABOUT: About = About {
        name: "ae",
        kind: Kind::Vanilla,
        title: "Deep autoencoder",
        summary: "Fully connected layers down to a small code and back, beside a linear path that starts at PCA.",
        paper: Paper {
            authors: "Hinton & Salakhutdinov",
            year: 2006,
            title: "Reducing the Dimensionality of Data with Neural Networks",
        },
        formula: "z = W x + f(x), x̂ = V z + g(z), minimise the mean over rows of sum_j w_j d(x_j, x̂_j)",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)?;
        check_moves(Self::ABOUT.name, &self.shift, &self.deform, data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let layers = Hidden { activation: self.activation, dropout: *self.dropout.get(), beside_path: self.skip };
        let networks = symmetric(data, self.widths.as_ref(), layers, Identity { code: self.code() }, scope)?;
        let augmentation = Augmentation::new(Corruption::noise(&self.noise), &self.shift, &self.deform, data);
        Ok(Box::new(Composed::new(data, networks, Reconstruction, augmentation, scope)))
    }
}

#[cfg(test)]
mod tests {
    use narrows_core::Dims;

    use super::*;

    #[test]
    fn moving_or_bending_rows_of_a_table_is_refused() {
        let config = Ae { shift: Shift::new(1).unwrap(), ..Ae::default() };
        let message = config.check(&DataSpec::gaussian(Dims::new([20]))).unwrap_err().to_string();
        assert!(message.contains("set shift = 0"), "{message}");
        let config = Ae { deform: Deform::new(0.1).unwrap(), ..Ae::default() };
        let message = config.check(&DataSpec::gaussian(Dims::new([20]))).unwrap_err().to_string();
        assert!(message.contains("set deform = 0"), "{message}");
    }
}
