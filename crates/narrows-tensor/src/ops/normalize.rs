//! Normalisation over the last dimension (Ba et al. 2016).

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp3, D, Layout, Shape, Tensor};

use super::affine::in_parts;
use super::row_sums;
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
    if storage::fused([x, scale, shift]) {
        return Ok(x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, LayerNorm { eps })?);
    }
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    Ok(centred.broadcast_div(&deviation)?.broadcast_mul(scale)?.broadcast_add(shift)?)
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

struct LayerNorm {
    eps: f64,
}

vectorized! {
    fn forward(y: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32], eps: f64) {
        let (mean, inverse) = moments(x, eps);
        for (((y, x), scale), shift) in y.iter_mut().zip(x).zip(scale).zip(shift) {
            *y = (x - mean) * inverse * scale + shift;
        }
    }
}

vectorized! {
    /// The gradient of a row: `(g - mean g - x̂ mean (g x̂)) / √(variance + eps)` with `g = dy scale`.
    fn backward(dx: &mut [f32], x: &[f32], dy: &[f32], scale: &[f32], eps: f64) {
        let (mean, inverse) = moments(x, eps);
        let width = x.len() as f64;
        let (mut sum, mut product) = (0.0, 0.0);
        for ((x, dy), scale) in x.iter().zip(dy).zip(scale) {
            let g = dy * scale;
            sum += f64::from(g);
            product += f64::from(g * ((x - mean) * inverse));
        }
        let (of_g, along) = ((sum / width) as f32, (product / width) as f32);
        for (((dx, x), dy), scale) in dx.iter_mut().zip(x).zip(dy).zip(scale) {
            *dx = (dy * scale - of_g - (x - mean) * inverse * along) * inverse;
        }
    }
}

vectorized! {
    /// Adds `dy` and `dy x̂` of a row to the sums of each channel.
    fn add_gradients(sums: &mut [f32], products: &mut [f32], x: &[f32], dy: &[f32], eps: f64) {
        let (mean, inverse) = moments(x, eps);
        for (((sum, product), x), dy) in sums.iter_mut().zip(products).zip(x).zip(dy) {
            *sum += dy;
            *product += dy * ((x - mean) * inverse);
        }
    }
}

/// Mean, and one over the root of the variance plus `eps`.
#[inline(always)]
fn moments(x: &[f32], eps: f64) -> (f32, f32) {
    let width = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / width;
    let variance = x.iter().map(|&x| (f64::from(x) - mean) * (f64::from(x) - mean)).sum::<f64>() / width;
    (mean as f32, (1.0 / (variance + eps).sqrt()) as f32)
}

/// What `map(row of the output, its elements)` makes of each row.
fn rows(len: usize, width: usize, map: impl Fn(&mut [f32], Range<usize>) + Sync) -> Vec<f32> {
    storage::output(len, |into| {
        for_each_part(into, (CHUNK / width).max(1) * width, |first, into| {
            for (row, into) in into.chunks_exact_mut(width).enumerate() {
                map(into, first + row * width..first + (row + 1) * width);
            }
        });
    })
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = storage::slice(x, layout)?;
        let (scale, shift) = (storage::slice(scale, scale_layout)?, storage::slice(shift, shift_layout)?);
        let y = in_parts(x, scale.len(), |y, x| forward(y, x, scale, shift, self.eps));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let width = scale.elem_count();
        let wanted = storage::tracked(x);
        let (dx, sums) = storage::with_all([x, scale, dy], |[x, scale, dy]| {
            let dx = |dx: &mut [f32], at: Range<usize>| backward(dx, &x[at.clone()], &dy[at], scale, self.eps);
            let dx = wanted.then(|| rows(x.len(), width, dx));
            let sums = row_sums::sums(x.len(), width, 2 * width, |at, sums| {
                let (sums, products) = sums.split_at_mut(width);
                for (x, dy) in x[at.clone()].chunks_exact(width).zip(dy[at].chunks_exact(width)) {
                    add_gradients(sums, products, x, dy, self.eps);
                }
            });
            Ok((dx, sums))
        })?;
        row_sums::gradients((x, dx), scale, shift, &sums)
    }
}
