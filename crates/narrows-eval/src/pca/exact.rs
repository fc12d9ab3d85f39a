//! Exact components: the covariance from one pass, decomposed by faer.

use candle_core::{Device, Tensor};
use faer::Mat;
use rayon::prelude::*;

use super::Pass;
use super::leading::leading;
use super::moments::Mean;
use crate::{Error, Result};

/// Mean, components `[K, D]` and variances.
pub(super) fn fit<E: From<Error>>(
    components: usize,
    scale: &Tensor,
    pass: &mut Pass<'_, E>,
) -> Result<(Tensor, Tensor, Vec<f64>), E> {
    let width = scale.elem_count();
    let (mut mean, mut gram) = (Mean::default(), vec![0f64; width * width]);
    pass(&mut |x| {
        let shifted = mean.add(x, scale)?;
        let product = shifted.t()?.matmul(&shifted)?.flatten_all()?.to_vec1::<f32>()?;
        gram.par_iter_mut().zip(product).for_each(|(sum, value)| *sum += f64::from(value));
        Ok(())
    })?;
    Ok(decompose(components, scale, &mean, &gram)?)
}

fn decompose(components: usize, scale: &Tensor, mean: &Mean, gram: &[f64]) -> Result<(Tensor, Tensor, Vec<f64>)> {
    let (width, rows) = (scale.elem_count(), mean.rows() as f64);
    let (origin, shift) = mean.finish(scale)?;
    let covariance = Mat::from_fn(width, width, |i, j| gram[i * width + j] / rows - shift[i] * shift[j]);
    let (basis, variances) = leading(&covariance, components)?;
    let values: Vec<f32> = (0..components * width).map(|index| basis[(index % width, index / width)] as f32).collect();
    Ok((origin, Tensor::from_vec(values, (components, width), &Device::Cpu)?, variances))
}
