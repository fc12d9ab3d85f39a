//! Nearest-neighbour upsampling by whole factors, with the sum over copies as its gradient.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use crate::kernel::parallel::for_each_part;
use crate::kernel::storage;
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
    if storage::fused([x]) {
        return Ok(x.contiguous()?.apply_op1(Repeat { factor })?);
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

struct Repeat {
    factor: (usize, usize),
}

impl CustomOp1 for Repeat {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = storage::slice(x, layout)?;
        let (samples, height, width, channels) = layout.shape().dims4()?;
        let line = width * channels;
        let values = storage::output(x.len() * self.factor.0 * self.factor.1, |y| {
            // One row of the small image, which is `factor` rows of the large one, after the other.
            for_each_part(y, self.factor.0 * self.factor.1 * line, |first, y| {
                let row = first / (self.factor.0 * self.factor.1 * line);
                let (top, others) = y.split_at_mut(self.factor.1 * line);
                let pixels = x[row * line..][..line].chunks_exact(channels);
                for (pixel, copies) in pixels.zip(top.chunks_exact_mut(self.factor.1 * channels)) {
                    copies.chunks_exact_mut(channels).for_each(|copy| copy.copy_from_slice(pixel));
                }
                others.chunks_exact_mut(top.len()).for_each(|other| other.copy_from_slice(top));
            });
        });
        let shape = (samples, height * self.factor.0, width * self.factor.1, channels);
        Ok((CpuStorage::F32(values), shape.into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let (_, _, width, channels) = x.dims4()?;
        let line = width * channels;
        let dx = storage::with(dy, |dy| {
            Ok(storage::output(x.elem_count(), |dx| {
                for_each_part(dx, line, |first, dx| {
                    let copies = &dy[first * self.factor.0 * self.factor.1..][..line * self.factor.0 * self.factor.1];
                    dx.fill(0.0);
                    for copies in copies.chunks_exact(self.factor.1 * line) {
                        let copies = copies.chunks_exact(self.factor.1 * channels);
                        for (pixel, copies) in dx.chunks_exact_mut(channels).zip(copies) {
                            for copy in copies.chunks_exact(channels) {
                                pixel.iter_mut().zip(copy).for_each(|(sum, value)| *sum += value);
                            }
                        }
                    }
                });
            }))
        })?;
        Tensor::from_vec(dx, x.shape(), x.device()).map(Some)
    }
}
