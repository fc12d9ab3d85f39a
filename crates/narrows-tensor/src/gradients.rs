//! The gradients of a loss by parameter name.

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::{Tensor, TensorId};

use crate::kernel::parallel::{CHUNK, for_each_part};
use crate::kernel::simd::vectorized;
use crate::kernel::storage;
use crate::{Parameters, Result};

/// The gradient of each trained parameter that the loss depends on.
#[derive(Clone, Debug, Default)]
pub struct Gradients(BTreeMap<String, Tensor>);

thread_local! {
    /// Where fused operations leave the gradients of parameters during [`Gradients::backward`].
    static ARENA: RefCell<Option<Arena>> = const { RefCell::new(None) };
}

/// Gradient buffers by parameter; empty until the first operation writes one.
#[derive(Default)]
struct Arena(Vec<(TensorId, Vec<f32>)>);

/// Closes the arena when the backward pass ends, however it ends.
struct Open;

impl Open {
    fn new(ids: impl Iterator<Item = TensorId>) -> Self {
        ARENA.set(Some(Arena(ids.map(|id| (id, Vec::new())).collect())));
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        ARENA.set(None);
    }
}

/// Hands the gradient of `leaf` to `write`, which adds to the slice or, if the flag is false, overwrites it. Inside
/// [`Gradients::backward`] the slice is the parameter's buffer and the result `None`, so that candle does not fill a
/// buffer of zeros and add to it; elsewhere the result is the gradient as a tensor.
///
/// # Shapes
/// - returns: the shape of `leaf`
pub(crate) fn write(leaf: &Tensor, write: impl FnOnce(&mut [f32], bool)) -> candle_core::Result<Option<Tensor>> {
    let id = leaf.id();
    let taken = ARENA.with_borrow_mut(|arena| {
        let slots = &mut arena.as_mut()?.0;
        let index = slots.iter().position(|slot| slot.0 == id)?;
        Some(std::mem::take(&mut slots[index].1))
    });
    let Some(mut values) = taken else {
        let values = storage::output(leaf.elem_count(), |into| write(into, false));
        return Tensor::from_vec(values, leaf.shape(), leaf.device()).map(Some);
    };
    if values.is_empty() {
        values = storage::output(leaf.elem_count(), |into| write(into, false));
    } else {
        write(&mut values, true);
    }
    ARENA.with_borrow_mut(|arena| {
        let slot = arena.as_mut().and_then(|arena| arena.0.iter_mut().find(|slot| slot.0 == id));
        if let Some(slot) = slot {
            slot.1 = values;
        }
    });
    Ok(None)
}

/// As [`write`] for an operation that computes the gradients of many parameters: `write` is called only if somebody asked
/// for the gradient of `leaf`.
///
/// # Errors
/// This is not inside [`Gradients::backward`], and so there is nowhere to leave the gradient.
pub(crate) fn write_if_wanted(leaf: &Tensor, write: impl FnOnce(&mut [f32], bool)) -> candle_core::Result<()> {
    let id = leaf.id();
    let wanted = ARENA.with_borrow(|arena| Some(arena.as_ref()?.0.iter().any(|slot| slot.0 == id)));
    match wanted {
        Some(true) => self::write(leaf, write).map(|_| ()),
        Some(false) => Ok(()),
        None => Err(candle_core::Error::Msg(
            "the gradients of a perceptron are collected by narrows_tensor::Gradients::backward, not by Tensor::backward"
                .into(),
        )),
    }
}

impl Gradients {
    /// Runs the backward pass from `loss` to `parameters`.
    ///
    /// # Shapes
    /// - `loss`: `[]`
    ///
    /// # Errors
    /// An operation in between has no gradient.
    pub fn backward(loss: &Tensor, parameters: &Parameters) -> Result<Self> {
        let open = Open::new(parameters.trained().map(|(_, var)| var.id()));
        let mut store = loss.backward()?;
        let slots = ARENA.take().unwrap_or_default().0;
        drop(open);
        let mut gradients = BTreeMap::new();
        for ((name, var), (_, values)) in parameters.trained().zip(slots) {
            let written = (!values.is_empty()).then_some(values);
            let written = written.map(|values| Tensor::from_vec(values, var.shape(), var.device())).transpose()?;
            let gradient = match (written, store.remove(var)) {
                (Some(written), Some(other)) => Some((written + other)?),
                (written, other) => written.or(other),
            };
            if let Some(gradient) = gradient {
                gradients.insert(name.to_owned(), gradient);
            }
        }
        Ok(Self(gradients))
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
            sum += if storage::fused([gradient]) {
                storage::with(gradient, |values| Ok(sum_of_squares(values)))?
            } else {
                gradient.sqr()?.sum_all()?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?
            };
        }
        Ok(sum.sqrt())
    }
}

/// Summed chunk by chunk, and the chunks in order, so that the bits do not depend on the number of threads.
fn sum_of_squares(values: &[f32]) -> f64 {
    let mut sums = vec![0.0; values.len().div_ceil(CHUNK)];
    for_each_part(&mut sums, 1, |chunk, sum| {
        sum[0] = squares(&values[chunk * CHUNK..values.len().min((chunk + 1) * CHUNK)]);
    });
    sums.iter().sum()
}

vectorized! {
    fn squares(values: &[f32]) -> f64 {
        let mut lanes = [0.0; 16];
        let blocks = values.chunks_exact(16);
        let rest: f64 = blocks.remainder().iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        for block in blocks {
            for (lane, &value) in lanes.iter_mut().zip(block) {
                *lane += f64::from(value) * f64::from(value);
            }
        }
        lanes.iter().sum::<f64>() + rest
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_norm_is_that_of_all_numbers_together() {
        let part = |name: &str, len: usize, dtype| {
            let values = crate::random::normal(&crate::Key::new(1).named(name), len, DType::F32, &Device::Cpu).unwrap();
            values.to_dtype(dtype).unwrap()
        };
        let norm = |dtype| {
            let mut gradients = Gradients::default();
            gradients.set("a", part("a", 40_003, dtype));
            gradients.set("b", part("b", 5, dtype));
            gradients.norm().unwrap()
        };
        assert!((norm(DType::F32) / norm(DType::F64) - 1.0).abs() < 1e-12);
    }
}
