//! The bottleneck of plain autoencoders: the encoder's output is the code.

use candle_core::Tensor;
use narrows_core::Result;

use super::Bottleneck;

/// The code is what the encoder gives; it is small, and nothing else limits it.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Values in a code.
    pub code: usize,
}

impl Bottleneck for Identity {
    fn hidden(&self) -> usize {
        self.code
    }

    fn code(&self) -> usize {
        self.code
    }

    fn infer(&self, h: &Tensor) -> Result<Tensor> {
        Ok(h.clone())
    }
}
