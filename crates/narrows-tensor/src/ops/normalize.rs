//! Normalisation over the last dimension (Ba et al. 2016).

use candle_core::{CpuStorage, CustomOp1, D, Layout, Shape, Tensor};

use crate::kernel::parallel::{CHUNK, for_each_part};
use crate::kernel::simd::vectorized;
use crate::kernel::storage;
use crate::{Error, Result};

/// `(x - mean) / √(variance + eps) * scale + shift`, with mean and variance over the last dimension.
///
/// # Shapes
/// - `x`: `[.., C]`
/// - `scale`, `shift`: `[C]`
/// - returns: `[.., C]`
///
/// # Errors
/// `x` is empty, or the shapes do not fit.
pub fn layer_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f64) -> Result<Tensor> {
    check("layer_norm", x, [("scale", scale), ("shift", shift)])?;
    let standard = if storage::fused([x]) {
        x.contiguous()?.apply_op1(Standardize { eps })?
    } else {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
        centred.broadcast_div(&deviation)?
    };
    Ok(standard.broadcast_mul(scale)?.broadcast_add(shift)?)
}

/// Whether `x` has elements, and the others one for each channel.
pub(super) fn check<'a>(
    operation: &'static str,
    x: &Tensor,
    channels: impl IntoIterator<Item = (&'static str, &'a Tensor)>,
) -> Result<()> {
    let wrong = |argument, found: &Tensor, expected: String| {
        Err(Error::Shape { operation, argument, found: found.dims().to_vec(), expected })
    };
    let Some(&width) = x.dims().last().filter(|_| x.elem_count() > 0) else {
        return wrong("x", x, "[.., C] with at least one element".into());
    };
    match channels.into_iter().find(|(_, tensor)| tensor.dims() != [width]) {
        Some((argument, found)) => wrong(argument, found, format!("[{width}]")),
        None => Ok(()),
    }
}

/// `(x - mean) / √(variance + eps)` of each row.
struct Standardize {
    eps: f64,
}

vectorized! {
    fn standardize(x: &[f32], y: &mut [f32], eps: f64) {
        let (mean, deviation) = moments(x, eps);
        for (y, x) in y.iter_mut().zip(x) {
            *y = (x - mean) * (1.0 / deviation);
        }
    }
}

vectorized! {
    fn gradient(x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32], eps: f64) {
        let (_, deviation) = moments(x, eps);
        let width = x.len() as f64;
        let mean = (dy.iter().map(|&dy| f64::from(dy)).sum::<f64>() / width) as f32;
        let along = (y.iter().zip(dy).map(|(y, dy)| f64::from(y * dy)).sum::<f64>() / width) as f32;
        for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
            *dx = (dy - mean - y * along) * (1.0 / deviation);
        }
    }
}

/// Mean, and root of the variance plus `eps`.
#[inline(always)]
fn moments(x: &[f32], eps: f64) -> (f32, f32) {
    let width = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / width;
    let variance = x.iter().map(|&x| (f64::from(x) - mean) * (f64::from(x) - mean)).sum::<f64>() / width;
    (mean as f32, (variance + eps).sqrt() as f32)
}

impl CustomOp1 for Standardize {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = storage::slice(x, layout)?;
        let width = layout.dims().last().copied().unwrap_or(1);
        let values = storage::output(x.len(), |y| {
            for_each_part(y, (CHUNK / width).max(1) * width, |first, y| {
                for (row, y) in y.chunks_exact_mut(width).enumerate() {
                    standardize(&x[first + row * width..][..width], y, self.eps);
                }
            });
        });
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let width = x.dim(D::Minus1)?;
        let values = storage::with_all([x, y, dy], |[x, y, dy]| {
            Ok(storage::output(x.len(), |dx| {
                for_each_part(dx, (CHUNK / width).max(1) * width, |first, dx| {
                    for (row, dx) in dx.chunks_exact_mut(width).enumerate() {
                        let at = first + row * width..first + (row + 1) * width;
                        gradient(&x[at.clone()], &y[at.clone()], &dy[at], dx, self.eps);
                    }
                });
            }))
        })?;
        Tensor::from_vec(values, x.shape(), x.device()).map(Some)
    }
}
