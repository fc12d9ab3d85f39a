//! AuxK (Gao et al. 2024, Scaling and evaluating sparse autoencoders): dead latents learn what the living ones leave over.
//!
//! `α |e - ê|²` with the error `e = u - v`, held fixed, and `ê = Σ f_i d_i` over the `k_aux` most active dead latents.

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::ops::loss::squared_error;
use narrows_tensor::ops::sparse::{decode_sparse, encode_top_k};

use super::Dictionary;

/// How dead latents are revived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Revival {
    /// Weight α.
    pub weight: f64,
    /// Dead latents that take part for a sample.
    pub k: usize,
}

impl Revival {
    /// The distance of what dead latents say from what is left over.
    ///
    /// # Shapes
    /// - `centred`: `[N, features]`
    /// - `error`: `[N, features]`, without gradient
    /// - `dead`: at least one latent
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The shapes differ.
    pub fn loss(&self, dictionary: &Dictionary, centred: &Tensor, error: &Tensor, dead: &[u32]) -> Result<Tensor> {
        let rows = Tensor::new(dead, centred.device())?;
        let [encoder, bias, directions] = [&dictionary.encoder, &dictionary.bias, &dictionary.directions]
            .map(|parameter| parameter.index_select(&rows, 0));
        let active = encode_top_k(centred, &encoder?, &bias?, self.k.clamp(1, dead.len()))?;
        Ok(squared_error(&decode_sparse(&active, &directions?, None)?, error, None)?)
    }
}
