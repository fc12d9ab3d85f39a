//! A bottleneck of units with a bounded response: `z = s(h)`.

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::Activation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bottleneck;

/// The response of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Response {
    /// `1 / (1 + exp(-h))`
    #[default]
    Sigmoid,
    /// `tanh(h)`
    Tanh,
}

impl Response {
    /// The same as a layer's activation.
    pub fn activation(self) -> Activation {
        match self {
            Self::Sigmoid => Activation::Sigmoid,
            Self::Tanh => Activation::Tanh,
        }
    }

    /// The derivative `s'(h)` from the response.
    ///
    /// # Shapes
    /// - `z`: `[N, code]`
    /// - returns: `[N, code]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn slope(self, z: &Tensor) -> Result<Tensor> {
        match self {
            Self::Sigmoid => Ok((z - z.sqr()?)?),
            Self::Tanh => Ok(z.sqr()?.affine(-1.0, 1.0)?),
        }
    }
}

/// Units with a bounded response.
#[derive(Clone, Copy, Debug)]
pub struct Squash {
    /// Values in a code.
    pub code: usize,
    /// The response of each.
    pub response: Response,
}

impl Bottleneck for Squash {
    fn hidden(&self) -> usize {
        self.code
    }

    fn code(&self) -> usize {
        self.code
    }

    fn infer(&self, h: &Tensor) -> Result<Tensor> {
        Ok(self.response.activation().apply(h)?)
    }
}
