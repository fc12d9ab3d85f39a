//! The mean of scaled rows, and rows around a provisional origin: sums stay small, so that f32 products keep digits.

use candle_core::{DType, Tensor};

use crate::{Error, Result};

/// Running mean of the rows of all batches.
#[derive(Debug, Default)]
pub(super) struct Mean {
    origin: Option<Tensor>,
    sum: Option<Tensor>,
    rows: usize,
}

impl Mean {
    /// Adds a batch; returns its rows minus the first batch's mean, scaled.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `scale`: `[D]`
    /// - returns: `[N, D]`
    pub(super) fn add(&mut self, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let (rows, width) = (x.dim(0)?, scale.elem_count());
        if x.elem_count() != rows * width {
            let (operation, argument, found) = ("pca", "x", x.dims().to_vec());
            return Err(Error::Shape { operation, argument, found, expected: vec![rows, width] });
        }
        let x = x.reshape((rows, width))?.to_dtype(DType::F32)?;
        if self.origin.is_none() {
            self.origin = Some(x.mean(0)?);
        }
        let origin = self.origin.as_ref().unwrap_or(scale);
        let shifted = x.broadcast_sub(origin)?.broadcast_mul(scale)?;
        let sum = shifted.sum(0)?.to_dtype(DType::F64)?;
        self.sum = Some(match self.sum.take() {
            Some(total) => (total + sum)?,
            None => sum,
        });
        self.rows += rows;
        Ok(shifted)
    }

    /// Rows added so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The mean in the data's units and the mean of the shifted, scaled rows in f64.
    pub(super) fn finish(&self, scale: &Tensor) -> Result<(Tensor, Vec<f64>)> {
        let (Some(origin), Some(sum)) = (&self.origin, &self.sum) else {
            return Err(Error::TooFewRows { operation: "pca", rows: self.rows, needed: 2 });
        };
        if self.rows < 2 {
            return Err(Error::TooFewRows { operation: "pca", rows: self.rows, needed: 2 });
        }
        let shifted = (sum / self.rows as f64)?;
        let mean = (origin + shifted.to_dtype(DType::F32)?.div(&super::divisor(scale)?)?)?;
        Ok((mean, shifted.to_vec1()?))
    }
}
