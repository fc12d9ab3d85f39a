//! The divergence of the codes in three parts (Chen, Li, Grosse & Duvenaud 2018, Isolating Sources of Disentanglement):
//! `α I(z; n) + β TC(z) + γ Σ_j KL(q(z_j) || p(z_j))`, with the aggregate posterior estimated from the batch:
//! `log q(z_i) ≈ log 1/(N M) Σ_m q(z_i|x_m)` for M samples of a batch and N training rows.

use candle_core::{D, Tensor};
use narrows_core::{Group, Loss, Result, StepContext};

use super::{Objective, Parts, Posterior, Seen, log_standard_normal, rising};

/// The bound with the three parts under weights of their own.
#[derive(Clone, Copy, Debug)]
pub struct TotalCorrelation {
    /// Weight α of the information between samples and codes.
    pub information: f64,
    /// Weight β of the total correlation.
    pub correlation: f64,
    /// Weight γ of the divergence of each latent.
    pub by_latent: f64,
    /// Training rows, N; where unknown, all posteriors of the batch make up the mixture (N = 1).
    pub rows: Option<usize>,
    /// Share of the run over which the weights rise from 0.
    pub warmup: f64,
}

/// `log q(z)` and `Σ_j log q(z_j)` of the codes of a batch, each drawn from the posterior in its place.
///
/// # Shapes
/// - `z`: `[M, code]`
/// - returns: `[M]` each
///
/// # Errors
/// The codes do not belong to the posteriors.
fn aggregate(posterior: &Posterior, z: &Tensor, rows: usize) -> Result<(Tensor, Tensor)> {
    let (m, code) = z.dims2()?;
    // [i, m, j]: log q(z_ij | x_m)
    let apart = z.unsqueeze(1)?.broadcast_sub(&posterior.mean.unsqueeze(0)?)?;
    let log_var = posterior.log_var.unsqueeze(0)?;
    let density = apart.sqr()?.broadcast_mul(&log_var.neg()?.exp()?)?.broadcast_add(&log_var)?;
    let density = density.affine(-0.5, -0.5 * std::f64::consts::TAU.ln())?;
    let samples = (rows as f64 * m as f64).ln();
    let joint = log_sum_exp(&density.sum(D::Minus1)?)?.affine(1.0, -samples)?;
    let marginal = log_sum_exp(&density.transpose(1, 2)?.contiguous()?)?.sum(D::Minus1)?;
    Ok((joint, marginal.affine(1.0, -samples * code as f64)?))
}

/// `log Σ exp` over the last dimension.
fn log_sum_exp(x: &Tensor) -> Result<Tensor> {
    let largest = x.max_keepdim(D::Minus1)?.detach();
    let sum = x.broadcast_sub(&largest)?.exp()?.sum(D::Minus1)?.log()?;
    Ok((sum + largest.squeeze(D::Minus1)?)?)
}

impl Objective for TotalCorrelation {
    fn loss(&self, parts: &Parts, seen: &Seen<'_>, _: &Group, at: &StepContext) -> Result<Loss> {
        let posterior = parts.posterior(seen.u, seen.mode)?;
        let (z, noise) = posterior.draw(1, &seen.noise)?;
        let (joint, marginal) = aggregate(&posterior, &z, self.rows.unwrap_or(1))?;
        let share = rising(self.warmup, at);
        Ok(Loss::of("reconstruction", parts.nats(&z, seen.batch, seen.mode)?)
            .with("information", (posterior.log_density(&noise)? - &joint)?, share * self.information)
            .with("correlation", (joint - &marginal)?, share * self.correlation)
            .with("by-latent", (marginal - log_standard_normal(&z)?)?, share * self.by_latent))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use narrows_tensor::{DType, Key, random};

    use super::*;

    #[test]
    fn independent_latents_have_no_total_correlation_and_copies_have() {
        let normal = |name: &str| random::normal(&Key::new(4).named(name), (600, 1), DType::F64, &Device::Cpu).unwrap();
        let correlation = |second: &Tensor| {
            let mean = Tensor::cat(&[&normal("first"), second], 1).unwrap();
            let log_var = mean.zeros_like().unwrap().affine(0.0, -1.0).unwrap();
            let posterior = Posterior { mean, log_var };
            let (z, _) = posterior.draw(1, &Key::new(5)).unwrap();
            // With N = 1 the weights are those of a mixture of all posteriors, times M.
            let (joint, marginal) = aggregate(&posterior, &z, 1).unwrap();
            (joint - marginal).unwrap().mean_all().unwrap().to_scalar::<f64>().unwrap()
        };
        let (independent, copied) = (correlation(&normal("second")), correlation(&normal("first")));
        assert!(independent.abs() < 0.1, "{independent}");
        // Two latents with one mean of variance 1 and noise of variance 1/e: -½ log(1 - ρ²), ρ = 1 / (1 + 1/e).
        let rho = 1.0 / (1.0 + (-1f64).exp());
        let expected = -0.5 * (1.0 - rho * rho).ln();
        assert!((copied - expected).abs() < 0.1, "{copied} for {expected}");
    }
}
