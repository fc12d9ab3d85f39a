//! Soft-max and its logarithm over the last dimension.

use candle_core::{CpuStorage, CustomOp1, D, Layout, Shape, Tensor};

use crate::kernel::parallel::{CHUNK, for_each_part};
use crate::kernel::simd::vectorized;
use crate::kernel::{math, storage};
use crate::{Error, Result};

/// `exp(x) / Σ exp(x)` over the last dimension.
///
/// # Shapes
/// - `x`: `[.., C]`
/// - returns: `[.., C]`
///
/// # Errors
/// `x` is empty.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    check("softmax", x)?;
    if storage::fused([x]) { Ok(x.contiguous()?.apply_op1(Kind::Share)?) } else { Ok(composite(x)?.exp()?) }
}

/// `x - log Σ exp(x)` over the last dimension.
///
/// # Shapes
/// - `x`: `[.., C]`
/// - returns: `[.., C]`
///
/// # Errors
/// `x` is empty.
pub fn log_softmax(x: &Tensor) -> Result<Tensor> {
    check("log_softmax", x)?;
    if storage::fused([x]) { Ok(x.contiguous()?.apply_op1(Kind::Logarithm)?) } else { composite(x) }
}

fn check(operation: &'static str, x: &Tensor) -> Result<()> {
    if x.rank() > 0 && x.elem_count() > 0 {
        return Ok(());
    }
    Err(Error::Shape { operation, argument: "x", found: x.dims().to_vec(), expected: "at least one element".into() })
}

fn composite(x: &Tensor) -> Result<Tensor> {
    let shifted = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?;
    let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    Ok(shifted.broadcast_sub(&log_sum)?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Share,
    Logarithm,
}

vectorized! {
    fn forward(x: &[f32], y: &mut [f32], kind: Kind) {
        let largest = x.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
        for (y, x) in y.iter_mut().zip(x) {
            *y = math::exp(x - largest);
        }
        let sum: f64 = y.iter().map(|&y| f64::from(y)).sum();
        match kind {
            Kind::Share => {
                let scale = (1.0 / sum) as f32;
                for y in y.iter_mut() {
                    *y *= scale;
                }
            }
            Kind::Logarithm => {
                let log_sum = largest + sum.ln() as f32;
                for (y, x) in y.iter_mut().zip(x) {
                    *y = x - log_sum;
                }
            }
        }
    }
}

vectorized! {
    fn backward(y: &[f32], dy: &[f32], dx: &mut [f32], kind: Kind) {
        match kind {
            Kind::Share => {
                let dot: f64 = y.iter().zip(dy).map(|(y, dy)| f64::from(y * dy)).sum();
                for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                    *dx = y * (dy - dot as f32);
                }
            }
            Kind::Logarithm => {
                let sum: f64 = dy.iter().map(|&dy| f64::from(dy)).sum();
                for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                    *dx = dy - math::exp(*y) * sum as f32;
                }
            }
        }
    }
}

impl CustomOp1 for Kind {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = storage::slice(x, layout)?;
        let width = layout.dims().last().copied().unwrap_or(1);
        let values = storage::output(x.len(), |y| {
            for_each_part(y, (CHUNK / width).max(1) * width, |first, y| {
                for (row, y) in y.chunks_exact_mut(width).enumerate() {
                    forward(&x[first + row * width..][..width], y, *self);
                }
            });
        });
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let width = y.dim(D::Minus1)?;
        let values = storage::with_all([y, dy], |[y, dy]| {
            Ok(storage::output(y.len(), |dx| {
                for_each_part(dx, (CHUNK / width).max(1) * width, |first, dx| {
                    for (row, dx) in dx.chunks_exact_mut(width).enumerate() {
                        let at = first + row * width..first + (row + 1) * width;
                        backward(&y[at.clone()], &dy[at], dx, *self);
                    }
                });
            }))
        })?;
        Tensor::from_vec(values, y.shape(), y.device()).map(Some)
    }
}
