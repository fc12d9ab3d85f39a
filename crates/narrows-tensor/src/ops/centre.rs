//! Samples relative to a learned centre.

use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor};

use super::affine::in_parts;
use super::slope::sum_rows;
use crate::kernel::scratch::Scratch;
use crate::kernel::simd::vectorized;
use crate::kernel::storage;
use crate::{Error, Result, gradients};

/// `x - centre` for each sample.
///
/// # Shapes
/// - `x`: `[N, in]`
/// - `centre`: `[in]`
/// - returns: `[N, in]`
///
/// # Errors
/// The shapes do not fit together, or `x` is empty.
pub fn centre(x: &Tensor, centre: &Tensor) -> Result<Tensor> {
    if x.rank() != 2 || x.elem_count() == 0 {
        let (found, expected) = (x.dims().to_vec(), "[N, in], not empty".into());
        return Err(Error::Shape { operation: "centre", argument: "x", found, expected });
    }
    if centre.dims() != &x.dims()[1..] {
        let expected = format!("{:?}, the features of x", &x.dims()[1..]);
        return Err(Error::Shape { operation: "centre", argument: "centre", found: centre.dims().to_vec(), expected });
    }
    if !storage::fused([x, centre]) {
        return Ok(x.broadcast_sub(centre)?);
    }
    Ok(x.contiguous()?.apply_op2(&centre.contiguous()?, Centre)?)
}

struct Centre;

impl CustomOp2 for Centre {
    fn name(&self) -> &'static str {
        "centre"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        centre: &CpuStorage,
        centre_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (x, centre) = (storage::slice(x, x_layout)?, storage::slice(centre, centre_layout)?);
        let y = in_parts(x, centre.len(), |y, x| difference(y, x, centre));
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        centre: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let dcentre = match storage::tracked(centre) {
            false => None,
            true => storage::with(&dy, |dy| {
                gradients::write(centre, |into, add| {
                    let width = into.len();
                    let mut sums = Scratch::new(width);
                    sum_rows(&mut sums, false, width, dy.len(), |at, _| &dy[at]);
                    for (into, sum) in into.iter_mut().zip(&sums[..]) {
                        *into = if add { *into - sum } else { -sum };
                    }
                })
            })?,
        };
        Ok((storage::tracked(x).then_some(dy), dcentre))
    }
}

vectorized! {
    fn difference(y: &mut [f32], x: &[f32], centre: &[f32]) {
        for ((y, x), centre) in y.iter_mut().zip(x).zip(centre) {
            *y = x - centre;
        }
    }
}
