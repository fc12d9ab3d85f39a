//! Samples relative to a learned centre.

use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor};

use super::affine::in_parts;
use super::slope::sum_rows;
use crate::kernel::parallel::for_each_part;
use crate::kernel::scratch::Scratch;
use crate::kernel::simd::vectorized;
use crate::kernel::sparse::add_scaled;
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

/// The bias of a layer `weight (x - centre) + bias` of samples that no gradient is wanted of: as it is, but with a gradient for
/// `centre`, which is `-weightᵀ` times its own. With `x - centre` taken as constant, the layer needs no gradient of it.
///
/// # Shapes
/// - `bias`: `[out]`
/// - `centre`: `[in]`
/// - `weight`: `[out, in]`; its gradient is left to the layer
/// - returns: `[out]`
///
/// # Errors
/// The shapes do not fit together.
pub fn bias_of_centred(bias: &Tensor, centre: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let weight = weight.detach();
    if bias.rank() != 1 || centre.rank() != 1 || weight.dims() != [bias.elem_count(), centre.elem_count()] {
        let (found, expected) = (weight.dims().to_vec(), format!("[{}, {}]", bias.elem_count(), centre.elem_count()));
        return Err(Error::Shape { operation: "bias_of_centred", argument: "weight", found, expected });
    }
    if !storage::fused([bias, centre, &weight]) {
        let nothing = (centre - centre.detach())?.unsqueeze(1)?;
        return Ok((bias - weight.matmul(&nothing)?.squeeze(1)?)?);
    }
    let op = BiasOfCentred(weight.contiguous()?);
    Ok(bias.contiguous()?.apply_op2(&centre.contiguous()?, op)?)
}

/// The weight.
struct BiasOfCentred(Tensor);

impl CustomOp2 for BiasOfCentred {
    fn name(&self) -> &'static str {
        "bias_of_centred"
    }

    fn cpu_fwd(
        &self,
        bias: &CpuStorage,
        layout: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(storage::slice(bias, layout)?.to_vec()), layout.shape().clone()))
    }

    fn bwd(
        &self,
        bias: &Tensor,
        centre: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let dcentre = match storage::tracked(centre) {
            false => None,
            true => storage::with_all([&dy, &self.0], |[dy, weight]| {
                gradients::write(centre, |into, add| {
                    if !add {
                        into.fill(0.0);
                    }
                    subtract_rows(into, dy, weight);
                })
            })?,
        };
        Ok((storage::tracked(bias).then_some(dy), dcentre))
    }
}

/// `into -= Σ scale * row` over all rows of a matrix, summed in parts that do not depend on the number of threads.
fn subtract_rows(into: &mut [f32], scales: &[f32], matrix: &[f32]) {
    const ROWS: usize = 256;
    let width = into.len();
    let mut sums = Scratch::new(scales.len().div_ceil(ROWS) * width);
    for_each_part(&mut sums, width, |start, sums| {
        let first = start / width * ROWS;
        sums.fill(0.0);
        for (row, scale) in (first..).zip(&scales[first..scales.len().min(first + ROWS)]) {
            if *scale != 0.0 {
                add_scaled(sums, *scale, &matrix[row * width..][..width]);
            }
        }
    });
    for sums in sums.chunks_exact(width) {
        add_scaled(into, -1.0, sums);
    }
}

vectorized! {
    fn difference(y: &mut [f32], x: &[f32], centre: &[f32]) {
        for ((y, x), centre) in y.iter_mut().zip(x).zip(centre) {
            *y = x - centre;
        }
    }
}
