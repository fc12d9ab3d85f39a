//! Where the samples of a step come from.

use narrows_core::Batch;

use crate::BoxError;

/// Batches by step. The same step gives the same batch, whatever was asked for before: a resumed run asks for step n
/// first.
pub trait Batches {
    /// The batch of `step`, counted from 0 over the whole run.
    ///
    /// # Errors
    /// The source cannot be read.
    fn at(&mut self, step: u64) -> Result<Batch, BoxError>;

    /// Steps in which every sample is seen once; at least 1.
    fn steps_per_epoch(&self) -> u64;

    /// Samples from which a model takes initial values that depend on the data; may be larger than a step's batch.
    ///
    /// # Errors
    /// The source cannot be read.
    fn first(&mut self) -> Result<Batch, BoxError> {
        self.at(0)
    }
}
