//! The autoencoder whose latents take few levels.
//!
//! Mentzer, Minnen, Agustsson & Tschannen 2024, Finite Scalar Quantization: VQ-VAE Made Simple: every latent is bounded and
//! rounded to one of L levels; the codebook is the grid of all their combinations, and nothing about it is learnt.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::Levels;
use crate::composed::{Composed, Reconstruction};
use crate::config::{CodeSize, LevelCounts, Widths};
use crate::network::mlp::Hidden;
use crate::network::symmetric;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Result};

/// Options of `fsq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Fsq {
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
    /// Levels of the latents, in order; the list repeats where it is shorter than the code.
    pub levels: LevelCounts,
}

impl Default for Fsq {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            levels: LevelCounts::default(),
        }
    }
}

impl Variant for Fsq {
    const ABOUT: About = About {
        name: "fsq",
        kind: Kind::Variational,
        title: "Autoencoder with finite scalar quantisation",
        summary: "Every value of the code takes one of a few levels; their combinations are the codebook.",
        paper: Paper {
            authors: "Mentzer, Minnen, Agustsson & Tschannen",
            year: 2024,
            title: "Finite Scalar Quantization: VQ-VAE Made Simple",
        },
        formula: "z_j = round(a_j tanh(h_j + s_j) - o_j) / ⌊L_j / 2⌋ with a_j = (L_j - 1) / 2; minimise the reconstruction's loss, with the gradient of the rounded value",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let layers = Hidden { activation: self.activation, dropout: 0.0, beside_path: self.skip };
        let bottleneck = Levels::new(self.code(), self.levels.get());
        let networks = symmetric(data, self.widths.as_ref(), layers, bottleneck, scope)?;
        Ok(Box::new(Composed::new(data, networks, Reconstruction, Augmentation::default(), scope)))
    }
}
