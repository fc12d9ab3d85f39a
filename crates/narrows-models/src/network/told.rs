//! A network that is told which of its inputs are hidden: behind the inputs stand as many flags, 1 for what is hidden.

use candle_core::Tensor;
use narrows_core::Result;

use super::{Mode, Network};

/// A network of inputs and their flags, to which inputs alone are all seen.
pub struct Told<N> {
    network: N,
    inputs: usize,
}

impl<N> Told<N> {
    /// Around a network of `2 inputs` values.
    pub fn new(network: N, inputs: usize) -> Self {
        Self { network, inputs }
    }
}

/// Inputs with hidden ones at 0, and their flags behind them.
///
/// # Shapes
/// - `u`: `[N, ..sample]`
/// - `hidden`: `[N, ..sample]`, 1 for what is hidden, else 0
/// - returns: `[N, 2 features]`
///
/// # Errors
/// The shapes differ.
pub fn with_flags(u: &Tensor, hidden: &Tensor) -> Result<Tensor> {
    let (u, hidden) = (u.flatten_from(1)?, hidden.to_dtype(u.dtype())?.flatten_from(1)?);
    let seen = (&u * hidden.affine(-1.0, 1.0)?)?;
    Ok(Tensor::cat(&[&seen, &hidden], 1)?)
}

impl<N: Network> Network for Told<N> {
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let flat = x.flatten_from(1)?;
        if flat.dim(1)? == self.inputs {
            return self.network.forward(&Tensor::cat(&[&flat, &flat.zeros_like()?], 1)?, mode);
        }
        self.network.forward(&flat, mode)
    }
}
