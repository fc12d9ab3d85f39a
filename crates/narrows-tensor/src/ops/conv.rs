//! Convolution and transposed convolution in channels-last layout, with bias and activation.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Shape, Tensor};

use super::linear::check_bias;
use crate::kernel::conv::{Finish, Geometry};
use crate::kernel::{pointwise, storage};
use crate::ops::conv_composite as composite;
use crate::ops::slope::Slope;
use crate::{Activation, Result, gradients};

/// How a kernel moves over an axis pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride2 {
    /// Step along (height, width).
    pub stride: (usize, usize),
    /// Zeros added on each side of (height, width).
    pub padding: (usize, usize),
    /// Rows and columns added behind the output of a transposed convolution; zero for a convolution.
    pub output_padding: (usize, usize),
}

/// `act(conv(x, W) + b)`, cross-correlation as in PyTorch's `Conv2d`.
///
/// # Shapes
/// - `x`: `[N, H, W, in]`
/// - `weight`: `[out, KH, KW, in]`
/// - `bias`: `[out]`
/// - returns: `[N, (H + 2 PH - KH) / SH + 1, (W + 2 PW - KW) / SW + 1, out]`
///
/// # Errors
/// The shapes do not fit together, the batch is empty, or the padded input is smaller than the kernel.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    at: Stride2,
    activation: Activation,
) -> Result<Tensor> {
    let geometry = Geometry::convolution(x, weight, at)?;
    check_bias("conv2d", bias, geometry.small.channels)?;
    if storage::fused([x, weight].into_iter().chain(bias)) {
        return Layer { geometry, transposed: false, activation }.apply(x, weight, bias);
    }
    composite::finish(&composite::conv2d(x, weight, &geometry)?, bias, activation)
}

/// `act(convᵀ(x, W) + b)`, as PyTorch's `ConvTranspose2d`: the adjoint of [`conv2d`] with the same weight.
///
/// # Shapes
/// - `x`: `[N, H, W, in]`
/// - `weight`: `[in, KH, KW, out]`
/// - `bias`: `[out]`
/// - returns: `[N, (H - 1) SH - 2 PH + KH + OH, (W - 1) SW - 2 PW + KW + OW, out]` with output padding `(OH, OW)`
///
/// # Errors
/// The shapes do not fit together, the batch is empty, or the output padding is not smaller than the stride.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    at: Stride2,
    activation: Activation,
) -> Result<Tensor> {
    let geometry = Geometry::transposed(x, weight, at)?;
    check_bias("conv_transpose2d", bias, geometry.big.channels)?;
    if storage::fused([x, weight].into_iter().chain(bias)) {
        return Layer { geometry, transposed: true, activation }.apply(x, weight, bias);
    }
    composite::finish(&composite::conv_transpose2d(x, weight, &geometry)?, bias, activation)
}

/// A convolutional layer from the big image to the small one, or transposed.
struct Layer {
    geometry: Geometry,
    transposed: bool,
    activation: Activation,
}

impl Layer {
    fn apply(mut self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let behind = (!pointwise::slope_from_value(self.activation)).then_some(self.activation);
        if behind.is_some() {
            self.activation = Activation::Identity;
        }
        let (x, weight) = (x.contiguous()?, weight.contiguous()?);
        let y = match bias {
            Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, self)?,
            None => x.apply_op2(&weight, self)?,
        };
        behind.map_or(Ok(y.clone()), |activation| activation.apply(&y))
    }

    fn forward(
        &self,
        x: (&CpuStorage, &Layout),
        weight: (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (x, weight) = (storage::slice(x.0, x.1)?, storage::slice(weight.0, weight.1)?);
        let bias = bias.map(|(storage, layout)| storage::slice(storage, layout)).transpose()?;
        let finish = Finish { bias, activation: self.activation };
        let Geometry { samples, big, small, .. } = self.geometry;
        let out = if self.transposed { big } else { small };
        let values = storage::output(samples * out.len(), |y| {
            if self.transposed {
                self.geometry.spread(x, weight, y, finish);
            } else {
                self.geometry.gather(x, weight, y, finish);
            }
        });
        Ok((CpuStorage::F32(values), (samples, out.height, out.width, out.channels).into()))
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
        let slope = Slope::new(dy, y, self.activation, bias)?;
        let dweight = match storage::tracked(weight) {
            false => None,
            true => storage::with(x, |x| {
                slope.with(|g| {
                    let (big, small) = if self.transposed { (g, x) } else { (x, g) };
                    gradients::write(weight, |into, add| self.geometry.weight_gradient(big, small, into, add))
                })
            })?,
        };
        let dx = match storage::tracked(x) {
            false => None,
            true => Some(storage::with(weight, |weight| {
                slope.with(|g| {
                    let values = storage::output(x.elem_count(), |dx| {
                        if self.transposed {
                            self.geometry.gather(g, weight, dx, Finish::NOTHING);
                        } else {
                            self.geometry.spread(g, weight, dx, Finish::NOTHING);
                        }
                    });
                    Tensor::from_vec(values, x.shape(), x.device())
                })
            })?),
        };
        Ok([dx, dweight, slope.into_bias_gradient()])
    }
}

impl CustomOp2 for Layer {
    fn name(&self) -> &'static str {
        "convolution"
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

impl CustomOp3 for Layer {
    fn name(&self) -> &'static str {
        "convolution"
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
