//! The autoencoder with a codebook.
//!
//! van den Oord, Vinyals & Kavukcuoglu 2017, Neural Discrete Representation Learning: each part of the code is replaced by
//! the nearest entry of a codebook. Entries are exponential moving averages of what is assigned to them, and entries that
//! nothing is assigned to begin anew at vectors of the batch.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::Quantised;
use crate::composed::{Composed, Reconstruction};
use crate::config::{CodeSize, Entries, Weight, Widths};
use crate::network::mlp::Hidden;
use crate::network::symmetric;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Error, Result};

/// Options of `vq-vae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct VqVae {
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
    /// Entries of the codebook.
    pub codebook: Entries,
    /// Weight of the distance between the encoder's output and its entries.
    pub commitment: Weight,
}

impl Default for VqVae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            vector: None,
            codebook: Entries::constant(512),
            commitment: Weight::constant(0.25),
        }
    }
}

impl Variant for VqVae {
    const ABOUT: About = About {
        name: "vq-vae",
        kind: Kind::Variational,
        title: "Vector-quantised autoencoder",
        summary: "Codes are entries of a learnt codebook, so that a sample becomes a few choices among them.",
        paper: Paper {
            authors: "van den Oord, Vinyals & Kavukcuoglu",
            year: 2017,
            title: "Neural Discrete Representation Learning",
        },
        formula: "z = the entry e_k nearest to h, for each part h of the encoder's output; minimise the reconstruction's loss + β |h - sg(z)|², e_k follow the means of what is assigned to them",
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
        let bottleneck = Quantised::new(code, width, size, 1, commitment, &scope.enter("codebook"))?;
        let networks = symmetric(data, self.widths.as_ref(), layers, bottleneck, scope)?;
        Ok(Box::new(Composed::new(data, networks, Reconstruction, Augmentation::default(), scope)))
    }
}

/// The smallest divisor of a code from this on is the size of an entry where none is given.
const VECTOR: usize = 4;

/// Values of one entry.
pub(super) fn vector(code: usize, chosen: Option<&CodeSize>) -> usize {
    let divisor = || (VECTOR..code).find(|width| code.is_multiple_of(*width)).unwrap_or(code);
    chosen.map_or_else(divisor, |width| *width.get())
}

/// Refuses entries that do not divide the code.
pub(super) fn check_vector(model: &'static str, code: usize, chosen: Option<&CodeSize>) -> Result<()> {
    let width = vector(code, chosen);
    if code.is_multiple_of(width) {
        return Ok(());
    }
    Err(Error::Misfit {
        model,
        option: "vector",
        value: width.to_string(),
        reason: format!("a code of {code} values cannot be cut into parts of {width}"),
        remedy: format!("leave vector out, or choose code = {}", code.div_ceil(width) * width),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_divide_the_code() {
        assert_eq!([3, 8, 28, 30, 7].map(|code| vector(code, None)), [3, 4, 4, 5, 7]);
        let chosen = CodeSize::new(3).unwrap();
        assert!(check_vector("vq-vae", 9, Some(&chosen)).is_ok());
        let refused = check_vector("vq-vae", 8, Some(&chosen)).unwrap_err().to_string();
        assert!(refused.contains("vector = 3") && refused.contains("code = 9"), "{refused}");
    }
}
