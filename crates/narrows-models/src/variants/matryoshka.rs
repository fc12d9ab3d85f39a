//! The Matryoshka sparse autoencoder.
//!
//! Bussmann et al. 2025, Learning Multi-Level Features with Matryoshka Sparse Autoencoders: BatchTopK over a dictionary whose
//! prefixes reconstruct by themselves, minimising the mean over prefixes `m` of `|x - x̂_m|²` with
//! `x̂_m = Σ_{i < m} f_i d_i + c`, and AuxK. Early latents learn what is general, late ones what is special.

use narrows_core::Trainable;
use narrows_tensor::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch_top_k::{BatchTopK, LargestOfBatch};
use crate::config::{Active, CodeSize, Prefixes, Samples, Weight};
use crate::sparse::options::{check, default_latents};
use crate::sparse::{Parts, SparseAutoencoder};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::{DataSpec, Error, Result};

/// Options of `matryoshka`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Matryoshka {
    /// Number of latents; may be larger than the number of features.
    pub code: CodeSize,
    /// Latents that are active at a time, on average over a batch. Left out, 32, and in small codes an eighth of the latents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<Active>,
    /// Numbers of first latents that reconstruct by themselves, ascending; the whole code always does. Left out, a sixteenth,
    /// an eighth, a quarter and a half of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Prefixes>,
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

impl Default for Matryoshka {
    fn default() -> Self {
        let BatchTopK { code, k, aux_weight, aux_k, dead_after } = BatchTopK::default();
        Self { code, k, prefixes: None, aux_weight, aux_k, dead_after }
    }
}

impl Matryoshka {
    /// The ends of all prefixes, the whole code last.
    fn prefixes(&self) -> Vec<usize> {
        let code = *self.code.get();
        let mut ends = match &self.prefixes {
            Some(prefixes) => prefixes.get().clone(),
            None => [16, 8, 4, 2].iter().map(|share| code / share).filter(|&end| end > 0).collect(),
        };
        ends.push(code);
        ends.dedup();
        ends
    }
}

impl Variant for Matryoshka {
    const ABOUT: About = About {
        name: "matryoshka",
        kind: Kind::Sparse,
        title: "Matryoshka sparse autoencoder",
        summary: "Nested dictionaries: the first directions reconstruct by themselves, the later ones add detail.",
        paper: Paper {
            authors: "Bussmann et al.",
            year: 2025,
            title: "Learning Multi-Level Features with Matryoshka Sparse Autoencoders",
        },
        formula: "f = BatchTopK(W (u - c) + b), x̂_m = sum_{i<m} f_i d_i + c, minimise mean_m |x - x̂_m|² + α |e - ê|²",
    };

    code_size!();

    fn default_code(&self, data: &DataSpec) -> usize {
        default_latents(data)
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check(Self::ABOUT.name, [("k", self.k.as_ref()), ("aux-k", self.aux_k.as_ref())], self.code(), data)?;
        let ends = self.prefixes();
        if ends.is_sorted_by(|a, b| a < b) {
            return Ok(());
        }
        Err(Error::Contradiction {
            model: Self::ABOUT.name,
            option: "prefixes",
            value: format!("{:?}", self.prefixes.as_ref().map(Prefixes::get).cloned().unwrap_or_default()),
            other: format!("code = {}", self.code()),
            reason: "prefixes of the code grow, and none is longer than the code".into(),
            remedy: "list ascending numbers up to the code, or leave the option out".into(),
        })
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let Self { code, k, aux_weight, aux_k, dead_after, .. } = self.clone();
        let options = BatchTopK { code, k, aux_weight, aux_k, dead_after }.of_each();
        // With a shorter encoder a quarter of the latents, those of the last prefixes, would never be chosen.
        let parts = Parts { prefixes: self.prefixes(), encoder_length: 1.0, ..options.parts(data) };
        let rule = |scope: &Scope| LargestOfBatch::new(options.active(), scope);
        Ok(Box::new(SparseAutoencoder::new(data, parts, rule, scope)?))
    }
}

#[cfg(test)]
mod tests {
    use narrows_core::Dims;

    use super::*;

    #[test]
    fn prefixes_grow_to_the_code() {
        let config = |code, prefixes: Option<Vec<usize>>| Matryoshka {
            code: CodeSize::new(code).unwrap(),
            prefixes: prefixes.map(|prefixes| Prefixes::new(prefixes).unwrap()),
            ..Matryoshka::default()
        };
        assert_eq!(config(6144, None).prefixes(), [384, 768, 1536, 3072, 6144]);
        assert_eq!(config(3, None).prefixes(), [1, 3]);
        assert_eq!(config(8, Some(vec![2, 8])).prefixes(), [2, 8]);
        let data = DataSpec::gaussian(Dims::new([4]));
        for wrong in [vec![4, 2], vec![9]] {
            let message = config(8, Some(wrong)).check(&data).unwrap_err().to_string();
            assert!(message.contains("contradicts code = 8") && message.contains("ascending"), "{message}");
        }
    }
}
