//! Leading components of wide data by subspace iteration from a random start, five passes over the rows.

use candle_core::{DType, Device, Tensor};
use faer::Mat;
use narrows_tensor::{Key, random};

use super::Pass;
use super::leading::leading;
use super::moments::Mean;
use crate::one_thread::on_one_thread;
use crate::{Error, Result};

/// Directions beyond those asked for, which speed up convergence.
const EXTRA: usize = 16;
/// Products with the covariance before the last.
const ITERATIONS: usize = 4;

/// Mean, components `[K, D]` and variances.
pub(super) fn fit<E: From<Error>>(
    components: usize,
    scale: &Tensor,
    pass: &mut Pass<'_, E>,
) -> Result<(Tensor, Tensor, Vec<f64>), E> {
    let width = scale.elem_count();
    let count = (components + EXTRA).min(width);
    let start = random::normal(&Key::new(0).named("pca"), (width, count), DType::F32, &Device::Cpu);
    let mut basis = orthonormal(&start.map_err(Error::from)?)?;
    for _ in 0..ITERATIONS {
        let (mut mean, mut sum) = (Mean::default(), None::<Tensor>);
        pass(&mut |x| {
            let shifted = mean.add(x, scale)?;
            let product = shifted.t()?.matmul(&shifted.matmul(&basis)?)?;
            sum = Some(match sum.take() {
                Some(sum) => (sum + product)?,
                None => product,
            });
            Ok(())
        })?;
        basis = orthonormal(&centred(&mean, scale, sum, &basis)?)?;
    }
    let (mut mean, mut gram) = (Mean::default(), vec![0f64; count * count]);
    pass(&mut |x| {
        let projected = mean.add(x, scale)?.matmul(&basis)?;
        let product = projected.t()?.matmul(&projected)?.flatten_all()?.to_vec1::<f32>()?;
        gram.iter_mut().zip(product).for_each(|(sum, value)| *sum += f64::from(value));
        Ok(())
    })?;
    Ok(rotate(components, scale, &mean, &basis, &gram)?)
}

/// `(Σ s sᵀ - n m mᵀ) Q` for shifted rows `s` with mean `m`.
fn centred(mean: &Mean, scale: &Tensor, sum: Option<Tensor>, basis: &Tensor) -> Result<Tensor> {
    let (_, shift) = mean.finish(scale)?;
    let shift = Tensor::new(shift.as_slice(), &Device::Cpu)?.to_dtype(DType::F32)?.unsqueeze(1)?;
    let correction = (shift.matmul(&shift.t()?.matmul(basis)?)? * mean.rows() as f64)?;
    let sum = sum.ok_or(Error::TooFewRows { operation: "pca", rows: 0, needed: 2 })?;
    Ok((sum - correction)?)
}

/// The components within the subspace: eigenvectors of the projected covariance.
fn rotate(
    components: usize,
    scale: &Tensor,
    mean: &Mean,
    basis: &Tensor,
    gram: &[f64],
) -> Result<(Tensor, Tensor, Vec<f64>)> {
    let (count, rows) = (basis.dim(1)?, mean.rows() as f64);
    let (origin, shift) = mean.finish(scale)?;
    let shift = Tensor::new(shift.as_slice(), &Device::Cpu)?.unsqueeze(0)?;
    let projected = shift.matmul(&basis.to_dtype(DType::F64)?)?.flatten_all()?.to_vec1::<f64>()?;
    let covariance = Mat::from_fn(count, count, |i, j| gram[i * count + j] / rows - projected[i] * projected[j]);
    let (rotation, variances) = leading(&covariance, components)?;
    let values: Vec<f32> =
        (0..components * count).map(|index| rotation[(index % count, index / count)] as f32).collect();
    let rotation = Tensor::from_vec(values, (components, count), &Device::Cpu)?;
    Ok((origin, rotation.matmul(&basis.t()?)?, variances))
}

/// An orthonormal basis of the columns (thin QR in f64).
fn orthonormal(columns: &Tensor) -> Result<Tensor> {
    let (rows, count) = columns.dims2()?;
    let values = columns.flatten_all()?.to_vec1::<f32>()?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Error::NotFinite { operation: "pca" });
    }
    let q =
        on_one_thread(|| Ok(Mat::from_fn(rows, count, |i, j| f64::from(values[i * count + j])).qr().compute_thin_Q()))?;
    let values: Vec<f32> = (0..rows * count).map(|index| q[(index / count, index % count)] as f32).collect();
    Ok(Tensor::from_vec(values, (rows, count), &Device::Cpu)?)
}
