//! Element-wise non-linearities.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::Result;

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
        Ok(match self {
            Self::Identity => x.clone(),
            Self::Relu => x.relu()?,
            Self::LeakyRelu => x.maximum(&(x * 0.01)?)?,
            Self::Sigmoid => ((x * 0.5)?.tanh()? * 0.5)?.affine(1.0, 0.5)?,
            Self::Tanh => x.tanh()?,
            Self::Silu => x.silu()?,
            Self::Gelu => x.gelu_erf()?,
            Self::Softplus => (x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?,
        })
    }
}
