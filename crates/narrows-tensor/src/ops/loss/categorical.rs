//! Cross-entropy of a soft-max over a range of columns: `-Σ w x log softmax(l)`.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, D, Layout, Shape, Tensor};

use crate::kernel::parallel::{CHUNK, for_each_part};
use crate::kernel::simd::vectorized;
use crate::kernel::{math, storage};
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
    if let Some(weight) = weight
        && weight.dims() != logits.dims()
        && weight.dims() != [columns]
    {
        return wrong("weight", weight, format!("{:?} or [{columns}]", logits.dims()));
    }
    let weight = weight.map(Tensor::detach);
    if storage::fused([logits, x].into_iter().chain(&weight)) {
        let weight = weight.map(|weight| weight.contiguous()).transpose()?;
        return Ok(logits.contiguous()?.apply_op2(&x.contiguous()?, Categorical { range, weight })?);
    }
    let part = |t: &Tensor| t.narrow(D::Minus1, range.start, range.len());
    let elements = (log_softmax(&part(logits)?)? * part(x)?)?;
    let elements = match weight {
        Some(weight) => elements.broadcast_mul(&part(&weight)?)?,
        None => elements,
    };
    Ok(elements.sum(1)?.neg()?)
}

struct Categorical {
    range: Range<usize>,
    weight: Option<Tensor>,
}

#[derive(Clone, Copy)]
enum Input {
    Logits,
    X,
}

/// The classes' numbers in one sample.
struct Sample<'a> {
    logits: &'a [f32],
    x: &'a [f32],
    weight: Option<&'a [f32]>,
}

impl Sample<'_> {
    /// `Σ w x (log Σ exp(l) - l)`
    fn loss(&self) -> f32 {
        let (largest, log_sum) = log_sum(self.logits);
        let elements = self.logits.iter().zip(self.x).enumerate();
        elements.map(|(class, (l, x))| self.weight(class) * x * (largest - l + log_sum)).sum()
    }

    /// The loss's derivative by each number of an input, times `scale`.
    fn slope(&self, of: Input, scale: f32, into: &mut [f32]) {
        match of {
            Input::Logits => self.by_logits(scale, into),
            Input::X => self.by_x(scale, into),
        }
    }

    /// `softmax(l) Σ w x - w x`, times `scale`.
    fn by_logits(&self, scale: f32, into: &mut [f32]) {
        let total: f32 = self.x.iter().enumerate().map(|(class, x)| self.weight(class) * x).sum();
        let (largest, log_sum) = log_sum(self.logits);
        shares(into, self.logits, largest, log_sum);
        for (class, (into, x)) in into.iter_mut().zip(self.x).enumerate() {
            *into = scale * (*into * total - self.weight(class) * x);
        }
    }

    /// `w (log Σ exp(l) - l)`, times `scale`.
    fn by_x(&self, scale: f32, into: &mut [f32]) {
        let (largest, log_sum) = log_sum(self.logits);
        for (class, (into, l)) in into.iter_mut().zip(self.logits).enumerate() {
            *into = scale * self.weight(class) * (largest - l + log_sum);
        }
    }

    fn weight(&self, class: usize) -> f32 {
        self.weight.map_or(1.0, |weight| weight[class])
    }
}

vectorized! {
    /// The largest of `l`, and `log Σ exp(l)` less that.
    fn log_sum(logits: &[f32]) -> (f32, f32) {
        let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
        let sum: f64 = logits.iter().map(|l| f64::from(math::exp(l - largest))).sum();
        (largest, sum.ln() as f32)
    }
}

vectorized! {
    /// `exp(l - log Σ exp(l))`
    fn shares(into: &mut [f32], logits: &[f32], largest: f32, log_sum: f32) {
        for (into, l) in into.iter_mut().zip(logits) {
            *into = math::exp(l - largest - log_sum);
        }
    }
}

/// The inputs of all samples.
struct Samples<'a> {
    inputs: [&'a [f32]; 2],
    weight: Option<&'a [f32]>,
    columns: usize,
    range: &'a Range<usize>,
}

impl Samples<'_> {
    fn at(&self, row: usize) -> Sample<'_> {
        let part = |row: usize| row * self.columns + self.range.start..row * self.columns + self.range.end;
        let [logits, x] = self.inputs.map(|input| &input[part(row)]);
        // The weights of one sample serve all.
        let weight = self.weight.map(|weight| &weight[part(if weight.len() == self.columns { 0 } else { row })]);
        Sample { logits, x, weight }
    }
}

impl Categorical {
    fn with<R>(
        &self,
        columns: usize,
        inputs: [&[f32]; 2],
        run: impl FnOnce(&Samples<'_>) -> R,
    ) -> candle_core::Result<R> {
        let range = &self.range;
        match &self.weight {
            Some(weight) => {
                storage::with(weight, |weight| Ok(run(&Samples { inputs, weight: Some(weight), columns, range })))
            }
            None => Ok(run(&Samples { inputs, weight: None, columns, range })),
        }
    }

    /// The gradient of an input: zero beside the range.
    fn gradient(&self, of: Input, both: [&Tensor; 2], dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let input = both[of as usize];
        if !storage::tracked(input) {
            return Ok(None);
        }
        let columns = input.dim(1)?;
        let values = storage::with_all(both, |both| {
            storage::with(dy, |dy| {
                self.with(columns, both, |samples| {
                    storage::output(dy.len() * columns, |out| {
                        for_each_part(out, (CHUNK / columns).max(1) * columns, |first, out| {
                            for (row, out) in (first / columns..).zip(out.chunks_exact_mut(columns)) {
                                out.fill(0.0);
                                samples.at(row).slope(of, dy[row], &mut out[self.range.clone()]);
                            }
                        });
                    })
                })
            })
        })?;
        Tensor::from_vec(values, input.shape(), input.device()).map(Some)
    }
}

impl CustomOp2 for Categorical {
    fn name(&self) -> &'static str {
        "categorical"
    }

    fn cpu_fwd(
        &self,
        logits: &CpuStorage,
        layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let both = [storage::slice(logits, layout)?, storage::slice(x, x_layout)?];
        let (count, columns) = layout.shape().dims2()?;
        let losses = self.with(columns, both, |samples| {
            storage::output(count, |losses| {
                for_each_part(losses, (CHUNK / columns).max(1), |first, losses| {
                    for (row, loss) in (first..).zip(losses) {
                        *loss = samples.at(row).loss();
                    }
                });
            })
        })?;
        Ok((CpuStorage::F32(losses), count.into()))
    }

    fn bwd(
        &self,
        logits: &Tensor,
        x: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let both = [logits, x];
        Ok((self.gradient(Input::Logits, both, dy)?, self.gradient(Input::X, both, dy)?))
    }
}
