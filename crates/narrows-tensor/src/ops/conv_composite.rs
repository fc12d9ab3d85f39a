//! Convolutions made of candle's own operations, for element types and devices without a fused kernel.
//!
//! Candle's convolutions are not used: their gradients fail for unequal extents and are missing for the transposed ones.

use candle_core::{D, Tensor};

use crate::kernel::conv::Geometry;
use crate::{Activation, Result};

/// `act(y + b)`
pub(super) fn finish(y: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    match bias {
        Some(bias) => activation.apply(&y.broadcast_add(bias)?),
        None => activation.apply(y),
    }
}

/// Cross-correlation of the big image with the weight.
pub(super) fn conv2d(x: &Tensor, weight: &Tensor, at: &Geometry) -> Result<Tensor> {
    let x = x.pad_with_zeros(1, at.padding.0, at.padding.0)?.pad_with_zeros(2, at.padding.1, at.padding.1)?;
    correlate(&x, weight, at.stride, (at.small.height, at.small.width))
}

/// The adjoint: the small image with zeros between its pixels, correlated with the flipped weight.
pub(super) fn conv_transpose2d(x: &Tensor, weight: &Tensor, at: &Geometry) -> Result<Tensor> {
    let big = [at.big.height, at.big.width];
    let (kernel, stride, padding) =
        ([at.kernel.0, at.kernel.1], [at.stride.0, at.stride.1], [at.padding.0, at.padding.1]);
    let mut x = x.clone();
    let mut weight = weight.permute((3, 1, 2, 0))?.contiguous()?;
    for axis in 0..2 {
        let dim = axis + 1;
        x = dilate(&x, dim, stride[axis])?;
        // The dilated image begins kernel - 1 - padding before the first pixel that the window sees.
        x = x.pad_with_zeros(dim, kernel[axis] - 1, big[axis] + padding[axis])?;
        x = x.narrow(dim, padding[axis], big[axis] + kernel[axis] - 1)?;
        let flipped: Vec<u32> = (0..kernel[axis] as u32).rev().collect();
        weight = weight.index_select(&Tensor::new(flipped, weight.device())?, dim)?;
    }
    correlate(&x, &weight, (1, 1), (big[0], big[1]))
}

/// Puts `stride - 1` zeros behind each entry of an axis but the last.
fn dilate(x: &Tensor, dim: usize, stride: usize) -> Result<Tensor> {
    let mut dims = x.dims().to_vec();
    let extent = dims[dim];
    dims[dim] = extent * stride;
    let x = x.unsqueeze(dim + 1)?.pad_with_zeros(dim + 1, 0, stride - 1)?.reshape(dims)?;
    Ok(x.narrow(dim, 0, (extent - 1) * stride + 1)?)
}

/// Patches of a padded image times the weight.
fn correlate(x: &Tensor, weight: &Tensor, stride: (usize, usize), extent: (usize, usize)) -> Result<Tensor> {
    let (out, kh, kw, _) = weight.dims4()?;
    let places = |from: usize, stride: usize, extent: usize| {
        Tensor::new((0..extent).map(|i| (from + i * stride) as u32).collect::<Vec<_>>(), x.device())
    };
    let x = x.contiguous()?;
    let mut taps = Vec::with_capacity(kh * kw);
    for y in 0..kh {
        let rows = x.index_select(&places(y, stride.0, extent.0)?, 1)?;
        for x in 0..kw {
            taps.push(rows.index_select(&places(x, stride.1, extent.1)?, 2)?);
        }
    }
    let patches = Tensor::cat(&taps, D::Minus1)?.flatten_to(2)?;
    let y = patches.matmul(&weight.reshape((out, ()))?.t()?)?;
    Ok(y.reshape((x.dim(0)?, extent.0, extent.1, out))?)
}
