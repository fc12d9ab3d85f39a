//! The importance-weighted bound (Burda, Grosse & Salakhutdinov 2016): `-log 1/k Σ_i p(x, z_i) / q(z_i|x)` with k codes
//! for each sample. With k = 1 it is the evidence lower bound; it rises with k towards `-log p(x)` from above.

use candle_core::Tensor;
use narrows_core::{Group, Loss, Result, StepContext};

use super::{Objective, Parts, Seen};

/// The bound with `samples` codes for each sample, behind the first `single` share of the run with one.
#[derive(Clone, Copy, Debug)]
pub struct ImportanceWeighted {
    /// Codes for each sample, k.
    pub samples: usize,
    /// Share of the run in `0..=1` with one code for each sample.
    pub single: f64,
}

impl Objective for ImportanceWeighted {
    fn loss(&self, parts: &Parts, seen: &Seen<'_>, _: &Group, at: &StepContext) -> Result<Loss> {
        let posterior = parts.posterior(seen.u, seen.mode)?;
        let samples = if at.progress() < self.single { 1 } else { self.samples };
        let weights = parts.log_weights(&posterior, seen.batch, samples, &seen.noise, seen.mode)?;
        Ok(Loss::of("bound", log_mean_exp(&weights)?.neg()?))
    }
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
