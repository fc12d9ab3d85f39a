//! Normalisation of each channel over everything else (Ioffe & Szegedy 2015): `(x - mean) / √(variance + eps) scale + shift`.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, D, Layout, Shape, Tensor};

use super::normalize::check;
use super::row_sums::{self, sums};
use crate::kernel::parallel::{CHUNK, for_each_part};
use crate::kernel::pointwise::add_rows;
use crate::kernel::simd::vectorized;
use crate::kernel::storage;
use crate::{Error, Result};

/// A batch normalised by its own statistics, and those statistics.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    /// `(x - mean) / √(variance + eps) * scale + shift`, `[.., C]`.
    pub output: Tensor,
    /// Running mean moved towards the batch's, `[C]`, without gradient.
    pub mean: Tensor,
    /// Running variance moved towards the batch's unbiased one, `[C]`, without gradient.
    pub variance: Tensor,
}

/// Batch normalisation in training: by the mean and variance of each channel over everything else. Changes no state; the
/// new running statistics are returned.
///
/// # Shapes
/// - `x`: `[.., C]`
/// - `scale`, `shift`, both of `running` (mean and variance): `[C]`
///
/// # Errors
/// `x` has fewer than two rows of channels, or the shapes do not fit.
pub fn batch_norm_train(
    x: &Tensor,
    (scale, shift): (&Tensor, &Tensor),
    running: (&Tensor, &Tensor),
    momentum: f64,
    eps: f64,
) -> Result<BatchNorm> {
    const NAME: &str = "batch_norm";
    check(NAME, x, [("scale", scale), ("shift", shift), ("running mean", running.0), ("running variance", running.1)])?;
    let channels = x.dim(D::Minus1)?;
    let rows = x.elem_count() / channels;
    if rows < 2 {
        let expected = "at least two rows: one has no variance".into();
        return Err(Error::Shape { operation: NAME, argument: "x", found: x.dims().to_vec(), expected });
    }
    let (output, mean, variance) = if storage::fused([x, scale, shift]) {
        fused(x, scale, shift, eps)?
    } else {
        let flat = x.reshape((rows, channels))?;
        let mean = flat.mean(0)?;
        let centred = flat.broadcast_sub(&mean)?;
        let variance = centred.sqr()?.mean(0)?;
        let factor = (scale / (&variance + eps)?.sqrt()?)?;
        (centred.broadcast_mul(&factor)?.broadcast_add(shift)?.reshape(x.shape())?, mean, variance)
    };
    let moved = |old: &Tensor, new: &Tensor, correction: f64| -> Result<Tensor> {
        Ok(((old.detach() * (1.0 - momentum))? + (new.detach() * (momentum * correction))?)?)
    };
    let unbiased = rows as f64 / (rows - 1) as f64;
    Ok(BatchNorm { output, mean: moved(running.0, &mean, 1.0)?, variance: moved(running.1, &variance, unbiased)? })
}

/// Batch normalisation in use: by the running statistics, which are constants.
///
/// # Shapes
/// - `x`: `[.., C]`
/// - `scale`, `shift`, both of `running` (mean and variance): `[C]`
/// - returns: `[.., C]`
///
/// # Errors
/// `x` is empty, or the shapes do not fit.
pub fn batch_norm_infer(
    x: &Tensor,
    (scale, shift): (&Tensor, &Tensor),
    running: (&Tensor, &Tensor),
    eps: f64,
) -> Result<Tensor> {
    let (mean, variance) = running;
    let named = [("scale", scale), ("shift", shift), ("running mean", mean), ("running variance", variance)];
    check("batch_norm", x, named)?;
    let (mean, variance) = (mean.detach(), variance.detach());
    if !storage::fused([x, scale, shift, &mean, &variance]) {
        let factor = (scale / (variance + eps)?.sqrt()?)?;
        let offset = (shift - (mean * &factor)?)?;
        return Ok(x.broadcast_mul(&factor)?.broadcast_add(&offset)?);
    }
    let statistics = Statistics::new(mean.to_vec1()?, variance.to_vec1()?, eps);
    let op = Normalize { eps, given: true, statistics: Arc::new(OnceLock::from(statistics)) };
    Ok(x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, op)?)
}

/// The normalised batch, and the mean and the variance of each channel.
fn fused(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f64) -> Result<(Tensor, Tensor, Tensor)> {
    let statistics = Arc::new(OnceLock::new());
    let op = Normalize { eps, given: false, statistics: statistics.clone() };
    let output = x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, op)?;
    let Some(Statistics { mean, variance, .. }) = statistics.get() else {
        return Err(candle_core::Error::RequiresContiguous { op: "batch_norm" })?;
    };
    let tensor = |values: &[f32]| Tensor::from_slice(values, values.len(), x.device());
    Ok((output, tensor(mean)?, tensor(variance)?))
}

/// What the backward pass needs of a batch, for each channel.
struct Statistics {
    mean: Vec<f32>,
    variance: Vec<f32>,
    /// `1 / √(variance + eps)`
    inverse: Vec<f32>,
}

impl Statistics {
    fn new(mean: Vec<f32>, variance: Vec<f32>, eps: f64) -> Self {
        let inverse = variance.iter().map(|&v| (1.0 / (f64::from(v) + eps).sqrt()) as f32).collect();
        Self { mean, variance, inverse }
    }
}

