//! Element-wise non-linearities.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::kernel::{parallel, pointwise, storage};

/// An element-wise non-linearity, alone or fused behind a linear or convolutional layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `x`
    #[default]
    Identity,
    /// `max(x, 0)`, with gradient 0 at 0
    Relu,
    /// `x` where positive, else `0.01 x`
    LeakyRelu,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `tanh(x)`
    Tanh,
    /// `x sigmoid(x)`
    Silu,
    /// `x Phi(x)` with the error function (Hendrycks & Gimpel 2016)
    Gelu,
    /// `log(1 + exp(x))`
    Softplus,
}

impl Activation {
    /// Applies the function to every element.
    ///
    /// # Shapes
    /// - `x`: any
    /// - returns: the shape of `x`
    ///
    /// # Errors
    /// Candle lacks an operation for the element type or device.
    pub fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Identity => Ok(x.clone()),
            _ if storage::fused([x]) => Ok(x.contiguous()?.apply_op1(self)?),
            _ => self.composite(x),
        }
    }

    fn composite(self, x: &Tensor) -> Result<Tensor> {
        // Candle's own rectifier has gradient 1 at 0.
        let positive = || x.gt(0.0)?.to_dtype(x.dtype());
        Ok(match self {
            Self::Identity => x.clone(),
            Self::Relu => (x * positive()?)?,
            Self::LeakyRelu => {
                let leak = f64::from(pointwise::LEAK);
                (x * positive()?.affine(1.0 - leak, leak)?)?
            }
            Self::Sigmoid => ((x * 0.5)?.tanh()? * 0.5)?.affine(1.0, 0.5)?,
            Self::Tanh => x.tanh()?,
            Self::Silu => x.silu()?,
            Self::Gelu => x.gelu_erf()?,
            Self::Softplus => (x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?,
        })
    }
}

impl CustomOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = storage::slice(x, layout)?;
        let values = storage::output(x.len(), |y| {
            parallel::for_each_chunk(y, |start, y| {
                pointwise::activate(y, &x[start..start + y.len()], *self);
            });
        });
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let values = if pointwise::slope_from_value(*self) { y } else { x };
        let dx = storage::with(values, |values| {
            storage::with(dy, |dy| {
                Ok(storage::output(dy.len(), |dx| {
                    parallel::for_each_chunk(dx, |start, dx| {
                        let part = start..start + dx.len();
                        pointwise::scale_by_slope(dx, &dy[part.clone()], &values[part], *self);
                    });
                }))
            })
        })?;
        Tensor::from_vec(dx, x.shape(), x.device()).map(Some)
    }
}
