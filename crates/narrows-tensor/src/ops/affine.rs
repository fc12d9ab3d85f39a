//! A fixed linear map of each feature of a sample.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use crate::kernel::parallel::{CHUNK, for_each_part};
use crate::kernel::simd::vectorized;
use crate::kernel::storage;
use crate::{Error, Result};

/// `x ∘ scale + shift` for each sample. Scale and shift are constants: only `x` has a gradient.
///
/// # Shapes
/// - `x`: `[N, ..sample]`
/// - `scale`, `shift`: `[..sample]`, or without its first dimensions
/// - returns: `[N, ..sample]`
///
/// # Errors
/// The shapes differ, or there are no samples.
pub fn affine(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    if x.elem_count() == 0 {
        let (found, expected) = (x.dims().to_vec(), "at least one sample".into());
        return Err(Error::Shape { operation: "affine", argument: "x", found, expected });
    }
    for (argument, constant) in [("scale", scale), ("shift", shift)] {
        if constant.rank() >= x.rank() || !x.dims().ends_with(constant.dims()) {
            let expected = format!("the last dimensions of a sample of x, which is {:?}", x.dims());
            return Err(Error::Shape { operation: "affine", argument, found: constant.dims().to_vec(), expected });
        }
    }
    let (scale, shift) = (scale.detach(), shift.detach());
    if !storage::fused([x, &scale, &shift]) {
        return Ok(x.broadcast_mul(&scale)?.broadcast_add(&shift)?);
    }
    // Both as long as the longer one, of which the shorter one is a part, and long enough for a loop.
    let width = scale.elem_count().max(shift.elem_count());
    let width = width * LONG.div_ceil(width);
    let long = |constant: &Tensor| constant.flatten_all()?.repeat(width / constant.elem_count());
    Ok(x.contiguous()?.apply_op1(Affine { scale: long(&scale)?, shift: long(&shift)? })?)
}

/// Numbers from which on a loop pays; fewer constants are repeated.
const LONG: usize = 64;

/// The constants, as often as the loop is long.
struct Affine {
    scale: Tensor,
    shift: Tensor,
}

impl CustomOp1 for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = storage::slice(x, layout)?;
        let y = storage::with_all([&self.scale, &self.shift], |[scale, shift]| {
            Ok(in_parts(x, scale.len(), |y, x| shifted(y, x, scale, shift)))
        })?;
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dx = storage::with_all([dy, &self.scale], |[dy, scale]| {
            Ok(in_parts(dy, scale.len(), |dx, dy| scaled(dx, dy, scale)))
        })?;
        Tensor::from_vec(dx, x.shape(), x.device()).map(Some)
    }
}

/// What `map` makes of each `width` numbers of `from`, on all threads.
pub(super) fn in_parts(from: &[f32], width: usize, map: impl Fn(&mut [f32], &[f32]) + Sync) -> Vec<f32> {
    storage::output(from.len(), |into| {
        for_each_part(into, (CHUNK / width).max(1) * width, |start, into| {
            for (into, from) in into.chunks_mut(width).zip(from[start..].chunks(width)) {
                map(into, from);
            }
        });
    })
}

vectorized! {
    fn shifted(y: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32]) {
        for (((y, x), scale), shift) in y.iter_mut().zip(x).zip(scale).zip(shift) {
            *y = x * scale + shift;
        }
    }
}

vectorized! {
    fn scaled(dx: &mut [f32], dy: &[f32], scale: &[f32]) {
        for ((dx, dy), scale) in dx.iter_mut().zip(dy).zip(scale) {
            *dx = dy * scale;
        }
    }
}
