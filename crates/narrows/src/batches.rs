//! Prepared rows as batches of tensors.

use narrows_core::Batch;
use narrows_data::{Feed, Rows};
use narrows_tensor::{Device, Tensor};
use narrows_train::{Batches, BoxError};

use crate::Result;

/// Rows from which initial values are taken.
const FIRST: usize = 8_192;

/// Prepared rows as a batch of samples of these dimensions.
pub(crate) fn batch(rows: Rows, dims: &[usize]) -> Result<Batch> {
    let shape: Vec<usize> = std::iter::once(rows.rows).chain(dims.iter().copied()).collect();
    let tensor = |values: Vec<f32>| Tensor::from_vec(values, shape.as_slice(), &Device::Cpu);
    let observed = rows.observed.map(tensor).transpose().map_err(narrows_tensor::Error::from)?;
    let condition = rows.condition.map(|values| Tensor::from_vec(values, (rows.rows, ()), &Device::Cpu));
    let condition = condition.transpose().map_err(narrows_tensor::Error::from)?;
    let x = tensor(rows.features).map_err(narrows_tensor::Error::from)?;
    Ok(Batch { observed, condition, ..Batch::new(x) })
}

/// Training batches from a [`Feed`].
pub(crate) struct FeedBatches {
    pub(crate) feed: Feed,
    pub(crate) dims: Vec<usize>,
}

impl Batches for FeedBatches {
    fn at(&mut self, step: u64) -> Result<Batch, BoxError> {
        Ok(batch(self.feed.batch(step)?, &self.dims)?)
    }

    fn steps_per_epoch(&self) -> u64 {
        self.feed.steps_per_epoch()
    }

    fn first(&mut self) -> Result<Batch, BoxError> {
        let size = (self.feed.samples() as u64 / self.feed.steps_per_epoch().max(1)).max(1);
        let steps = (FIRST as u64).div_ceil(size).min(self.feed.steps_per_epoch());
        let mut all = Rows::default();
        for step in 0..steps {
            let rows = self.feed.batch(step)?;
            let before = all.features.len();
            if rows.observed.is_some() || all.observed.is_some() {
                let known = all.observed.get_or_insert_with(|| vec![1.0; before]);
                known.extend(rows.observed.unwrap_or_else(|| vec![1.0; rows.features.len()]));
            }
            all.features.extend(rows.features);
            if let Some(condition) = rows.condition {
                all.condition.get_or_insert_default().extend(condition);
            }
            all.rows += rows.rows;
            all.width = rows.width;
        }
        Ok(batch(all, &self.dims)?)
    }
}
