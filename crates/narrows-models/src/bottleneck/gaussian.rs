//! The variational bottleneck of Kingma & Welling 2014: the encoder gives mean and log-variance of a normal posterior,
//! `z = μ + σ ε`, and the loss gains `β KL(N(μ, σ²) || N(0, 1))`.

use candle_core::{D, Tensor};
use narrows_core::{Loss, Result, StepContext};
use narrows_tensor::ops::loss::kl_gaussian;
use narrows_tensor::random;

use super::{Bottleneck, Coded};

/// Largest size of a log-variance: `bound tanh(h / bound)` keeps `exp` finite and is the identity near 0.
const BOUND: f64 = 12.0;

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

/// A normal posterior for each sample, with diagonal covariance.
#[derive(Clone, Copy, Debug)]
pub struct Gaussian {
    /// Values in a code.
    pub code: usize,
    /// How the divergence enters the loss.
    pub pressure: Pressure,
    /// Nats of each latent that cost nothing (Kingma et al. 2016): a latent's divergence counts as at least this.
    pub free_bits: f64,
}

impl Gaussian {
    /// Mean and bounded log-variance.
    ///
    /// # Shapes
    /// - `h`: `[N, 2 code]`
    /// - returns: `[N, code]` each
    ///
    /// # Errors
    /// The hidden values are not twice the code.
    pub fn posterior(&self, h: &Tensor) -> Result<(Tensor, Tensor)> {
        let mean = h.narrow(D::Minus1, 0, self.code)?.contiguous()?;
        let raw = h.narrow(D::Minus1, self.code, self.code)?.contiguous()?;
        Ok((mean, ((raw / BOUND)?.tanh()? * BOUND)?))
    }

    fn divergence(&self, mean: &Tensor, log_var: &Tensor) -> Result<Tensor> {
        if self.free_bits == 0.0 {
            return Ok(kl_gaussian(mean, log_var)?);
        }
        let squares = (mean.sqr()? + log_var.exp()?)?;
        let each = ((squares - log_var)? - 1.0)?.affine(0.5, 0.0)?;
        // Above the threshold the divergence itself, below it the constant.
        let above = each.gt(self.free_bits)?.to_dtype(each.dtype())?;
        let floor = above.affine(-self.free_bits, self.free_bits)?;
        Ok(((each * above)? + floor)?.sum(D::Minus1)?)
    }
}

impl Bottleneck for Gaussian {
    fn hidden(&self) -> usize {
        2 * self.code
    }

    fn code(&self) -> usize {
        self.code
    }

    fn infer(&self, h: &Tensor) -> Result<Tensor> {
        Ok(self.posterior(h)?.0)
    }

    fn train(&self, h: &Tensor, at: &StepContext) -> Result<Coded> {
        let (mean, log_var) = self.posterior(h)?;
        let noise = random::normal(&at.key, mean.shape(), mean.dtype(), mean.device())?;
        let z = (&mean + ((&log_var * 0.5)?.exp()? * noise)?)?;
        let divergence = self.divergence(&mean, &log_var)?;
        let terms = match self.pressure {
            Pressure::Weight { beta, warmup } => {
                let share =
                    if warmup > 0.0 { ((at.step + 1) as f64 / (warmup * at.steps as f64)).min(1.0) } else { 1.0 };
                Loss::default().with("kl", divergence, beta * share)
            }
            Pressure::Capacity { gamma, capacity } => {
                let distance = (&divergence - capacity * at.progress())?.abs()?;
                Loss::default().with("kl", divergence, 0.0).with("capacity", distance, gamma)
            }
        };
        Ok(Coded { z, terms, updates: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_tensor::Key;

    use super::*;

    fn at(step: u64) -> StepContext {
        StepContext { step, steps: 10, key: Key::new(1).fold(step) }
    }

    fn bottleneck(pressure: Pressure, free_bits: f64) -> Gaussian {
        Gaussian { code: 2, pressure, free_bits }
    }

    #[test]
    fn samples_have_the_posteriors_mean_and_deviation() {
        let h = Tensor::new(&[[3f64, -1.0, 0.0, -2.0]], &Device::Cpu).unwrap().repeat((20_000, 1)).unwrap();
        let z = bottleneck(Pressure::Weight { beta: 1.0, warmup: 0.0 }, 0.0).train(&h, &at(0)).unwrap().z;
        let mean = z.mean(0).unwrap();
        let deviation = z.broadcast_sub(&mean).unwrap().sqr().unwrap().mean(0).unwrap().sqrt().unwrap();
        let (mean, deviation) = (mean.to_vec1::<f64>().unwrap(), deviation.to_vec1::<f64>().unwrap());
        assert!((mean[0] - 3.0).abs() < 0.03 && (mean[1] + 1.0).abs() < 0.03, "{mean:?}");
        let expected = (0.5 * BOUND * (-2.0 / BOUND).tanh()).exp();
        assert!((deviation[0] - 1.0).abs() < 0.02 && (deviation[1] - expected).abs() < 0.02, "{deviation:?}");
    }

    #[test]
    fn free_bits_count_at_least_the_floor() {
        let h = Tensor::new(&[[0f64, 2.0, 0.0, 0.0]], &Device::Cpu).unwrap();
        let weight = Pressure::Weight { beta: 1.0, warmup: 0.0 };
        let kl = |free| bottleneck(weight, free).train(&h, &at(0)).unwrap().terms.means().unwrap()[0].1;
        assert!((kl(0.0) - 2.0).abs() < 1e-12);
        assert!((kl(0.5) - 2.5).abs() < 1e-12);
    }

    #[test]
    fn pressure_follows_the_step() {
        let h = Tensor::zeros((1, 4), DType::F64, &Device::Cpu).unwrap();
        let warm = bottleneck(Pressure::Weight { beta: 4.0, warmup: 0.5 }, 0.0);
        let weight = |step| warm.train(&h, &at(step)).unwrap().terms.terms()[0].weight;
        assert_eq!([weight(0), weight(4), weight(9)], [0.8, 4.0, 4.0]);
        let capacity = bottleneck(Pressure::Capacity { gamma: 3.0, capacity: 5.0 }, 0.0);
        let loss = capacity.train(&h, &at(4)).unwrap().terms.total().unwrap().to_scalar::<f64>().unwrap();
        assert!((loss - 3.0 * 2.0).abs() < 1e-12);
    }
}
