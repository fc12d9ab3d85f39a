//! The variational bottleneck of Kingma & Welling 2014: the encoder gives mean and log-variance of a normal posterior,
//! and `z = μ + σ ε`.

use candle_core::{D, Tensor};
use narrows_core::{Loss, Result, StepContext};

use super::{Bottleneck, Coded};
use crate::variational::Posterior;

/// Largest size of a log-variance: `bound tanh(h / bound)` keeps `exp` finite and is the identity near 0.
const BOUND: f64 = 12.0;

/// A normal posterior for each sample, with diagonal covariance.
#[derive(Clone, Copy, Debug)]
pub struct Gaussian {
    /// Values in a code.
    pub code: usize,
}

impl Gaussian {
    /// The posterior with its log-variance bounded.
    ///
    /// # Shapes
    /// - `h`: `[N, 2 code]`
    ///
    /// # Errors
    /// The hidden values are not twice the code.
    pub fn posterior(&self, h: &Tensor) -> Result<Posterior> {
        let mean = h.narrow(D::Minus1, 0, self.code)?.contiguous()?;
        let raw = h.narrow(D::Minus1, self.code, self.code)?.contiguous()?;
        Ok(Posterior { mean, log_var: ((raw / BOUND)?.tanh()? * BOUND)? })
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
        Ok(self.posterior(h)?.mean)
    }

    fn train(&self, h: &Tensor, at: &StepContext) -> Result<Coded> {
        let (z, _) = self.posterior(h)?.draw(1, &at.key)?;
        Ok(Coded { z, terms: Loss::default(), updates: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use narrows_tensor::Key;

    use super::*;

    #[test]
    fn samples_have_the_posteriors_mean_and_deviation() {
        let h = Tensor::new(&[[3f64, -1.0, 0.0, -2.0]], &Device::Cpu).unwrap().repeat((20_000, 1)).unwrap();
        let at = StepContext { step: 0, steps: 10, key: Key::new(1) };
        let z = Gaussian { code: 2 }.train(&h, &at).unwrap().z;
        let mean = z.mean(0).unwrap();
        let deviation = z.broadcast_sub(&mean).unwrap().sqr().unwrap().mean(0).unwrap().sqrt().unwrap();
        let (mean, deviation) = (mean.to_vec1::<f64>().unwrap(), deviation.to_vec1::<f64>().unwrap());
        assert!((mean[0] - 3.0).abs() < 0.03 && (mean[1] + 1.0).abs() < 0.03, "{mean:?}");
        let expected = (0.5 * BOUND * (-2.0 / BOUND).tanh()).exp();
        assert!((deviation[0] - 1.0).abs() < 0.02 && (deviation[1] - expected).abs() < 0.02, "{deviation:?}");
    }
}
