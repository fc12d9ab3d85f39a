//! Exact components: the covariance from one pass, decomposed by faer.

use candle_core::{Device, Tensor};
use faer::{Mat, Side};
use rayon::prelude::*;

use super::Pass;
use super::moments::Mean;
use crate::one_thread::on_one_thread;
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

/// The eigenvectors (as columns) of the largest eigenvalues, largest first, each with its largest entry positive.
pub(super) fn leading(symmetric: &Mat<f64>, count: usize) -> Result<(Mat<f64>, Vec<f64>)> {
    let size = symmetric.nrows();
    // A value that is not finite makes its feature's variance so.
    if (0..size).any(|i| !symmetric[(i, i)].is_finite()) {
        return Err(Error::NotFinite { operation: "pca" });
    }
    let eigen = on_one_thread(|| {
        symmetric.self_adjoint_eigen(Side::Lower).map_err(|_| Error::NoConvergence { operation: "pca" })
    })?;
    let (vectors, values) = (eigen.U(), eigen.S());
    let sign = |column: usize| {
        let largest = (0..size).max_by(|&a, &b| vectors[(a, column)].abs().total_cmp(&vectors[(b, column)].abs()));
        largest.map_or(1.0, |row| vectors[(row, column)].signum())
    };
    let place = |rank: usize| size - 1 - rank;
    let signs: Vec<f64> = (0..count).map(|rank| sign(place(rank))).collect();
    let basis = Mat::from_fn(size, count, |row, rank| signs[rank] * vectors[(row, place(rank))]);
    Ok((basis, (0..count).map(|rank| values.column_vector()[place(rank)].max(0.0)).collect()))
}
