//! The parts of a variational model: networks with a normal posterior, likelihood and prior.

use candle_core::Tensor;
use narrows_core::{Batch, Result};
use narrows_tensor::Key;

use super::posterior::each;
use super::{Bound, Posterior, Prior};
use crate::bottleneck::Gaussian;
use crate::composed::Networks;
use crate::network::Mode;

/// What a variational model consists of.
pub struct Parts {
    /// Encoder, decoder, and the fixed maps around them.
    pub networks: Networks<Gaussian>,
    /// `-log p(x|z)` of the decoder's output.
    pub bound: Bound,
    /// `p(z)`.
    pub prior: Prior,
}

impl Parts {
    /// `q(z|x)`.
    ///
    /// # Shapes
    /// - `u`: `[N, ..sample]`, scaled
    ///
    /// # Errors
    /// The sample is not the one that the networks were built for.
    pub fn posterior(&self, u: &Tensor, mode: Mode) -> Result<Posterior> {
        self.networks.bottleneck.posterior(&self.networks.hidden(u, mode)?)
    }

    /// `-log p(x|z)` in nats of codes whose number is a multiple of the batch's; those of one sample follow each other.
    ///
    /// # Shapes
    /// - `z`: `[N samples, code]`
    /// - returns: `[N samples]`
    ///
    /// # Errors
    /// The codes do not belong to the batch.
    pub fn nats(&self, z: &Tensor, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let samples = z.dim(0)? / batch.target().dim(0)?;
        let output = self.networks.output(z, mode)?;
        let target = each(batch.target(), samples)?;
        let observed = batch.observed.as_ref().map(|observed| each(observed, samples)).transpose()?;
        self.bound.nats(&self.networks, &output, &target, observed.as_ref())
    }

    /// `log p(x, z) - log q(z|x)` in nats for `samples` codes of each sample.
    ///
    /// # Shapes
    /// - returns: `[N, samples]`
    ///
    /// # Errors
    /// The posterior does not belong to the batch.
    pub fn log_weights(
        &self,
        posterior: &Posterior,
        batch: &Batch,
        samples: usize,
        noise: &Key,
        mode: Mode,
    ) -> Result<Tensor> {
        let (z, noise) = posterior.draw(samples, noise)?;
        let prior = (self.prior.log_density(&z, &self.networks)? - posterior.log_density(&noise)?)?;
        Ok((prior - self.nats(&z, batch, mode)?)?.reshape(((), samples))?)
    }
}
