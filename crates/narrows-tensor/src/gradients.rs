//! The gradients of a loss by parameter name.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::{Parameters, Result};

/// The gradient of each trained parameter that the loss depends on.
#[derive(Clone, Debug, Default)]
pub struct Gradients(BTreeMap<String, Tensor>);

impl Gradients {
    /// Runs the backward pass from `loss` to `parameters`.
    ///
    /// # Shapes
    /// - `loss`: `[]`
    ///
    /// # Errors
    /// An operation in between has no gradient.
    pub fn backward(loss: &Tensor, parameters: &Parameters) -> Result<Self> {
        let mut store = loss.backward()?;
        let found = parameters.trained().filter_map(|(name, var)| Some((name.to_owned(), store.remove(var)?)));
        Ok(Self(found.collect()))
    }

    /// The gradient of the parameter called `name`; `None` if the loss does not depend on it.
    ///
    /// # Shapes
    /// - returns: the parameter's shape
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// Replaces a gradient, for example by its part orthogonal to the parameter.
    ///
    /// # Shapes
    /// - `gradient`: the parameter's shape
    pub fn set(&mut self, name: &str, gradient: Tensor) {
        self.0.insert(name.to_owned(), gradient);
    }

    /// The gradients in the order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, gradient)| (name.as_str(), gradient))
    }

    /// The Euclidean norm over all gradients.
    ///
    /// # Errors
    /// Candle cannot sum a gradient.
    pub fn norm(&self) -> Result<f64> {
        let mut sum = 0.0;
        for gradient in self.0.values() {
            sum += gradient.sqr()?.sum_all()?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        }
        Ok(sum.sqrt())
    }
}
