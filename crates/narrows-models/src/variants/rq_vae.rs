//! The autoencoder with residual codebooks.
//!
//! Lee, Kim, Kim, Cho & Han 2022, Autoregressive Image Generation using Residual Quantization: each part of the code is the
//! sum of one entry from each of several codebooks, each of which takes what the ones before left.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::vq_vae::{check_vector, vector};
use crate::augmentation::Augmentation;
use crate::bottleneck::Quantised;
use crate::composed::{Composed, Reconstruction};
use crate::config::{CodeSize, Depth, Entries, Weight, Widths};
use crate::network::mlp::Hidden;
use crate::network::symmetric;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Result};

/// Options of `rq-vae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RqVae {
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
    /// Values of one entry of the codebook; divides the code. Left out, the smallest divisor of the code from 4 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector: Option<CodeSize>,
    /// Entries of each codebook.
    pub codebook: Entries,
    /// Codebooks that refine each other.
    pub depth: Depth,
    /// Weight of the distance between the encoder's output and its entries.
    pub commitment: Weight,
}

impl Default for RqVae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            vector: None,
            codebook: Entries::constant(256),
            depth: Depth::constant(4),
            commitment: Weight::constant(0.25),
        }
    }
}

impl Variant for RqVae {
    const ABOUT: About = About {
        name: "rq-vae",
        kind: Kind::Variational,
        title: "Residual-quantised autoencoder",
        summary: "Codes are sums of entries of several codebooks, each of which refines the ones before.",
        paper: Paper {
            authors: "Lee, Kim, Kim, Cho & Han",
            year: 2022,
            title: "Autoregressive Image Generation using Residual Quantization",
        },
        formula: "z = Σ_d e_d, with e_d the entry of codebook d nearest to h - Σ_{i<d} e_i; minimise the reconstruction's loss + β Σ_d |h - sg(z_d)|²",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)?;
        check_vector(Self::ABOUT.name, self.code(), self.vector.as_ref())
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let layers = Hidden { activation: self.activation, dropout: 0.0, beside_path: self.skip };
        let (code, width) = (self.code(), vector(self.code(), self.vector.as_ref()));
        let (size, commitment) = (*self.codebook.get(), *self.commitment.get());
        let bottleneck = Quantised::new(code, width, size, *self.depth.get(), commitment, &scope.enter("codebook"))?;
        let networks = symmetric(data, self.widths.as_ref(), layers, bottleneck, scope)?;
        Ok(Box::new(Composed::new(data, networks, Reconstruction, Augmentation::default(), scope)))
    }
}
