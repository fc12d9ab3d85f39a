//! Squared error: `Σ w (x̂ - x)²`.

use candle_core::Tensor;

use super::sum::{Element, sum2};
use crate::Result;

/// `Σ w (x̂ - x)²` for each sample.
///
/// # Shapes
/// - `x_hat`, `x`: `[N, ..sample]`
/// - `weight`: `[N, ..sample]` or `[..sample]`; a constant
/// - returns: `[N]`
///
/// # Errors
/// The shapes differ, or there are no samples.
pub fn squared_error(x_hat: &Tensor, x: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    sum2(Squared, [x_hat, x], weight)
}

#[derive(Clone, Copy)]
struct Squared;

impl Element<2> for Squared {
    const NAME: &'static str = "squared_error";

    #[inline(always)]
    fn value([x_hat, x]: [f32; 2]) -> f32 {
        (x_hat - x) * (x_hat - x)
    }

    #[inline(always)]
    fn slopes([x_hat, x]: [f32; 2]) -> [f32; 2] {
        [2.0 * (x_hat - x), 2.0 * (x - x_hat)]
    }

    fn composite([x_hat, x]: [&Tensor; 2]) -> Result<Tensor> {
        Ok((x_hat - x)?.sqr()?)
    }
}
