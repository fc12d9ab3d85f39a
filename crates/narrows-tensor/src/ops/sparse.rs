//! Sparse codes: a dense encoder that keeps the k largest latents, and a decoder that reads only those.
//!
//! Both directions of both layers touch only the active (row, latent) pairs; the encoder's product is the one dense step.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp2, CustomOp3, D, Device, Layout, Shape, Tensor};

use crate::kernel::gemm::Size;
use crate::kernel::parallel::for_each_part;
use crate::kernel::scratch::Scratch;
use crate::kernel::screen::Layer;
use crate::kernel::select::{BLOCK, Selection, block_maxima};
use crate::kernel::sparse::Entries;
use crate::kernel::storage;
use crate::ops::linear::{check_bias, linear};
use crate::ops::slope::Slope;
use crate::{Activation, Error, Result, gradients};

/// The active latents of each row.
#[derive(Clone, Debug)]
pub struct Active {
    /// Activations, `[N, k]`, not negative.
    pub values: Tensor,
    /// Latents, `[N, k]` of u32, ascending in each row.
    pub indices: Tensor,
}

/// The `k` largest numbers of each row and their columns, ascending. `NaN` counts as the largest; of equal numbers the
/// first ones are taken.
///
/// # Shapes
/// - `x`: `[N, M]`
/// - returns: values `[N, k]` with gradient, indices `[N, k]`
///
/// # Errors
/// `x` is empty, or `k` is not in `1..=M`.
pub fn top_k(x: &Tensor, k: usize) -> Result<(Tensor, Tensor)> {
    check_k("top_k", x, x.dims().last().copied().unwrap_or(0), k)?;
    let indices = if storage::fused([x]) {
        let (rows, width) = x.dims2()?;
        storage::with(&x.detach(), |x| Tensor::from_vec(select(x, width, k), (rows, k), &Device::Cpu))?
    } else {
        let key = x.detach();
        let largest = key.ones_like()?.affine(f64::INFINITY, 0.0)?;
        let key = key.ne(&key)?.where_cond(&largest, &key)?;
        let order = key.contiguous()?.arg_sort_last_dim(false)?.narrow(1, 0, k)?.contiguous()?;
        order.sort_last_dim(true)?.0
    };
    Ok((x.contiguous()?.gather(&indices, D::Minus1)?, indices))
}

/// `relu` of the `k` largest of `x Wᵀ + b`. Gradients reach only the active latents.
///
/// # Shapes
/// - `x`: `[N, in]`
/// - `weight`: `[latents, in]`
/// - `bias`: `[latents]`
/// - returns: `[N, k]`
///
/// # Errors
/// The shapes do not fit together, `x` is empty, or `k` is not in `1..=latents`.
pub fn encode_top_k(x: &Tensor, weight: &Tensor, bias: &Tensor, k: usize) -> Result<Active> {
    let &[latents, inputs] = weight.dims() else {
        return wrong("encode_top_k", "weight", weight, "[latents, in]".into());
    };
    if x.dims().len() != 2 || x.dims()[1] != inputs {
        return wrong("encode_top_k", "x", x, format!("[N, {inputs}]"));
    }
    check_bias("encode_top_k", Some(bias), latents)?;
    check_k("encode_top_k", x, latents, k)?;
    if !storage::fused([x, weight, bias]) {
        let (values, indices) = top_k(&linear(x, weight, Some(bias), Activation::Identity)?, k)?;
        return Ok(Active { values: Activation::Relu.apply(&values)?, indices });
    }
    let indices = Arc::new(OnceLock::new());
    let op = Encode { k, indices: indices.clone() };
    let values = x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?;
    match indices.get() {
        Some(indices) => Ok(Active { values, indices: indices.clone() }),
        None => Err(candle_core::Error::RequiresContiguous { op: "encode_top_k" })?,
    }
}

