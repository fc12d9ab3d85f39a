//! The machine's matrix product: what the share of the peak is measured against.

use candle_core::{Result, Tensor};

use crate::layers::samples;
use crate::{Operations, Workload};

/// A square product.
pub(crate) struct Product {
    a: Tensor,
    b: Tensor,
    operations: Operations,
}

impl Product {
    pub(crate) fn boxed(extent: usize, operations: Operations) -> Result<Box<dyn Workload>> {
        Ok(Box::new(Self { a: samples(&[extent, extent])?, b: samples(&[extent, extent])?, operations }))
    }
}

impl Workload for Product {
    fn samples(&self) -> usize {
        self.a.dims()[0]
    }

    fn step(&mut self) -> Result<f32> {
        let y = match self.operations {
            Operations::Fused => {
                narrows_tensor::ops::linear::linear(&self.a, &self.b, None, narrows_tensor::Activation::Identity)
                    .map_err(candle_core::Error::wrap)?
            }
            Operations::Candle => self.a.matmul(&self.b)?,
        };
        y.get(0)?.get(0)?.to_scalar()
    }
}
