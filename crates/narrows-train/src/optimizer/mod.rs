//! How gradients become updates of parameters.

pub mod adamw;
pub mod sgd;

use std::collections::BTreeMap;

use candle_core::Tensor;
use narrows_tensor::{Gradients, Parameters};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use adamw::{AdamW, AdamWConfig};
pub use sgd::{Sgd, SgdConfig};

use crate::{Error, NonNegative, Result};

/// What an update depends on besides gradients and moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// Steps done before this one.
    pub step: u64,
    /// Learning rate.
    pub rate: f64,
    /// Factor on every gradient; less than 1 where gradients are clipped.
    pub scale: f64,
}

/// Updates the parameters of one group; its state is readable by parameter name.
pub trait Optimizer: Send {
    /// Moves every parameter that has a gradient.
    ///
    /// # Errors
    /// Candle cannot compute the update.
    fn update(&mut self, parameters: &Parameters, gradients: &Gradients, at: Update) -> Result<()>;

    /// The state as tensors, each named `{moment}.{parameter}`.
    fn state(&self) -> BTreeMap<String, Tensor>;

    /// Takes the state that [`Optimizer::state`] gave.
    ///
    /// # Errors
    /// A tensor is missing, unknown or has another shape; `origin` is the file named in the error.
    fn restore(&mut self, stored: &BTreeMap<String, Tensor>, origin: &str) -> Result<()>;
}

/// Which optimizer, and its constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Adam with decoupled weight decay.
    AdamW(AdamWConfig),
    /// Stochastic gradient descent.
    Sgd(SgdConfig),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::AdamW(AdamWConfig::default())
    }
}

impl OptimizerConfig {
    /// The optimizer of `parameters`, with moments at zero.
    ///
    /// # Errors
    /// Candle cannot make the moments.
    pub fn build(&self, parameters: &Parameters, decay: NonNegative) -> Result<Box<dyn Optimizer>> {
        Ok(match *self {
            Self::AdamW(config) => Box::new(AdamW::new(config, decay, parameters)?),
            Self::Sgd(config) => Box::new(Sgd::new(config, decay, parameters)?),
        })
    }
}

/// The decay of a parameter: none for biases, scales and other vectors.
fn decay_of(parameter: &Tensor, decay: NonNegative) -> f64 {
    if parameter.rank() > 1 { decay.get() } else { 0.0 }
}

/// One tensor like each parameter, by the parameter's name.
type Moment = BTreeMap<String, candle_core::Var>;

fn zeros_like(parameters: &Parameters) -> Result<Moment> {
    parameters
        .trained()
        .map(|(name, var)| Ok((name.to_owned(), candle_core::Var::from_tensor(&var.zeros_like()?)?)))
        .collect()
}

/// The moments as tensors named `{moment}.{parameter}`.
fn state_of(moments: &[(&str, &Moment)]) -> BTreeMap<String, Tensor> {
    let named = |(moment, tensors): &(&str, &Moment)| {
        let moment = (*moment).to_owned();
        let tensors: Vec<_> =
            tensors.iter().map(|(name, var)| (format!("{moment}.{name}"), var.as_detached_tensor())).collect();
        tensors
    };
    moments.iter().flat_map(named).collect()
}

/// Sets the moments from tensors named `{moment}.{parameter}`; all or none.
fn restore_moments(moments: &[(&str, &Moment)], stored: &BTreeMap<String, Tensor>, origin: &str) -> Result<()> {
    let named = |(moment, tensors): &(&str, &Moment)| {
        let moment = (*moment).to_owned();
        let tensors: Vec<_> = tensors.iter().map(|(name, var)| (format!("{moment}.{name}"), var.clone())).collect();
        tensors
    };
    restore_named(&moments.iter().flat_map(named).collect(), stored, origin)
}

/// Sets every tensor of `all` to the value stored under its name; all or none.
pub(crate) fn restore_named(all: &Moment, stored: &BTreeMap<String, Tensor>, origin: &str) -> Result<()> {
    let refused =
        |name: &str, problem| Error::OptimizerState { origin: origin.to_owned(), name: name.to_owned(), problem };
    if let Some(name) = stored.keys().find(|name| !all.contains_key(*name)) {
        return Err(refused(name, "is unknown"));
    }
    let mut values = Vec::with_capacity(all.len());
    for (name, var) in all {
        let value = stored.get(name).ok_or_else(|| refused(name, "is missing"))?;
        if value.shape() != var.shape() {
            return Err(refused(name, "has another shape"));
        }
        values.push((var, value.to_dtype(var.dtype())?.to_device(var.device())?.copy()?));
    }
    Ok(values.iter().try_for_each(|(var, value)| var.set(value))?)
}
