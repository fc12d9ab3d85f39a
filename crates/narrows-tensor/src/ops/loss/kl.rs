//! Divergence of a diagonal Gaussian from the standard normal: `½ Σ (μ² + σ² - 1 - log σ²)` (Kingma & Welling 2014).

use candle_core::Tensor;

use super::sum::{Element, sum2};
use crate::Result;
use crate::kernel::math;

/// `½ Σ (μ² + σ² - 1 - log σ²)` for each sample.
///
/// # Shapes
/// - `mean`, `log_var`: `[N, ..code]`
/// - returns: `[N]`
///
/// # Errors
/// The shapes differ, or there are no samples.
pub fn kl_gaussian(mean: &Tensor, log_var: &Tensor) -> Result<Tensor> {
    sum2(Divergence, [mean, log_var], None)
}

#[derive(Clone, Copy)]
struct Divergence;

impl Element<2> for Divergence {
    const NAME: &'static str = "kl_gaussian";

    #[inline(always)]
    fn value([mean, log_var]: [f32; 2]) -> f32 {
        0.5 * (mean * mean + math::exp(log_var) - 1.0 - log_var)
    }

    #[inline(always)]
    fn slopes([mean, log_var]: [f32; 2]) -> [f32; 2] {
        [mean, 0.5 * (math::exp(log_var) - 1.0)]
    }

    fn composite([mean, log_var]: [&Tensor; 2]) -> Result<Tensor> {
        Ok((((mean.sqr()? + log_var.exp()?)? - log_var)? - 1.0)?.affine(0.5, 0.0)?)
    }
}
