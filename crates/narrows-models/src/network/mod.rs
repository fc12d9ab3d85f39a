//! Networks: differentiable maps with parameters, from samples to hidden values and back.

pub mod conv;
pub mod dense;
pub mod fully_convolutional;
pub mod linear_path;
pub mod mlp;
pub mod symmetric;
pub mod told;

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::Key;

pub use conv::{ConvDecoder, ConvEncoder};
pub use dense::Dense;
pub use fully_convolutional::fully_convolutional;
pub use linear_path::LinearPath;
pub use mlp::Mlp;
pub use symmetric::{symmetric, symmetric_told};
pub use told::{Told, with_flags};

/// Whether a network is used or trained.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// Deterministic.
    Infer,
    /// With whatever is random in training (dropout), drawn from this key.
    Train(Key),
}

impl Mode {
    /// The same mode for a part of a network, with random numbers of its own.
    #[must_use]
    pub fn enter(self, part: &str) -> Self {
        match self {
            Self::Infer => Self::Infer,
            Self::Train(key) => Self::Train(key.named(part)),
        }
    }
}

/// A differentiable map with parameters.
pub trait Network: Send + Sync {
    /// The map.
    ///
    /// # Shapes
    /// - `x`: `[N, ..in]`
    /// - returns: `[N, ..out]`
    ///
    /// # Errors
    /// The dimensions behind the batch axis are not the network's.
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor>;
}
