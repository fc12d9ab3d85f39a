//! The backward pass of an activation fused behind a layer: the gradient before the activation, and the bias's.

use candle_core::{Result, Tensor};

use crate::kernel::parallel::{Shared, for_each};
use crate::kernel::scratch::Scratch;
use crate::kernel::{pointwise, storage};
use crate::{Activation, gradients};

/// Elements that one task goes over.
const PART: usize = 16 * 1024;

/// The gradient before an activation.
pub(crate) struct Slope {
    dy: Tensor,
    /// None if the activation is the identity: then it is `dy`.
    before: Option<Scratch>,
    dbias: Option<Tensor>,
}

impl Slope {
    /// Takes the gradient `dy` behind the activation and its values `y`, both `[.., out]`; writes the gradient of `bias`.
    pub(crate) fn new(dy: &Tensor, y: &Tensor, activation: Activation, bias: Option<&Tensor>) -> Result<Self> {
        let dy = dy.contiguous()?;
        let bias = bias.filter(|bias| storage::tracked(bias));
        let width = y.dims().last().copied().unwrap_or(1);
        if activation == Activation::Identity {
            let dbias = match bias {
                None => None,
                Some(bias) => storage::with(&dy, |dy| {
                    gradients::write(bias, |into, add| sum_rows(into, add, width, dy.len(), |at, _| &dy[at]))
                })?,
            };
            return Ok(Self { dy, before: None, dbias });
        }
        let mut before = Scratch::new(dy.elem_count());
        let dbias = storage::with(&dy, |dy| {
            storage::with(y, |y| {
                let shared = Shared::new(&mut before);
                let run = |at: std::ops::Range<usize>, _: usize| {
                    // SAFETY: each range is visited once.
                    let part = unsafe { shared.part(at.start, at.len()) };
                    pointwise::scale_by_slope(part, &dy[at.clone()], &y[at], activation);
                    &*part
                };
                if let Some(bias) = bias {
                    return gradients::write(bias, |into, add| sum_rows(into, add, width, dy.len(), run));
                }
                for_each(dy.len().div_ceil(PART), |part| {
                    run(part * PART..dy.len().min((part + 1) * PART), part);
                });
                Ok(None)
            })
        })?;
        Ok(Self { dy, before: Some(before), dbias })
    }

    /// Runs `read` on the gradient before the activation.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
        match &self.before {
            Some(before) => read(before),
            None => storage::with(&self.dy, read),
        }
    }

    /// The bias's gradient, unless it lies in the arena.
    pub(crate) fn into_bias_gradient(self) -> Option<Tensor> {
        self.dbias
    }
}

/// Sums the rows of `width` numbers that `rows(range of elements, part)` gives, part by part, into `into`.
pub(super) fn sum_rows<'a>(
    into: &mut [f32],
    add: bool,
    width: usize,
    len: usize,
    rows: impl Fn(std::ops::Range<usize>, usize) -> &'a [f32] + Sync,
) {
    let part = (PART / width).max(1) * width;
    let parts = len.div_ceil(part);
    let mut sums = Scratch::new(parts * width);
    let shared = Shared::new(&mut sums);
    for_each(parts, |index| {
        // SAFETY: each part has its own sums.
        let sums = unsafe { shared.part(index * width, width) };
        sums.fill(0.0);
        pointwise::add_rows(sums, rows(index * part..len.min((index + 1) * part), index));
    });
    if !add {
        into.fill(0.0);
    }
    pointwise::add_rows(into, &sums);
}
