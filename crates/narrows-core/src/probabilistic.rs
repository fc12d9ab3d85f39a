//! What a model with a distribution over samples gives beside an autoencoder: densities.

use candle_core::Tensor;
use narrows_tensor::Key;

use crate::{Batch, Result};

/// A latent-variable model `p(x, z) = p(z) p(x|z)` with an approximate posterior `q(z|x)`. Whatever is random comes from
/// the key.
pub trait Probabilistic {
    /// The batch as the likelihood sees it: drawn once from its intensities where the model binarises, else unchanged.
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn observed(&self, batch: &Batch, key: &Key) -> Result<Batch>;

    /// `log p(x, z) - log q(z|x)` in nats for `samples` codes of each sample, drawn from its posterior.
    ///
    /// # Shapes
    /// - returns: `[N, samples]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn log_weights(&self, batch: &Batch, samples: usize, key: &Key) -> Result<Tensor>;
}
