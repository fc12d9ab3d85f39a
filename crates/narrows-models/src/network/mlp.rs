//! A multilayer perceptron: fully connected layers, the last one linear, with optional dropout behind hidden layers.

use candle_core::Tensor;
use narrows_core::{Dims, Result};
use narrows_tensor::ops::perceptron::perceptron;
use narrows_tensor::{Activation, Init, Key, Scope, random};

use super::{Dense, Mode, Network};

/// Fully connected layers between any two shapes.
#[derive(Clone, Debug)]
pub struct Mlp {
    layers: Vec<Dense>,
    dropout: f64,
    output: Dims,
}

/// What is the same in all hidden layers.
#[derive(Clone, Copy, Debug)]
pub struct Hidden {
    /// The non-linearity.
    pub activation: Activation,
    /// The share of units that a training step switches off.
    pub dropout: f64,
    /// A linear path runs beside the network, whose last layer's weights start at 0, so that the path is all there is at
    /// first.
    pub beside_path: bool,
}

impl Mlp {
    /// Layers from `input` over the `hidden` widths to `output`; parameters are `0.weight`, `0.bias`, `1.weight`, ...
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(input: &Dims, widths: &[usize], output: &Dims, hidden: Hidden, scope: &Scope) -> Result<Self> {
        let mut layers = Vec::with_capacity(widths.len() + 1);
        let mut inputs = input.elements();
        let outputs = widths.iter().copied().chain([output.elements()]);
        for (index, outputs) in outputs.enumerate() {
            let last = index == widths.len();
            let activation = if last { Activation::Identity } else { hidden.activation };
            let init = if last && hidden.beside_path {
                Init::Constant(0.0)
            } else {
                Init::XavierUniform { fan_in: inputs, fan_out: outputs }
            };
            layers.push(Dense::with_init(inputs, outputs, init, activation, &scope.enter(index))?);
            inputs = outputs;
        }
        Ok(Self { layers, dropout: hidden.dropout, output: output.clone() })
    }

    /// Layers without biases from `input` over the hidden `widths` to `output`; parameters are `0.weight`, `1.weight`, ...
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn without_biases(
        input: &Dims,
        widths: &[usize],
        output: &Dims,
        activation: Activation,
        scope: &Scope,
    ) -> Result<Self> {
        let sizes: Vec<usize> = [input.elements()].into_iter().chain(widths.iter().copied()).collect();
        let mut layers = Vec::with_capacity(sizes.len());
        for (index, &inputs) in sizes.iter().enumerate() {
            let (outputs, activation) = match sizes.get(index + 1) {
                Some(&width) => (width, activation),
                None => (output.elements(), Activation::Identity),
            };
            layers.push(Dense::without_bias(inputs, outputs, activation, &scope.enter(index))?);
        }
        Ok(Self { layers, dropout: 0.0, output: output.clone() })
    }

    /// The way back through the same weights, transposed, from the output to `input`; parameters are the biases `0.bias`,
    /// `1.bias`, ...
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn mirror(&self, input: &Dims, hidden: Hidden, scope: &Scope) -> Result<Self> {
        let last = self.layers.len().saturating_sub(1);
        let layers = self.layers.iter().rev().enumerate().map(|(index, layer)| {
            let activation = if index == last { Activation::Identity } else { hidden.activation };
            Dense::tied(layer.weight(), activation, &scope.enter(index))
        });
        Ok(Self { layers: layers.collect::<Result<_>>()?, dropout: hidden.dropout, output: input.clone() })
    }

    /// The layers in order.
    pub fn layers(&self) -> &[Dense] {
        &self.layers
    }
}

impl Network for Mlp {
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let mut h = x.flatten_from(1)?;
        match mode {
            Mode::Train(key) if self.dropout > 0.0 => {
                for (index, layer) in self.layers.iter().enumerate() {
                    h = layer.forward(&h)?;
                    if index + 1 < self.layers.len() {
                        h = dropped(&h, self.dropout, &key.fold(index as u64))?;
                    }
                }
            }
            _ => h = perceptron(&h, &self.layers.iter().map(Dense::layer).collect::<Vec<_>>())?,
        }
        Ok(h.reshape(self.output.batched(x.dim(0)?))?)
    }
}

/// Switches a share of the values off, and scales the others so that the mean stays.
fn dropped(h: &Tensor, share: f64, key: &Key) -> Result<Tensor> {
    let keep = random::uniform(key, h.shape(), h.dtype(), h.device())?.ge(share)?;
    Ok((h * keep.to_dtype(h.dtype())?.affine(1.0 / (1.0 - share), 0.0)?)?)
}
