//! A fully connected layer: `act(x W^T + b)`.

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::ops::perceptron::Layer;
use narrows_tensor::{Activation, Init, Scope, ops};

/// A fully connected layer.
#[derive(Clone, Debug)]
pub struct Dense {
    weight: Tensor,
    bias: Option<Tensor>,
    activation: Activation,
}

impl Dense {
    /// A layer with `weight` `[outputs, inputs]` (Glorot & Bengio 2010, uniform) and `bias` `[outputs]` (0).
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(inputs: usize, outputs: usize, activation: Activation, scope: &Scope) -> Result<Self> {
        let init = Init::XavierUniform { fan_in: inputs, fan_out: outputs };
        Self::with_init(inputs, outputs, init, activation, scope)
    }

    /// A layer with other initial weights; `bias` is 0.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn with_init(inputs: usize, outputs: usize, init: Init, activation: Activation, scope: &Scope) -> Result<Self> {
        let weight = scope.parameter("weight", (outputs, inputs), init)?;
        let bias = Some(scope.parameter("bias", outputs, Init::Constant(0.0))?);
        Ok(Self { weight, bias, activation })
    }

    /// A layer without a bias: it maps 0 to the activation of 0.
    ///
    /// # Errors
    /// The scope has a parameter called `weight` already.
    pub fn without_bias(inputs: usize, outputs: usize, activation: Activation, scope: &Scope) -> Result<Self> {
        let init = Init::XavierUniform { fan_in: inputs, fan_out: outputs };
        Ok(Self { weight: scope.parameter("weight", (outputs, inputs), init)?, bias: None, activation })
    }

    /// A layer that uses a weight made elsewhere, transposed: `act(x W + b)` for a tied decoder.
    ///
    /// # Shapes
    /// - `weight`: `[inputs, outputs]`
    ///
    /// # Errors
    /// The scope has a parameter called `bias` already.
    pub fn tied(weight: &Tensor, activation: Activation, scope: &Scope) -> Result<Self> {
        let (_, outputs) = weight.dims2()?;
        let bias = Some(scope.parameter("bias", outputs, Init::Constant(0.0))?);
        Ok(Self { weight: weight.t()?, bias, activation })
    }

    /// The weight, for ties and penalties.
    ///
    /// # Shapes
    /// - returns: `[outputs, inputs]`
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// The layer as part of a fused perceptron.
    pub fn layer(&self) -> Layer {
        Layer { weight: self.weight.clone(), bias: self.bias.clone(), activation: self.activation }
    }

    /// Applies the layer over the last dimension.
    ///
    /// # Shapes
    /// - `x`: `[N, inputs]`
    /// - returns: `[N, outputs]`
    ///
    /// # Errors
    /// The last dimension is not the layer's.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(ops::linear::linear(x, &self.weight, self.bias.as_ref(), self.activation)?)
    }
}
