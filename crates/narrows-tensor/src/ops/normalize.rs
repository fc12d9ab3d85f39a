//! Normalisation over the last dimension (Ba et al. 2016) and over the batch (Ioffe & Szegedy 2015).

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

/// A batch normalised by its own statistics, and those statistics.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    /// `(x - mean) / √(variance + eps) * scale + shift`, `[.., C]`.
    pub output: Tensor,
    /// Running mean moved towards the batch's, `[C]`, without gradient.
    pub mean: Tensor,
    /// Running variance moved towards the batch's unbiased one, `[C]`, without gradient.
    pub variance: Tensor,
}

/// Batch normalisation in training: by the mean and variance of each channel over everything else. Changes no state; the
/// new running statistics are returned.
///
/// # Shapes
/// - `x`: `[.., C]`
/// - `scale`, `shift`, both of `running` (mean and variance): `[C]`
///
/// # Errors
/// `x` has fewer than two rows of channels, or the shapes do not fit.
pub fn batch_norm_train(
    x: &Tensor,
    (scale, shift): (&Tensor, &Tensor),
    running: (&Tensor, &Tensor),
    momentum: f64,
    eps: f64,
) -> Result<BatchNorm> {
    const NAME: &str = "batch_norm";
    check(NAME, x, [("scale", scale), ("shift", shift), ("running mean", running.0), ("running variance", running.1)])?;
    let channels = x.dim(D::Minus1)?;
    let rows = x.elem_count() / channels;
    if rows < 2 {
        let expected = "at least two rows: one has no variance".into();
        return Err(Error::Shape { operation: NAME, argument: "x", found: x.dims().to_vec(), expected });
    }
    let flat = x.reshape((rows, channels))?;
    let mean = flat.mean(0)?;
    let centred = flat.broadcast_sub(&mean)?;
    let variance = centred.sqr()?.mean(0)?;
    let factor = (scale / (&variance + eps)?.sqrt()?)?;
    let output = centred.broadcast_mul(&factor)?.broadcast_add(shift)?.reshape(x.shape())?;
    let moved = |old: &Tensor, new: &Tensor, correction: f64| -> Result<Tensor> {
        Ok(((old.detach() * (1.0 - momentum))? + (new.detach() * (momentum * correction))?)?)
    };
    let unbiased = rows as f64 / (rows - 1) as f64;
    Ok(BatchNorm { output, mean: moved(running.0, &mean, 1.0)?, variance: moved(running.1, &variance, unbiased)? })
}

/// Batch normalisation in use: by the running statistics.
///
/// # Shapes
/// - `x`: `[.., C]`
/// - `scale`, `shift`, both of `running` (mean and variance): `[C]`
/// - returns: `[.., C]`
///
/// # Errors
/// `x` is empty, or the shapes do not fit.
pub fn batch_norm_infer(
    x: &Tensor,
    (scale, shift): (&Tensor, &Tensor),
    running: (&Tensor, &Tensor),
    eps: f64,
) -> Result<Tensor> {
    let (mean, variance) = running;
    let named = [("scale", scale), ("shift", shift), ("running mean", mean), ("running variance", variance)];
    check("batch_norm", x, named)?;
    let factor = (scale / (variance + eps)?.sqrt()?)?;
    let offset = (shift - (mean * &factor)?)?;
    Ok(x.broadcast_mul(&factor)?.broadcast_add(&offset)?)
}

fn check<'a>(
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
