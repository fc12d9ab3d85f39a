//! The samples of one step.

use candle_core::Tensor;

/// Samples, and what may come with them.
///
/// # Shapes
/// - `x`: `[N, ..sample]`
/// - `target`: `[N, ..sample]`
/// - `observed`: `[N, ..sample]`
/// - `condition`: `[N, condition]`
#[derive(Clone, Debug)]
pub struct Batch {
    /// What the encoder sees.
    pub x: Tensor,
    /// What the decoder should give where that is not `x`: the clean side of a denoising pair.
    pub target: Option<Tensor>,
    /// 1 where a value was observed and 0 where it was missing and filled in: the loss does not count filled values.
    pub observed: Option<Tensor>,
    /// What samples are known to be before they are looked at, for conditional models; 0 for what is unknown.
    pub condition: Option<Tensor>,
}

impl Batch {
    /// A batch of samples that are their own targets, all observed.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    pub fn new(x: Tensor) -> Self {
        Self { x, target: None, observed: None, condition: None }
    }

    /// What the decoder should give.
    ///
    /// # Shapes
    /// - returns: `[N, ..sample]`
    pub fn target(&self) -> &Tensor {
        self.target.as_ref().unwrap_or(&self.x)
    }
}
