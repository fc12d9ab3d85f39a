//! Binary cross-entropy of logits: `Σ w (-x log σ(l) - (1 - x) log(1 - σ(l)))`.

use candle_core::Tensor;

use super::sum::{Element, sum2};
use crate::kernel::math;
use crate::{Activation, Result};

/// `Σ w (max(l, 0) - l x + log(1 + exp(-|l|)))` for each sample: the cross-entropy without overflow.
///
/// # Shapes
/// - `logits`, `x`: `[N, ..sample]`, with `x` in `0..=1`
/// - `weight`: `[N, ..sample]` or `[..sample]`; a constant
/// - returns: `[N]`
///
/// # Errors
/// The shapes differ, or there are no samples.
pub fn bce_with_logits(logits: &Tensor, x: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    sum2(Bernoulli, [logits, x], weight)
}

#[derive(Clone, Copy)]
struct Bernoulli;

impl Element<2> for Bernoulli {
    const NAME: &'static str = "bce_with_logits";

    #[inline(always)]
    fn value([logit, x]: [f32; 2]) -> f32 {
        math::softplus(logit) - logit * x
    }

    #[inline(always)]
    fn slopes([logit, x]: [f32; 2]) -> [f32; 2] {
        [math::sigmoid(logit) - x, -logit]
    }

    fn composite([logit, x]: [&Tensor; 2]) -> Result<Tensor> {
        Ok((Activation::Softplus.apply(logit)? - (logit * x)?)?)
    }
}
