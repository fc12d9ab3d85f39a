//! Which latents are active, in use and in training, and what that adds to the loss.

use candle_core::Tensor;
use narrows_core::{Loss, Result, StepContext, Update};

use super::{Code, Dictionary};

/// A training step, as a rule sees it.
pub struct Pass<'a> {
    /// The parameters.
    pub dictionary: &'a Dictionary,
    /// Samples relative to the centre, `[N, features]`.
    pub centred: &'a Tensor,
    /// Where the run stands.
    pub at: &'a StepContext,
    /// What a squared error of 1 between samples as networks see them counts in the loss.
    pub unit: f64,
    /// The reconstruction's loss, `[N]`, of a decoded sample as networks see it, `[N, features]`.
    pub reconstruction: &'a dyn Fn(&Tensor) -> Result<Tensor>,
}

/// What a rule gives in training.
#[derive(Clone, Debug)]
pub struct Coded {
    /// The active latents.
    pub code: Code,
    /// Terms that it adds to the loss.
    pub terms: Loss,
    /// New values of its buffers.
    pub updates: Vec<Update>,
}

impl From<Code> for Coded {
    fn from(code: Code) -> Self {
        Self { code, terms: Loss::default(), updates: Vec::new() }
    }
}

/// Which latents are active.
pub trait Rule: Send + Sync {
    /// The active latents in use: each row for itself.
    ///
    /// # Shapes
    /// - `centred`: `[N, features]`
    ///
    /// # Errors
    /// The features are not the dictionary's.
    fn infer(&self, dictionary: &Dictionary, centred: &Tensor) -> Result<Code>;

    /// Whether the gradient of a parameter is by design not the derivative of the loss: a straight-through estimate, or one
    /// that leaves out a term that holds the parameter fixed.
    fn surrogate(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// The active latents in training.
    ///
    /// # Errors
    /// The features are not the dictionary's.
    fn train(&self, pass: &Pass<'_>) -> Result<Coded> {
        Ok(self.infer(pass.dictionary, pass.centred)?.into())
    }
}
