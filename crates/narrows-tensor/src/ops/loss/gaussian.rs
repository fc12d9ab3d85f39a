//! Gaussian negative log-likelihood: `Σ w ½ (log σ² + (x - μ)² / σ² + log 2π)`.

use candle_core::Tensor;

use super::sum::{Element, sum3};
use crate::Result;
use crate::kernel::math;

/// `Σ w ½ (log σ² + (x - μ)² / σ² + log 2π)` for each sample.
///
/// # Shapes
/// - `mean`, `log_var`, `x`: `[N, ..sample]`
/// - `weight`: `[N, ..sample]` or `[..sample]`; a constant
/// - returns: `[N]`
///
/// # Errors
/// The shapes differ, or there are no samples.
pub fn gaussian_nll(mean: &Tensor, log_var: &Tensor, x: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    sum3(Gaussian, [mean, log_var, x], weight)
}

const LOG_TAU: f64 = 1.837_877_066_409_345_3;

#[derive(Clone, Copy)]
struct Gaussian;

impl Element<3> for Gaussian {
    const NAME: &'static str = "gaussian_nll";

    #[inline(always)]
    fn value([mean, log_var, x]: [f32; 3]) -> f32 {
        0.5 * (log_var + (x - mean) * (x - mean) * math::exp(-log_var) + LOG_TAU as f32)
    }

    #[inline(always)]
    fn slopes([mean, log_var, x]: [f32; 3]) -> [f32; 3] {
        let precise = (mean - x) * math::exp(-log_var);
        [precise, 0.5 * (1.0 - precise * (mean - x)), -precise]
    }

    fn composite([mean, log_var, x]: [&Tensor; 3]) -> Result<Tensor> {
        let scaled = ((x - mean)?.sqr()? * log_var.neg()?.exp()?)?;
        Ok((log_var + scaled)?.affine(0.5, 0.5 * LOG_TAU)?)
    }
}
