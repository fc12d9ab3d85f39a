//! The negative log-likelihood in nats, so that with a divergence of codes the loss is a bound on `-log p(x)`. Real
//! features share one variance, learned with the networks (Rybkin, Daniilidis & Levine 2021) in units of their scale, or
//! fixed.

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::{Init, Scope};

use crate::composed::Networks;
use crate::{Family, Likelihood};

/// `-log p(x|z)` with the parameters of the likelihood that do not come from the decoder.
#[derive(Clone, Debug)]
pub struct Bound {
    log_var: Tensor,
}

impl Bound {
    /// A bound with a fixed deviation of real features in units of their scale, or a learned one (`None`).
    ///
    /// # Errors
    /// The scope has a parameter called `log_var` already.
    pub fn new(deviation: Option<f64>, likelihood: &Likelihood, scope: &Scope) -> Result<Self> {
        let real = match likelihood {
            Likelihood::Gaussian => true,
            Likelihood::Bernoulli => false,
            Likelihood::Mixed(row) => row.heads().iter().any(|head| head.family == Family::Gaussian),
        };
        let log_var = match deviation {
            None if real => scope.parameter("log_var", (), Init::Constant(0.0))?,
            deviation => Tensor::new(2.0 * deviation.unwrap_or(1.0).ln(), scope.device())?.to_dtype(scope.dtype())?,
        };
        Ok(Self { log_var })
    }

    /// The standard deviation of each real feature around the decoder's output.
    ///
    /// # Shapes
    /// - returns: `[..sample]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn deviation<B>(&self, networks: &Networks<B>) -> Result<Tensor> {
        Ok(networks.scaling.scale().broadcast_mul(&(&self.log_var * 0.5)?.exp()?)?.detach())
    }

    /// `-log p(x|z)` of each sample.
    ///
    /// # Shapes
    /// - `output`, `target`, `observed`: `[N, ..sample]`
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The shapes differ.
    pub fn nats<B>(
        &self,
        networks: &Networks<B>,
        output: &Tensor,
        target: &Tensor,
        observed: Option<&Tensor>,
    ) -> Result<Tensor> {
        networks.likelihood.nats(output, target, observed, networks.scaling.scale(), &self.log_var)
    }
}
