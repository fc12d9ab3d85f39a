//! Nearest-neighbour upsampling by whole factors, with the sum over copies as its gradient.

use candle_core::Tensor;

use crate::{Error, Result};

/// Repeats each pixel `factor` times along (height, width).
///
/// # Shapes
/// - `x`: `[N, H, W, C]`
/// - returns: `[N, H FH, W FW, C]` for factors `(FH, FW)`
///
/// # Errors
/// `x` is empty or not an image, or a factor is zero.
pub fn upsample(x: &Tensor, factor: (usize, usize)) -> Result<Tensor> {
    let &[samples, height, width, channels] = x.dims() else {
        return wrong(x, "[N, H, W, C]");
    };
    if x.elem_count() == 0 || factor.0 == 0 || factor.1 == 0 {
        return wrong(x, "at least one pixel, and factors above zero");
    }
    let copies = x.reshape((samples, height, 1, width, channels))?;
    let copies = copies.broadcast_as((samples, height, factor.0, width, channels))?.contiguous()?;
    let copies = copies.reshape((samples, height * factor.0, width, 1, channels))?;
    let copies = copies.broadcast_as((samples, height * factor.0, width, factor.1, channels))?.contiguous()?;
    Ok(copies.reshape((samples, height * factor.0, width * factor.1, channels))?)
}

fn wrong(x: &Tensor, expected: &str) -> Result<Tensor> {
    let (operation, argument) = ("upsample", "x");
    Err(Error::Shape { operation, argument, found: x.dims().to_vec(), expected: expected.into() })
}
