//! Affine map with activation: `act(x Wᵀ + b)`.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Shape, Storage, Tensor};

use crate::kernel::epilogue::Rows;
use crate::kernel::gemm::{self, Matrix, Size};
use crate::kernel::parallel::Shared;
use crate::kernel::{pointwise, storage};
use crate::ops::slope::Slope;
use crate::{Activation, Error, Result, gradients};

/// `act(x Wᵀ + b)` over the last dimension.
///
/// # Shapes
/// - `x`: `[.., in]`
/// - `weight`: `[out, in]`
/// - `bias`: `[out]`
/// - returns: `[.., out]`
///
/// # Errors
/// The shapes do not fit together, or `x` is empty.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    check(x, weight, bias)?;
    if !storage::fused([x, weight].into_iter().chain(bias)) {
        return composite(x, weight, bias, activation);
    }
    if !pointwise::slope_from_value(activation) {
        return activation.apply(&linear(x, weight, bias, Activation::Identity)?);
    }
    let x = x.contiguous()?;
    let weight = if readable(weight.layout()) { weight.clone() } else { weight.contiguous()? };
    Ok(match bias {
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, Linear { activation })?,
        None => x.apply_op2(&weight, Linear { activation })?,
    })
}

fn composite(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    let y = x.broadcast_matmul(&weight.t()?)?;
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    activation.apply(&y)
}

fn check(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    let wrong = |argument, found: &Tensor, expected: String| {
        Err(Error::Shape { operation: "linear", argument, found: found.dims().to_vec(), expected })
    };
    let &[out, inputs] = weight.dims() else {
        return wrong("weight", weight, "[out, in]".into());
    };
    if out == 0 {
        return wrong("weight", weight, format!("[out, {inputs}] with at least one output"));
    }
    if x.elem_count() == 0 || x.dims().last() != Some(&inputs) {
        return wrong("x", x, format!("[.., {inputs}] with at least one row"));
    }
    check_bias("linear", bias, out)
}

/// Checks that a layer of `out` outputs has as many biases, if any.
pub(super) fn check_bias(operation: &'static str, bias: Option<&Tensor>, out: usize) -> Result<()> {
    match bias {
        Some(bias) if bias.dims() != [out] => {
            let (found, expected) = (bias.dims().to_vec(), format!("[{out}]"));
            Err(Error::Shape { operation, argument: "bias", found, expected })
        }
        _ => Ok(()),
    }
}

/// Whether [`transposes`] can read the weight where it lies.
fn readable(layout: &Layout) -> bool {
    matches!((layout.dims(), layout.stride()), (&[rows, columns], &[row, column])
        if (column == 1 && row == columns) || (row == 1 && column == rows))
}

/// A weight and its transpose, for a weight that is contiguous or, as tied weights are, the transpose of such a one.
fn transposes<'a>(values: &'a [f32], layout: &Layout) -> candle_core::Result<(Matrix<'a>, Matrix<'a>)> {
    let (rows, columns) = layout.shape().dims2()?;
    let values = &values[layout.start_offset()..];
    if layout.is_contiguous() {
        Ok((Matrix::rows(values, columns), Matrix::columns(values, columns)))
    } else if readable(layout) {
        Ok((Matrix::columns(values, rows), Matrix::rows(values, rows)))
    } else {
        Err(candle_core::Error::RequiresContiguous { op: "linear" })
    }
}

struct Linear {
    activation: Activation,
}

impl Linear {
    fn forward(
        &self,
        x: (&CpuStorage, &Layout),
        weight: (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let bias = bias.map(|(storage, layout)| storage::slice(storage, layout)).transpose()?;
        let (x, layout) = (storage::slice(x.0, x.1)?, x.1);
        let (w, _) = transposes(weight.0.as_slice()?, weight.1)?;
        let (out, inputs) = weight.1.shape().dims2()?;
        let size = Size { rows: x.len() / inputs, columns: out, depth: inputs };
        let values = storage::output(size.rows * out, |y| {
            let offset = |row: usize| row * out;
            let target = Rows { out: Shared::new(y), offset, bias, activation: self.activation, add: false };
            gemm::product(size, &Matrix::rows(x, inputs), &w, &target);
        });
        let mut dims = layout.dims().to_vec();
        dims.pop();
        dims.push(out);
        Ok((CpuStorage::F32(values), dims.into()))
    }

    /// Gradients of x, weight and bias.
    fn backward(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<[Option<Tensor>; 3]> {
        let (out, inputs) = weight.dims2()?;
        let rows = x.elem_count() / inputs;
        let slope = Slope::new(dy, y, self.activation, bias)?;
        let product = |size: Size, left: &Matrix<'_>, right: &Matrix<'_>, into: &mut [f32], add: bool| {
            let offset = |row: usize| row * size.columns;
            let target = Rows { out: Shared::new(into), offset, bias: None, activation: Activation::Identity, add };
            gemm::product(size, left, right, &target);
        };
        let dweight = match storage::tracked(weight) {
            false => None,
            true => storage::with(x, |x| {
                slope.with(|g| {
                    let size = Size { rows: out, columns: inputs, depth: rows };
                    gradients::write(weight, |into, add| {
                        product(size, &Matrix::columns(g, out), &Matrix::columns(x, inputs), into, add);
                    })
                })
            })?,
        };
        let dx = match storage::tracked(x) {
            false => None,
            true => Some(slope.with(|g| {
                let (storage, layout) = weight.storage_and_layout();
                let Storage::Cpu(storage) = &*storage else {
                    return Err(candle_core::Error::RequiresContiguous { op: "linear" });
                };
                let (_, w) = transposes(storage.as_slice()?, layout)?;
                let size = Size { rows, columns: inputs, depth: out };
                let values =
                    storage::output(rows * inputs, |into| product(size, &Matrix::rows(g, out), &w, into, false));
                Tensor::from_vec(values, x.shape(), x.device())
            })?),
        };
        Ok([dx, dweight, slope.into_bias_gradient()])
    }
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward((x, x_layout), (weight, weight_layout), None)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let [dx, dweight, _] = self.backward(x, weight, None, y, dy)?;
        Ok((dx, dweight))
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
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
        self.forward((x, x_layout), (weight, weight_layout), Some((bias, bias_layout)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [dx, dweight, dbias] = self.backward(x, weight, Some(bias), y, dy)?;
        Ok((dx, dweight, dbias))
    }
}
