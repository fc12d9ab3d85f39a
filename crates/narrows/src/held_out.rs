//! Validation samples in file order, the same ones at each evaluation.

use std::sync::Arc;

use narrows_core::Batch;
use narrows_data::{Preparation, Subset, Validation, in_order};
use narrows_train::{Batches, BoxError};

use crate::Result;
use crate::batches::batch;
use crate::evaluate::ROWS;

/// Batches of held-out samples, prepared once.
pub(crate) struct InOrderBatches(Vec<Batch>);

impl InOrderBatches {
    /// The first `limit` samples of a subset; `None` if it has none.
    pub(crate) fn new(rows: &Subset<Validation>, preparation: &Arc<Preparation>, limit: usize) -> Result<Option<Self>> {
        if rows.is_empty() {
            return Ok(None);
        }
        let layout = preparation.layout();
        // At most 64 MB of features, so that wide samples stay within bounds.
        let limit = limit.min((16 << 20) / layout.width().max(1)).max(1);
        let subset = rows.clone().limit(limit * layout.steps);
        let portions = in_order(&subset, preparation, ROWS)?;
        let batches: Result<Vec<Batch>> = portions.map(|portion| batch(portion?.rows, &layout.dims)).collect();
        Ok(Some(Self(batches?)).filter(|batches| !batches.0.is_empty()))
    }
}

impl Batches for InOrderBatches {
    fn at(&mut self, step: u64) -> Result<Batch, BoxError> {
        self.0.get(step as usize % self.0.len()).cloned().ok_or_else(|| "there are no held-out samples".into())
    }

    fn steps_per_epoch(&self) -> u64 {
        self.0.len() as u64
    }
}