/// `Σ value * weight[index]`, and `bias` if there is one.
///
/// # Shapes
/// - `active`: `[N, k]`
/// - `weight`: `[latents, out]`
/// - `bias`: `[out]`
/// - returns: `[N, out]`
///
/// # Errors
/// The shapes do not fit together, there are no rows, or an index is not below the number of latents.
pub fn decode_sparse(active: &Active, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let &[latents, out] = weight.dims() else {
        return wrong("decode_sparse", "weight", weight, "[latents, out]".into());
    };
    let &[rows, k] = active.values.dims() else {
        return wrong("decode_sparse", "values", &active.values, "[N, k]".into());
    };
    if out == 0 {
        return wrong("decode_sparse", "weight", weight, format!("[{latents}, out] with at least one output"));
    }
    if active.indices.dims() != [rows, k] || rows * k == 0 {
        return wrong("decode_sparse", "indices", &active.indices, format!("{:?}, not empty", [rows, k]));
    }
    check_bias("decode_sparse", bias, out)?;
    let indices: Arc<[u32]> = active.indices.flatten_all()?.to_vec1::<u32>()?.into();
    if indices.iter().any(|&index| index as usize >= latents) {
        return wrong("decode_sparse", "indices", &active.indices, format!("entries below {latents}"));
    }
    if !storage::fused([&active.values, weight].into_iter().chain(bias)) {
        let rows = weight.index_select(&active.indices.flatten_all()?, 0)?.reshape((rows, k, out))?;
        let y = rows.broadcast_mul(&active.values.unsqueeze(2)?)?.sum(1)?;
        return Ok(match bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        });
    }
    let (values, weight, op) = (active.values.contiguous()?, weight.contiguous()?, Decode { k, indices });
    Ok(match bias {
        Some(bias) => values.apply_op3(&weight, &bias.contiguous()?, op)?,
        None => values.apply_op2(&weight, op)?,
    })
}

fn wrong<T>(operation: &'static str, argument: &'static str, found: &Tensor, expected: String) -> Result<T> {
    Err(Error::Shape { operation, argument, found: found.dims().to_vec(), expected })
}

fn check_k(operation: &'static str, x: &Tensor, width: usize, k: usize) -> Result<()> {
    if x.rank() == 2 && x.elem_count() > 0 && (1..=width).contains(&k) {
        return Ok(());
    }
    wrong(operation, "x", x, format!("at least one row, two dimensions, and k = {k} in 1..={width}"))
}

/// Columns of the `k` largest entries of each row.
fn select(x: &[f32], width: usize, k: usize) -> Vec<u32> {
    const ROWS: usize = 16;
    let rows = x.len() / width;
    let mut columns = vec![0; rows * k];
    for_each_part(&mut columns, ROWS * k, |first, columns| {
        let (mut values, mut maxima) = (Scratch::new(k), Scratch::new(width.div_ceil(BLOCK)));
        Selection::with(|selection| {
            for (row, columns) in (first / k..).zip(columns.chunks_exact_mut(k)) {
                let row = &x[row * width..][..width];
                block_maxima(row, &mut maxima);
                selection.largest(row, &maxima, &mut values, columns);
            }
        });
    });
    columns
}

struct Encode {
    k: usize,
    /// Filled by the forward pass.
    indices: Arc<OnceLock<Tensor>>,
}

