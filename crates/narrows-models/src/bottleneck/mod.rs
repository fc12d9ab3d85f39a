//! Bottlenecks: what stands between encoder and decoder.

pub mod codebook;
mod gaussian;
mod hypersphere;
mod identity;
mod levels;
mod quantised;
mod squash;

use candle_core::Tensor;
use narrows_core::{Diagnostic, Loss, Result, StepContext, Update};
use narrows_tensor::Parameters;

pub use gaussian::Gaussian;
pub use hypersphere::{Hypersphere, Phase};
pub use identity::Identity;
pub use levels::Levels;
pub use quantised::Quantised;
pub use squash::{Response, Squash};

/// What a training step's bottleneck gives.
#[derive(Clone, Debug)]
pub struct Coded {
    /// The code that the decoder sees, `[N, code]`.
    pub z: Tensor,
    /// Terms that the bottleneck adds to the loss, such as a Kullback-Leibler divergence.
    pub terms: Loss,
    /// New values of its buffers.
    pub updates: Vec<Update>,
}

/// Turns the encoder's output into codes.
pub trait Bottleneck: Send + Sync {
    /// The number of values that the encoder has to give for a code.
    fn hidden(&self) -> usize;

    /// The number of values in a code.
    fn code(&self) -> usize;

    /// The code in use: deterministic, for a variational bottleneck the mean.
    ///
    /// # Shapes
    /// - `h`: `[N, hidden]`
    /// - returns: `[N, code]`
    ///
    /// # Errors
    /// The hidden values are not as many as [`Bottleneck::hidden`].
    fn infer(&self, h: &Tensor) -> Result<Tensor>;

    /// The code in training. Whatever is random comes from the context's key.
    ///
    /// # Shapes
    /// - `h`: `[N, hidden]`
    ///
    /// # Errors
    /// The hidden values are not as many as [`Bottleneck::hidden`].
    fn train(&self, h: &Tensor, at: &StepContext) -> Result<Coded> {
        let _ = at;
        Ok(Coded { z: self.infer(h)?, terms: Loss::default(), updates: Vec::new() })
    }

    /// Sets data-dependent initial values, such as a codebook's, from what the encoder gives before training.
    ///
    /// # Shapes
    /// - `h`: `[N, hidden]`
    ///
    /// # Errors
    /// Candle cannot write a value.
    fn start(&self, h: &Tensor, parameters: &Parameters) -> Result<()> {
        let _ = (h, parameters);
        Ok(())
    }

    /// Whether there is a use of units to watch.
    fn watched(&self) -> bool {
        false
    }

    /// How much samples use each unit of the code, summed over the samples; `None` where there is nothing to watch.
    ///
    /// # Shapes
    /// - `h`: `[N, hidden]`
    /// - returns: `[units]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    fn usage(&self, h: &Tensor) -> Result<Option<Tensor>> {
        let _ = h;
        Ok(None)
    }

    /// What the mean use of each unit over samples says.
    fn diagnose(&self, usage: &[f64]) -> Vec<Diagnostic> {
        let _ = usage;
        Vec::new()
    }

    /// How strange each sample is by its code alone, as a squared distance; `None` where codes do not say.
    ///
    /// # Shapes
    /// - `h`: `[N, hidden]`
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The hidden values are not as many as [`Bottleneck::hidden`].
    fn strangeness(&self, h: &Tensor) -> Result<Option<Tensor>> {
        let _ = h;
        Ok(None)
    }

    /// Whether the gradient that it passes to the encoder is no derivative by intention (Bengio, Léonard & Courville 2013:
    /// straight through a step).
    fn surrogate(&self) -> bool {
        false
    }
}
