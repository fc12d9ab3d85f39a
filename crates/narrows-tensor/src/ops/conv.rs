//! Convolution and transposed convolution in channels-last layout, with bias and activation.

use candle_core::Tensor;

use crate::{Activation, Result};

/// How a kernel moves over an axis pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride2 {
    /// Step along (height, width).
    pub stride: (usize, usize),
    /// Zeros added on each side of (height, width).
    pub padding: (usize, usize),
    /// Rows and columns added behind the output of a transposed convolution; zero for a convolution.
    pub output_padding: (usize, usize),
}

/// `act(conv(x, W) + b)`, cross-correlation as in PyTorch's `Conv2d`.
///
/// # Shapes
/// - `x`: `[N, H, W, in]`
/// - `weight`: `[out, KH, KW, in]`
/// - `bias`: `[out]`
/// - returns: `[N, (H + 2 PH - KH) / SH + 1, (W + 2 PW - KW) / SW + 1, out]`
///
/// # Errors
/// The shapes do not fit together, or the padded input is smaller than the kernel.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    at: Stride2,
    activation: Activation,
) -> Result<Tensor> {
    let x = x.permute((0, 3, 1, 2))?.contiguous()?;
    let weight = weight.permute((0, 3, 1, 2))?.contiguous()?;
    let y = x.conv2d(&weight, at.padding.0, at.stride.0, 1, 1)?.permute((0, 2, 3, 1))?.contiguous()?;
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    activation.apply(&y)
}

/// `act(convᵀ(x, W) + b)`, as PyTorch's `ConvTranspose2d`: the adjoint of [`conv2d`] with the same weight.
///
/// # Shapes
/// - `x`: `[N, H, W, in]`
/// - `weight`: `[in, KH, KW, out]`
/// - `bias`: `[out]`
/// - returns: `[N, (H - 1) SH - 2 PH + KH + OH, (W - 1) SW - 2 PW + KW + OW, out]` with output padding `(OH, OW)`
///
/// # Errors
/// The shapes do not fit together, or the output padding is not smaller than the stride.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    at: Stride2,
    activation: Activation,
) -> Result<Tensor> {
    let x = x.permute((0, 3, 1, 2))?.contiguous()?;
    let weight = weight.permute((0, 3, 1, 2))?.contiguous()?;
    let y = x.conv_transpose2d(&weight, at.padding.0, at.output_padding.0, at.stride.0, 1)?;
    let y = y.permute((0, 2, 3, 1))?.contiguous()?;
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    activation.apply(&y)
}
