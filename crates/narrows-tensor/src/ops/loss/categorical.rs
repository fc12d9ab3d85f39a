//! Cross-entropy of a soft-max over a range of columns: `-Σ w x log softmax(l)`.

use std::ops::Range;

use candle_core::{D, Tensor};

use crate::ops::softmax::log_softmax;
use crate::{Error, Result};

/// `-Σ w x log softmax(l)` over the columns in `range`, for each sample.
///
/// # Shapes
/// - `logits`, `x`: `[N, C]`, with the probabilities of the classes (one-hot for a known class) in `x`
/// - `weight`: `[N, C]` or `[C]`; a constant
/// - returns: `[N]`
///
/// # Errors
/// The shapes differ, there are no samples, or the range is empty or leaves the columns.
pub fn categorical(logits: &Tensor, x: &Tensor, range: Range<usize>, weight: Option<&Tensor>) -> Result<Tensor> {
    let wrong = |argument, found: &Tensor, expected: String| {
        Err(Error::Shape { operation: "categorical", argument, found: found.dims().to_vec(), expected })
    };
    let &[samples, columns] = logits.dims() else {
        return wrong("logits", logits, "[N, C]".into());
    };
    if samples == 0 || range.is_empty() || range.end > columns {
        return wrong("logits", logits, format!("at least one sample, and columns {range:?}"));
    }
    if x.dims() != logits.dims() {
        return wrong("x", x, format!("the logits' {:?}", logits.dims()));
    }
    let part = |t: &Tensor| t.narrow(D::Minus1, range.start, range.len());
    let elements = (log_softmax(&part(logits)?)? * part(x)?)?;
    let elements = match weight {
        Some(weight) if weight.dims() != logits.dims() && weight.dims() != [columns] => {
            return wrong("weight", weight, format!("{:?} or [{columns}]", logits.dims()));
        }
        Some(weight) => elements.broadcast_mul(&part(&weight.detach())?)?,
        None => elements,
    };
    Ok(elements.sum(1)?.neg()?)
}
