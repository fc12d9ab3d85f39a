//! The dimensions of a sample or a code, without the batch axis.

use std::fmt;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Dimensions behind the batch axis, slowest first; images are `[height, width, channels]`, windows `[time, channels]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dims(Vec<usize>);

/// What goes in and what the bottleneck holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// One sample.
    pub sample: Dims,
    /// One code.
    pub code: Dims,
}

impl Dims {
    /// Dimensions in order.
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        Self(dims.into())
    }

    /// The dimensions in order.
    pub fn as_slice(&self) -> &[usize] {
        &self.0
    }

    /// The number of values.
    pub fn elements(&self) -> usize {
        self.0.iter().product()
    }

    /// The shape of `n` of these, batch axis first.
    pub fn batched(&self, n: usize) -> Vec<usize> {
        std::iter::once(n).chain(self.0.iter().copied()).collect()
    }

    /// The number of samples in a batch of these.
    ///
    /// # Shapes
    /// - `tensor`: `[N, ..self]`
    ///
    /// # Errors
    /// The dimensions behind the batch axis differ, or there are no samples; `argument` is named in the error.
    pub fn count(&self, argument: &'static str, tensor: &Tensor) -> Result<usize> {
        match tensor.dims().split_first() {
            Some((0, rest)) if rest == self.0 => Err(Error::EmptyBatch { argument }),
            Some((&n, rest)) if rest == self.0 => Ok(n),
            _ => Err(Error::SampleShape { argument, found: tensor.dims().to_vec(), expected: self.clone() }),
        }
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, dim) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{dim}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn a_batch_of_other_samples_is_refused_with_both_shapes() {
        let x = Tensor::zeros((2, 5), DType::F32, &Device::Cpu).unwrap();
        let message = Dims::new([4]).count("x", &x).unwrap_err().to_string();
        assert_eq!(message, "x has shape [2, 5]; the model expects [N, 4]");
        assert!(matches!(
            Dims::new([5]).count("x", &x.narrow(0, 0, 0).unwrap()),
            Err(Error::EmptyBatch { argument: "x" })
        ));
    }
}
