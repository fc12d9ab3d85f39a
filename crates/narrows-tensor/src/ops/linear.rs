//! Affine map with activation: `act(x Wᵀ + b)`.

use candle_core::Tensor;

use crate::{Activation, Result};

/// `act(x Wᵀ + b)` over the last dimension.
///
/// # Shapes
/// - `x`: `[.., in]`
/// - `weight`: `[out, in]`
/// - `bias`: `[out]`
/// - returns: `[.., out]`
///
/// # Errors
/// The shapes do not fit together.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    let y = x.broadcast_matmul(&weight.t()?)?;
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    activation.apply(&y)
}
