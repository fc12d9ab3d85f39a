//! The importance-weighted bound (Burda, Grosse & Salakhutdinov 2016): `-log 1/k Σ_i p(x, z_i) / q(z_i|x)` with k codes
//! for each sample. With k = 1 it is the evidence lower bound; it rises with k towards `-log p(x)` from above.

use candle_core::{Tensor, Var};
use narrows_core::{Group, Loss, Result, StepContext};
use narrows_tensor::ops::softmax::softmax;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::posterior::{each, log_normal};
use super::{Objective, Parts, Posterior, Seen};

/// How the encoder's gradient is estimated. Both have the same mean; the decoder's is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Estimator {
    /// Through the noise of the codes, as it is (Kingma & Welling 2014).
    #[default]
    Reparameterised,
    /// `Σ_i w_i² ∂(log p(x, z_i) - log q(z_i|x))/∂z_i ∂z_i/∂φ` for weights `w` of sum 1 (Tucker, Lawson, Gu & Maddison
    /// 2019): without noise where `q(z|x)` is `p(z|x)`.
    DoublyReparameterised,
}

/// The bound with `samples` codes for each sample, behind the first `single` share of the run with one.
#[derive(Clone, Copy, Debug)]
pub struct ImportanceWeighted {
    /// Codes for each sample, k.
    pub samples: usize,
    /// Share of the run in `0..=1` with one code for each sample.
    pub single: f64,
    /// How the encoder's gradient is estimated.
    pub estimator: Estimator,
}

impl Objective for ImportanceWeighted {
    fn loss(&self, parts: &Parts, seen: &Seen<'_>, _: &Group, at: &StepContext) -> Result<Loss> {
        let posterior = parts.posterior(seen.u, seen.mode)?;
        let samples = if at.progress() < self.single { 1 } else { self.samples };
        let log_weights = match self.estimator {
            Estimator::Reparameterised => parts.log_weights(&posterior, seen.batch, samples, &seen.noise, seen.mode)?,
            Estimator::DoublyReparameterised => doubly_reparameterised(parts, &posterior, samples, seen)?,
        };
        Ok(Loss::of("bound", log_mean_exp(&log_weights)?.neg()?))
    }
}

/// `log p(x, z) - log q(z|x)` for `samples` codes of each sample, where q has no gradient but through its codes, and what
/// reaches a code is multiplied by the code's weight once more.
///
/// # Shapes
/// - returns: `[N, samples]`
fn doubly_reparameterised(parts: &Parts, posterior: &Posterior, samples: usize, seen: &Seen<'_>) -> Result<Tensor> {
    let (z, _) = posterior.draw(samples, &seen.noise)?;
    // Its value is known only when the codes have been decoded; until then the codes pass as they are.
    let weight = Var::zeros((z.dim(0)?, 1), z.dtype(), z.device())?;
    let still = z.detach();
    let z = (&still + (&z - &still)?.broadcast_mul(&weight)?)?;
    let fixed = |statistic: &Tensor| each(&statistic.detach(), samples);
    let q = Posterior { mean: fixed(&posterior.mean)?, log_var: fixed(&posterior.log_var)? };
    let log_p = (parts.prior.log_density(&z, &parts.networks)? - parts.nats(&z, seen.batch, seen.mode)?)?;
    let log_weights = (log_p - log_normal(&z, &q)?)?.reshape(((), samples))?;
    weight.set(&softmax(&log_weights.detach())?.reshape(((), 1))?)?;
    Ok(log_weights)
}

/// `log 1/k Σ exp(w)` over the last dimension.
///
/// # Shapes
/// - `log_weights`: `[N, k]`
/// - returns: `[N]`
///
/// # Errors
/// Candle cannot compute it.
pub fn log_mean_exp(log_weights: &Tensor) -> Result<Tensor> {
    let k = log_weights.dim(1)? as f64;
    let largest = log_weights.max_keepdim(1)?.detach();
    let sum = log_weights.broadcast_sub(&largest)?.exp()?.sum(1)?;
    Ok(((sum / k)?.log()? + largest.squeeze(1)?)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_mean_is_taken_of_weights_and_not_of_logarithms() {
        let log_weights = Tensor::new(&[[-1000f64, -1000.0 + 3f64.ln()]], &Device::Cpu).unwrap();
        let mean = log_mean_exp(&log_weights).unwrap().to_vec1::<f64>().unwrap()[0];
        assert!((mean - (-1000.0 + 2f64.ln())).abs() < 1e-9, "{mean}");
    }
}
