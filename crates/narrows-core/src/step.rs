//! What a step is given and what it gives back.

use candle_core::Tensor;
use narrows_tensor::{Buffer, Key};

use crate::Loss;

/// Where the run stands. Whatever changes during training is a function of this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepContext {
    /// Steps done before this one.
    pub step: u64,
    /// Steps of the whole run.
    pub steps: u64,
    /// Random numbers of this step.
    pub key: Key,
}

impl StepContext {
    /// The share of the run that is done, in `0..1`.
    pub fn progress(&self) -> f64 {
        if self.steps == 0 { 0.0 } else { self.step as f64 / self.steps as f64 }
    }
}

/// A loss, and the changes to buffers that the loop commits once the step counts.
#[derive(Clone, Debug, Default)]
pub struct StepOutput {
    /// Per-sample terms.
    pub loss: Loss,
    /// New values of buffers.
    pub updates: Vec<Update>,
}

/// A new value of one buffer.
#[derive(Clone, Debug)]
pub struct Update {
    /// Full name of the buffer in the store.
    pub name: String,
    /// Its value after the step, of the buffer's shape.
    pub value: Tensor,
}

impl Update {
    /// A new value for `buffer`.
    ///
    /// # Shapes
    /// - `value`: the buffer's shape
    pub fn new(buffer: &Buffer, value: Tensor) -> Self {
        Self { name: buffer.name().to_owned(), value }
    }
}

impl From<Loss> for StepOutput {
    fn from(loss: Loss) -> Self {
        Self { loss, updates: Vec::new() }
    }
}