struct Normalize {
    eps: f64,
    /// Whether the statistics are constants and not the batch's.
    given: bool,
    /// Filled by the forward pass, unless they are given.
    statistics: Arc<OnceLock<Statistics>>,
}

impl Normalize {
    fn measure(&self, x: &[f32], width: usize) -> Statistics {
        let rows = (x.len() / width) as f64;
        let means = |sums: Vec<f64>| sums.into_iter().map(|sum| (sum / rows) as f32).collect::<Vec<_>>();
        let mean = means(sums(x.len(), width, width, |at, sums| add_rows(sums, &x[at])));
        let variance = means(sums(x.len(), width, width, |at, sums| add_squares(sums, &x[at], &mean)));
        Statistics::new(mean, variance, self.eps)
    }
}

vectorized! {
    fn add_squares(sums: &mut [f32], x: &[f32], mean: &[f32]) {
        for row in x.chunks_exact(sums.len()) {
            for ((sum, x), mean) in sums.iter_mut().zip(row).zip(mean) {
                *sum += (x - mean) * (x - mean);
            }
        }
    }
}

vectorized! {
    /// `y = (x - mean) factor + shift`
    fn standardize(y: &mut [f32], x: &[f32], mean: &[f32], factor: &[f32], shift: &[f32]) {
        for (y, x) in y.chunks_exact_mut(mean.len()).zip(x.chunks_exact(mean.len())) {
            for ((((y, x), mean), factor), shift) in y.iter_mut().zip(x).zip(mean).zip(factor).zip(shift) {
                *y = (x - mean) * factor + shift;
            }
        }
    }
}

vectorized! {
    /// Adds `dy` and `dy x̂` to the sums of each channel.
    fn add_gradients(sums: &mut [f32], products: &mut [f32], dy: &[f32], x: &[f32], mean: &[f32], inverse: &[f32]) {
        for (dy, x) in dy.chunks_exact(mean.len()).zip(x.chunks_exact(mean.len())) {
            let sums = sums.iter_mut().zip(products.iter_mut());
            for (((((sum, product), dy), x), mean), inverse) in sums.zip(dy).zip(x).zip(mean).zip(inverse) {
                *sum += dy;
                *product += dy * ((x - mean) * inverse);
            }
        }
    }
}

vectorized! {
    /// `dx = factor (dy - a - (x - mean) b)`
    fn spread(dx: &mut [f32], dy: &[f32], x: &[f32], mean: &[f32], factor: &[f32], a: &[f32], b: &[f32]) {
        let width = mean.len();
        for ((dx, dy), x) in dx.chunks_exact_mut(width).zip(dy.chunks_exact(width)).zip(x.chunks_exact(width)) {
            for (i, dx) in dx.iter_mut().enumerate() {
                *dx = factor[i] * (dy[i] - a[i] - (x[i] - mean[i]) * b[i]);
            }
        }
    }
}

vectorized! {
    /// `dx = factor dy`
    fn scale_rows(dx: &mut [f32], dy: &[f32], factor: &[f32]) {
        for (dx, dy) in dx.chunks_exact_mut(factor.len()).zip(dy.chunks_exact(factor.len())) {
            for ((dx, dy), factor) in dx.iter_mut().zip(dy).zip(factor) {
                *dx = factor * dy;
            }
        }
    }
}

impl CustomOp3 for Normalize {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = storage::slice(x, layout)?;
        let (scale, shift) = (storage::slice(scale, scale_layout)?, storage::slice(shift, shift_layout)?);
        let width = scale.len();
        let Statistics { mean, inverse, .. } = self.statistics.get_or_init(|| self.measure(x, width));
        let factor: Vec<f32> = scale.iter().zip(inverse).map(|(scale, inverse)| scale * inverse).collect();
        let values = storage::output(x.len(), |y| {
            for_each_part(y, (CHUNK / width).max(1) * width, |first, y| {
                standardize(y, &x[first..first + y.len()], mean, &factor, shift);
            });
        });
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(Statistics { mean, inverse, .. }) = self.statistics.get() else {
            return Err(candle_core::Error::RequiresContiguous { op: "batch_norm" });
        };
        let width = mean.len();
        let rows = (x.elem_count() / width) as f64;
        let wanted = storage::tracked(x);
        let (dx, sums) = storage::with_all([x, scale, dy], |[x, scale, dy]| {
            let sums = sums(x.len(), width, 2 * width, |at, sums| {
                let (sums, products) = sums.split_at_mut(width);
                add_gradients(sums, products, &dy[at.clone()], &x[at], mean, inverse);
            });
            let factor: Vec<f32> = scale.iter().zip(inverse).map(|(scale, inverse)| scale * inverse).collect();
            let share = |sum: &f64| (sum / rows) as f32;
            let a: Vec<f32> = sums[..width].iter().map(share).collect();
            let b: Vec<f32> = sums[width..].iter().zip(inverse).map(|(sum, inverse)| share(sum) * inverse).collect();
            let dx = wanted.then(|| {
                storage::output(x.len(), |dx| {
                    for_each_part(dx, (CHUNK / width).max(1) * width, |first, dx| {
                        let at = first..first + dx.len();
                        match self.given {
                            true => scale_rows(dx, &dy[at], &factor),
                            false => spread(dx, &dy[at.clone()], &x[at], mean, &factor, &a, &b),
                        }
                    });
                })
            });
            Ok((dx, sums))
        })?;
        row_sums::gradients((x, dx), scale, shift, &sums)
    }
}
