//! Convolution and transposed convolution along one axis, channels last: those of pictures that are one pixel high.

use candle_core::Tensor;

use crate::ops::conv::{Stride2, conv_transpose2d, conv2d};
use crate::{Activation, Error, Result};

/// How a kernel moves along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride1 {
    /// Step.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// Values added behind the output of a transposed convolution; zero for a convolution.
    pub output_padding: usize,
}

impl Stride1 {
    fn in_two(self) -> Stride2 {
        Stride2 { stride: (1, self.stride), padding: (0, self.padding), output_padding: (0, self.output_padding) }
    }
}

/// `act(conv(x, W) + b)`, cross-correlation as in PyTorch's `Conv1d`.
///
/// # Shapes
/// - `x`: `[N, T, in]`
/// - `weight`: `[out, K, in]`
/// - `bias`: `[out]`
/// - returns: `[N, (T + 2 P - K) / S + 1, out]`
///
/// # Errors
/// The shapes do not fit together, the batch is empty, or the padded input is shorter than the kernel.
pub fn conv1d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    at: Stride1,
    activation: Activation,
) -> Result<Tensor> {
    let [x, weight] = one_pixel_high("conv1d", x, weight)?;
    Ok(conv2d(&x, &weight, bias, at.in_two(), activation)?.squeeze(1)?)
}

/// `act(convᵀ(x, W) + b)`, as PyTorch's `ConvTranspose1d`: the adjoint of [`conv1d`] with the same weight.
///
/// # Shapes
/// - `x`: `[N, T, in]`
/// - `weight`: `[in, K, out]`
/// - `bias`: `[out]`
/// - returns: `[N, (T - 1) S - 2 P + K + O, out]` with output padding `O`
///
/// # Errors
/// The shapes do not fit together, the batch is empty, or the output padding is not smaller than the stride.
pub fn conv_transpose1d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    at: Stride1,
    activation: Activation,
) -> Result<Tensor> {
    let [x, weight] = one_pixel_high("conv_transpose1d", x, weight)?;
    Ok(conv_transpose2d(&x, &weight, bias, at.in_two(), activation)?.squeeze(1)?)
}

/// The same numbers as pictures.
fn one_pixel_high(operation: &'static str, x: &Tensor, weight: &Tensor) -> Result<[Tensor; 2]> {
    for (argument, tensor) in [("x", x), ("weight", weight)] {
        if tensor.rank() != 3 {
            let expected = "three dimensions, channels last".to_owned();
            return Err(Error::Shape { operation, argument, found: tensor.dims().to_vec(), expected });
        }
    }
    Ok([x.unsqueeze(1)?, weight.unsqueeze(1)?])
}