impl CustomOp3 for Encode {
    fn name(&self) -> &'static str {
        "encode_top_k"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (x, weight) = (storage::slice(x, x_layout)?, storage::slice(weight, weight_layout)?);
        let bias = storage::slice(bias, bias_layout)?;
        let (latents, inputs) = weight_layout.shape().dims2()?;
        let size = Size { rows: x.len() / inputs, columns: latents, depth: inputs };
        let (mut values, columns) = Layer { size, x, weight, bias }.largest(self.k);
        for value in &mut values {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
        let shape = Shape::from((size.rows, self.k));
        self.indices.get_or_init(|| match Tensor::from_vec(columns, &shape, &Device::Cpu) {
            Ok(indices) => indices,
            Err(_) => unreachable!("as many columns as values"),
        });
        Ok((CpuStorage::F32(values), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        values: &Tensor,
        dvalues: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (latents, inputs) = weight.dims2()?;
        let columns = match self.indices.get() {
            Some(indices) => indices.flatten_all()?.to_vec1::<u32>()?,
            None => Vec::new(),
        };
        let slope = Slope::new(dvalues, values, Activation::Relu, None)?;
        slope.with(|g| {
            let entries = Entries { k: self.k, columns: &columns, values: g };
            let dweight = match storage::tracked(weight) {
                false => None,
                true => storage::with(x, |x| {
                    gradients::write(weight, |into, add| {
                        entries.transposed(latents, x, inputs, into, add);
                    })
                })?,
            };
            let dbias = match storage::tracked(bias) {
                false => None,
                true => gradients::write(bias, |into, add| entries.column_sums(into, add))?,
            };
            let dx = match storage::tracked(x) {
                false => None,
                true => Some(storage::with(weight, |weight| {
                    let dx = storage::output(x.elem_count(), |dx| entries.multiply(weight, inputs, None, dx));
                    Tensor::from_vec(dx, x.shape(), x.device())
                })?),
            };
            Ok((dx, dweight, dbias))
        })
    }
}

struct Decode {
    k: usize,
    indices: Arc<[u32]>,
}

impl Decode {
    fn forward(
        &self,
        values: (&CpuStorage, &Layout),
        weight: (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (_, out) = weight.1.shape().dims2()?;
        let (values, weight) = (storage::slice(values.0, values.1)?, storage::slice(weight.0, weight.1)?);
        let bias = bias.map(|(storage, layout)| storage::slice(storage, layout)).transpose()?;
        let entries = Entries { k: self.k, columns: &self.indices, values };
        let rows = values.len() / self.k;
        let y = storage::output(rows * out, |y| entries.multiply(weight, out, bias, y));
        Ok((CpuStorage::F32(y), (rows, out).into()))
    }

    fn backward(
        &self,
        values: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<[Option<Tensor>; 3]> {
        let (latents, out) = weight.dims2()?;
        let slope = Slope::new(dy, y, Activation::Identity, bias)?;
        let [dvalues, dweight] = storage::with_all([values, weight], |[numbers, w]| {
            let entries = Entries { k: self.k, columns: &self.indices, values: numbers };
            slope.with(|dy| {
                let (mut dvalues, mut dweight) = (None, Ok(None));
                match [values, weight].map(storage::tracked) {
                    [true, true] => {
                        dvalues = Some(storage::output(numbers.len(), |dots| {
                            let run = |into: &mut [f32], add| entries.gradients(latents, dy, w, out, dots, (into, add));
                            dweight = gradients::write(weight, run);
                        }));
                    }
                    [true, false] => {
                        dvalues = Some(storage::output(numbers.len(), |dots| entries.dots(dy, w, out, dots)));
                    }
                    [false, true] => {
                        dweight = gradients::write(weight, |into, add| entries.transposed(latents, dy, out, into, add));
                    }
                    [false, false] => {}
                }
                let dvalues =
                    dvalues.map(|dots| Tensor::from_vec(dots, values.shape(), values.device())).transpose()?;
                Ok([dvalues, dweight?])
            })
        })?;
        Ok([dvalues, dweight, slope.into_bias_gradient()])
    }
}

impl CustomOp2 for Decode {
    fn name(&self) -> &'static str {
        "decode_sparse"
    }

    fn cpu_fwd(
        &self,
        values: &CpuStorage,
        values_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward((values, values_layout), (weight, weight_layout), None)
    }

    fn bwd(
        &self,
        values: &Tensor,
        weight: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let [dvalues, dweight, _] = self.backward(values, weight, None, y, dy)?;
        Ok((dvalues, dweight))
    }
}

impl CustomOp3 for Decode {
    fn name(&self) -> &'static str {
        "decode_sparse"
    }

    fn cpu_fwd(
        &self,
        values: &CpuStorage,
        values_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward((values, values_layout), (weight, weight_layout), Some((bias, bias_layout)))
    }

    fn bwd(
        &self,
        values: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [dvalues, dweight, dbias] = self.backward(values, weight, Some(bias), y, dy)?;
        Ok((dvalues, dweight, dbias))
    }
}
