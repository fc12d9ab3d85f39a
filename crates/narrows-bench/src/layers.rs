//! The layers of the workloads, from fused operations or from candle's own, and their optimizers.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::Optimizer as _;
use narrows_tensor::ops::conv::{Stride2, conv_transpose2d, conv2d};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::perceptron::Layer;
use narrows_tensor::{Activation, Gradients, Init, Key, Parameters, Scope, update};

use crate::Operations;

/// Where parameters come from.
pub(crate) fn scope() -> Scope {
    Scope::root(Key::new(1), DType::F32, &Device::Cpu)
}

/// Numbers in `0..1`.
pub(crate) fn samples(shape: &[usize]) -> Result<Tensor> {
    narrows_tensor::random::uniform(&Key::new(2), shape, DType::F32, &Device::Cpu).map_err(candle_core::Error::wrap)
}

/// A dense layer.
pub(crate) struct Dense {
    weight: Tensor,
    bias: Tensor,
    activation: Activation,
    pub(crate) operations: Operations,
}

impl Dense {
    pub(crate) fn new(
        scope: &Scope,
        (inputs, out): (usize, usize),
        activation: Activation,
        operations: Operations,
    ) -> Result<Self> {
        let weight = scope.parameter("weight", (out, inputs), Init::KaimingNormal { fan_in: inputs });
        let bias = scope.parameter("bias", out, Init::Constant(0.0));
        let wrap = candle_core::Error::wrap;
        Ok(Self { weight: weight.map_err(wrap)?, bias: bias.map_err(wrap)?, activation, operations })
    }

    /// Cuts the parameters off from gradients.
    pub(crate) fn freeze(&mut self) {
        (self.weight, self.bias) = (self.weight.detach(), self.bias.detach());
    }

    /// The layer as part of a fused perceptron.
    pub(crate) fn fused(&self) -> Layer {
        Layer { weight: self.weight.clone(), bias: Some(self.bias.clone()), activation: self.activation }
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self.operations {
            Operations::Fused => {
                linear(x, &self.weight, Some(&self.bias), self.activation).map_err(candle_core::Error::wrap)
            }
            Operations::Candle => activate(&x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)?, self.activation),
        }
    }
}

fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Relu => x.relu(),
        Activation::Sigmoid => candle_nn::ops::sigmoid(x),
        _ => Ok(x.clone()),
    }
}

/// A convolution with kernel 4, stride 2, padding 1; or the transposed one.
pub(crate) struct Conv {
    weight: Tensor,
    bias: Tensor,
    transposed: bool,
    activation: Activation,
    operations: Operations,
}

const AT: Stride2 = Stride2 { stride: (2, 2), padding: (1, 1), output_padding: (0, 0) };

impl Conv {
    pub(crate) fn new(
        scope: &Scope,
        (inputs, out): (usize, usize),
        transposed: bool,
        activation: Activation,
        operations: Operations,
    ) -> Result<Self> {
        let wrap = candle_core::Error::wrap;
        let (a, b) = if transposed { (inputs, out) } else { (out, inputs) };
        let shape = match operations {
            Operations::Fused => (a, 4, 4, b),
            Operations::Candle => (a, b, 4, 4),
        };
        let weight = scope.parameter("weight", shape, Init::KaimingNormal { fan_in: inputs * 16 }).map_err(wrap)?;
        let bias = scope.parameter("bias", out, Init::Constant(0.0)).map_err(wrap)?;
        Ok(Self { weight, bias, transposed, activation, operations })
    }

    /// Channels last for the fused operations, first for candle's.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let bias = Some(&self.bias);
        match (self.operations, self.transposed) {
            (Operations::Fused, false) => conv2d(x, &self.weight, bias, AT, self.activation),
            (Operations::Fused, true) => conv_transpose2d(x, &self.weight, bias, AT, self.activation),
            (Operations::Candle, transposed) => {
                let y = if transposed {
                    x.conv_transpose2d(&self.weight, 1, 0, 2, 1)?
                } else {
                    x.conv2d(&self.weight, 1, 2, 1, 1)?
                };
                return activate(&y.broadcast_add(&self.bias.reshape((1, (), 1, 1))?)?, self.activation);
            }
        }
        .map_err(candle_core::Error::wrap)
    }
}

/// AdamW with PyTorch's defaults, fused or candle's.
pub(crate) enum AdamW {
    Fused { parameters: Parameters, moments: Vec<(Var, Var)>, step: u64, decay: f64 },
    Candle(candle_nn::AdamW),
}

const RATE: f64 = 1e-3;

impl AdamW {
    pub(crate) fn new(scope: &Scope, decay: f64, operations: Operations) -> Result<Self> {
        let parameters = scope.parameters();
        match operations {
            Operations::Fused => {
                let moments = parameters.trained().map(|(_, var)| {
                    let zeros = || Var::zeros(var.shape(), DType::F32, &Device::Cpu);
                    Ok((zeros()?, zeros()?))
                });
                Ok(Self::Fused { moments: moments.collect::<Result<_>>()?, parameters, step: 0, decay })
            }
            Operations::Candle => {
                let vars = parameters.trained().map(|(_, var)| var.clone()).collect();
                let numbers = candle_nn::ParamsAdamW { lr: RATE, weight_decay: decay, ..Default::default() };
                Ok(Self::Candle(candle_nn::AdamW::new(vars, numbers)?))
            }
        }
    }

    /// Moves the parameters against the gradient of `loss`.
    pub(crate) fn minimise(&mut self, loss: &Tensor) -> Result<()> {
        let wrap = candle_core::Error::wrap;
        match self {
            Self::Candle(optimizer) => optimizer.backward_step(loss),
            Self::Fused { parameters, moments, step, decay } => {
                *step += 1;
                let at = update::AdamW {
                    rate: RATE,
                    beta1: 0.9,
                    beta2: 0.999,
                    eps: 1e-8,
                    decay: *decay,
                    step: *step,
                    scale: 1.0,
                };
                let gradients = Gradients::backward(loss, parameters).map_err(wrap)?;
                for ((name, var), (m, v)) in parameters.trained().zip(moments) {
                    if let Some(gradient) = gradients.get(name) {
                        update::adamw(var, gradient, (m, v), at).map_err(wrap)?;
                    }
                }
                Ok(())
            }
        }
    }
}
