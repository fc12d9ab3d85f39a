//! The evidence lower bound under a pressure on the divergence: `E_q[-log p(x|z)] + β KL(q(z|x) || p(z))` with one code
//! for each sample (Kingma & Welling 2014).

use narrows_core::{Group, Loss, Result, StepContext};
use narrows_tensor::ops::loss::kl_gaussian;

use super::{Inference, Objective, Parts, Posterior, Prior, Seen};

/// How the divergence enters the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pressure {
    /// `β(t) KL`, with β rising linearly from 0 over the first `warmup` share of the run.
    Weight {
        /// Final weight.
        beta: f64,
        /// Share of the run in `0..=1`.
        warmup: f64,
    },
    /// `γ |KL - C(t)|`, with C rising linearly from 0 over the whole run (Burgess et al. 2018).
    Capacity {
        /// Weight γ.
        gamma: f64,
        /// Final capacity in nats.
        capacity: f64,
    },
}

/// The bound with one code for each sample.
#[derive(Clone, Copy, Debug)]
pub struct Elbo {
    /// How the divergence enters the loss.
    pub pressure: Pressure,
    /// Nats of each latent that cost nothing (Kingma et al. 2016): a latent's divergence counts as at least this.
    pub free_bits: f64,
}

/// A factor that rises linearly from 0 to 1 over the first `warmup` share of the run; its first step moves already.
pub fn rising(warmup: f64, at: &StepContext) -> f64 {
    if warmup > 0.0 { ((at.step + 1) as f64 / (warmup * at.steps as f64)).min(1.0) } else { 1.0 }
}

impl Elbo {
    /// The bound itself, behind the first `warmup` share of the run, over which the divergence's weight rises from 0 to 1.
    pub fn warmed(warmup: f64) -> Self {
        Self { pressure: Pressure::Weight { beta: 1.0, warmup }, free_bits: 0.0 }
    }

    /// The divergence of each sample, at least the free bits of each latent.
    fn divergence(&self, posterior: &Posterior) -> Result<candle_core::Tensor> {
        if self.free_bits == 0.0 {
            return Ok(kl_gaussian(&posterior.mean, &posterior.log_var)?);
        }
        let each = posterior.divergence_by_latent()?;
        // Above the threshold the divergence itself, below it the constant.
        let above = each.gt(self.free_bits)?.to_dtype(each.dtype())?;
        let floor = above.affine(-self.free_bits, self.free_bits)?;
        Ok(((each * above)? + floor)?.sum(candle_core::D::Minus1)?)
    }

    /// The term or terms of a divergence.
    fn press(&self, divergence: candle_core::Tensor, loss: Loss, at: &StepContext) -> Result<Loss> {
        Ok(match self.pressure {
            Pressure::Weight { beta, warmup } => loss.with("kl", divergence, beta * rising(warmup, at)),
            Pressure::Capacity { gamma, capacity } => {
                let distance = (&divergence - capacity * at.progress())?.abs()?;
                loss.with("kl", divergence, 0.0).with("capacity", distance, gamma)
            }
        })
    }
}

impl Objective for Elbo {
    fn loss(&self, parts: &Parts, seen: &Seen<'_>, _: &Group, at: &StepContext) -> Result<Loss> {
        let posterior = parts.posterior(seen.u, seen.mode)?;
        let drawn = parts.drawn(&posterior, 1, &seen.noise)?;
        let loss = Loss::of("reconstruction", parts.nats(&drawn.z, seen.batch, seen.mode)?);
        let divergence = match (&parts.inference, &parts.prior) {
            (Inference::Normal, Prior::StandardNormal) => self.divergence(&posterior)?,
            _ => drawn.divergence.unwrap_or(drawn.log_ratio),
        };
        self.press(divergence, loss, at)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};
    use narrows_tensor::Key;

    use super::*;

    fn at(step: u64) -> StepContext {
        StepContext { step, steps: 10, key: Key::new(1).fold(step) }
    }

    #[test]
    fn free_bits_count_at_least_the_floor() {
        let row = |values: [f64; 2]| Tensor::new(&[values], &Device::Cpu).unwrap();
        let posterior = Posterior { mean: row([0.0, 2.0]), log_var: row([0.0, 0.0]) };
        let pressure = Pressure::Weight { beta: 1.0, warmup: 0.0 };
        let kl = |free_bits| Elbo { pressure, free_bits }.divergence(&posterior).unwrap().to_vec1::<f64>().unwrap()[0];
        assert!((kl(0.0) - 2.0).abs() < 1e-12);
        assert!((kl(0.5) - 2.5).abs() < 1e-12);
    }

    #[test]
    fn pressure_follows_the_step() {
        let divergence = Tensor::new(&[0f64], &Device::Cpu).unwrap();
        let press = |pressure, step| {
            Elbo { pressure, free_bits: 0.0 }.press(divergence.clone(), Loss::default(), &at(step)).unwrap()
        };
        let weight = |step| press(Pressure::Weight { beta: 4.0, warmup: 0.5 }, step).terms()[0].weight;
        assert_eq!([weight(0), weight(4), weight(9)], [0.8, 4.0, 4.0]);
        let loss = press(Pressure::Capacity { gamma: 3.0, capacity: 5.0 }, 4).total().unwrap();
        assert!((loss.to_scalar::<f64>().unwrap() - 3.0 * 2.0).abs() < 1e-12);
    }
}
