//! The objective of variational models: the negative log-likelihood in nats, so that with the bottleneck's divergence the
//! loss is a bound on `-log p(x)`. Real features share one variance, learned with the networks (Rybkin, Daniilidis & Levine
//! 2021) in units of their scale, or fixed.

use candle_core::Tensor;
use narrows_core::{Loss, Result, StepContext};
use narrows_tensor::{Init, Scope};

use crate::composed::{Networks, Objective, Pass};
use crate::{Family, Likelihood};

/// The negative log-likelihood, called `reconstruction`.
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
}

impl<B> Objective<B> for Bound {
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, _: &StepContext) -> Result<Loss> {
        let (target, observed) = (pass.batch.target(), pass.batch.observed.as_ref());
        let scale = model.scaling.scale();
        let nats = model.likelihood.nats(pass.output, target, observed, scale, &self.log_var)?;
        Ok(Loss::of("reconstruction", nats))
    }
}
