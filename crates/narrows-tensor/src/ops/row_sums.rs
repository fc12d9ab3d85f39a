//! Sums over rows: statistics, and gradients of numbers that all rows share.

use std::ops::Range;

use candle_core::{Result, Tensor};

use crate::gradients;
use crate::kernel::parallel::{CHUNK, Shared, for_each};
use crate::kernel::scratch::Scratch;
use crate::kernel::storage;

/// Sums of `outputs` numbers over rows of `width`; `add` adds those of the elements `at`. Part by part, and the parts in
/// order, so that the bits do not depend on the number of threads.
pub(super) fn sums(
    len: usize,
    width: usize,
    outputs: usize,
    add: impl Fn(Range<usize>, &mut [f32]) + Sync,
) -> Vec<f64> {
    let part = (CHUNK / width).max(1) * width;
    let parts = len.div_ceil(part);
    let mut room = Scratch::new(parts * outputs);
    let shared = Shared::new(&mut room);
    for_each(parts, |index| {
        // SAFETY: each part has its own sums.
        let sums = unsafe { shared.part(index * outputs, outputs) };
        sums.fill(0.0);
        add(index * part..len.min((index + 1) * part), sums);
    });
    let mut totals = vec![0.0; outputs];
    for sums in room.chunks_exact(outputs) {
        totals.iter_mut().zip(sums).for_each(|(total, &sum)| *total += f64::from(sum));
    }
    totals
}

/// Gradients of `x`, `scale` and `shift`, from that of `x` and the sums over rows of `dy` and of `dy x̂`, one behind the other.
///
/// # Shapes
/// - returns: the shapes of `x`, `scale` and `shift`
pub(super) fn gradients(
    (x, dx): (&Tensor, Option<Vec<f32>>),
    scale: &Tensor,
    shift: &Tensor,
    sums: &[f64],
) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
    let dx = dx.map(|dx| Tensor::from_vec(dx, x.shape(), x.device())).transpose()?;
    let (of_shift, of_scale) = sums.split_at(shift.elem_count());
    Ok((dx, gradient(scale, of_scale)?, gradient(shift, of_shift)?))
}

/// The gradient of `leaf`, if it needs one.
///
/// # Shapes
/// - returns: the shape of `leaf`
fn gradient(leaf: &Tensor, sums: &[f64]) -> Result<Option<Tensor>> {
    if !storage::tracked(leaf) {
        return Ok(None);
    }
    gradients::write(leaf, |into, add| {
        for (into, &sum) in into.iter_mut().zip(sums) {
            *into = sum as f32 + if add { *into } else { 0.0 };
        }
    })
}
