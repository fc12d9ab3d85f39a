//! The Mahalanobis distance (Mahalanobis 1936): how far a row is from the mean of normal rows in units of their spread in
//! that direction, `d(x)² = (x - μ)ᵀ Σ⁻¹ (x - μ)`.

use candle_core::{DType, Device, Tensor};
use faer::Mat;

use crate::pca::leading;
use crate::{Error, Result};

const OPERATION: &str = "Mahalanobis distance";
/// The least variance of a direction, as a share of the mean variance: rows that never left a plane say nothing about how far
/// is usual beside it.
const LEAST: f64 = 1e-6;

/// Mean and spread of normal rows.
#[derive(Clone, Debug)]
pub struct Mahalanobis {
    /// `[D]`
    mean: Tensor,
    /// `[D, D]`: `x ↦ Σ^(-1/2) x` for rows on the left.
    whitening: Tensor,
}

impl Mahalanobis {
    /// Of these rows.
    ///
    /// # Shapes
    /// - `rows`: `[R, D]`
    ///
    /// # Errors
    /// There are no rows, or a value is not finite.
    pub fn fit(rows: &Tensor) -> Result<Self> {
        let (count, width) = rows.dims2()?;
        if count == 0 || width == 0 {
            return Err(Error::TooFewRows { operation: OPERATION, rows: count, needed: 1 });
        }
        let values = rows.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite { operation: OPERATION });
        }
        let mut mean = vec![0.0; width];
        for row in values.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / count as f64);
        }
        let centred: Vec<f64> = values.chunks_exact(width).flat_map(|row| differences(row, &mean)).collect();
        let centred = Tensor::from_vec(centred, (count, width), &Device::Cpu)?;
        let gram = (centred.t()?.matmul(&centred)? / count as f64)?.to_vec2::<f64>()?;
        let (basis, variances) = leading(&Mat::from_fn(width, width, |i, j| gram[i][j]), width)?;
        let floor = (LEAST * variances.iter().sum::<f64>() / width as f64).max(f64::MIN_POSITIVE);
        let factor = |index: usize| {
            let (feature, direction) = (index / width, index % width);
            (basis[(feature, direction)] / variances[direction].max(floor).sqrt()) as f32
        };
        let whitening: Vec<f32> = (0..width * width).map(factor).collect();
        let mean: Vec<f32> = mean.into_iter().map(|value| value as f32).collect();
        let tensor = |values: Vec<f32>| Tensor::from_vec(values, (width, width), &Device::Cpu);
        Ok(Self { mean: Tensor::new(mean, &Device::Cpu)?, whitening: tensor(whitening)? })
    }

    /// From the tensors of [`Mahalanobis::tensors`].
    ///
    /// # Shapes
    /// - `mean`: `[D]`
    /// - `whitening`: `[D, D]`
    ///
    /// # Errors
    /// Their shapes do not belong together.
    pub fn restore(mean: &Tensor, whitening: &Tensor) -> Result<Self> {
        let width = mean.elem_count();
        if whitening.dims() != [width, width] {
            let (argument, found) = ("whitening", whitening.dims().to_vec());
            return Err(Error::Shape { operation: OPERATION, argument, found, expected: vec![width, width] });
        }
        let part = |tensor: &Tensor| tensor.to_dtype(DType::F32);
        Ok(Self { mean: part(&mean.flatten_all()?)?, whitening: part(whitening)? })
    }

    /// Mean and whitening, for a model file.
    ///
    /// # Shapes
    /// - returns: `[D]` and `[D, D]`
    pub fn tensors(&self) -> (&Tensor, &Tensor) {
        (&self.mean, &self.whitening)
    }

    /// The distance of each row.
    ///
    /// # Shapes
    /// - `rows`: `[N, D]`
    ///
    /// # Errors
    /// The rows have another width.
    pub fn distances(&self, rows: &Tensor) -> Result<Vec<f64>> {
        let width = self.mean.elem_count();
        if rows.dims().last() != Some(&width) {
            let (argument, found) = ("rows", rows.dims().to_vec());
            return Err(Error::Shape { operation: OPERATION, argument, found, expected: vec![width] });
        }
        let whitened = rows.to_dtype(DType::F32)?.broadcast_sub(&self.mean)?.matmul(&self.whitening)?;
        Ok(whitened.sqr()?.sum(1)?.sqrt()?.to_dtype(DType::F64)?.to_vec1()?)
    }
}

fn differences(row: &[f64], mean: &[f64]) -> Vec<f64> {
    row.iter().zip(mean).map(|(value, mean)| value - mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_tensor::{Key, random};

    fn rows(count: usize) -> Tensor {
        // A long direction (1, 1), a short one (1, -1), and a feature that is always 5.
        let normal = random::normal(&Key::new(4), (count, 2), DType::F32, &Device::Cpu).unwrap();
        let mix = Tensor::new(&[[3f32, 3.0, 0.0], [0.1, -0.1, 0.0]], &Device::Cpu).unwrap();
        normal.matmul(&mix).unwrap().broadcast_add(&Tensor::new(&[1f32, 2.0, 5.0], &Device::Cpu).unwrap()).unwrap()
    }

    #[test]
    fn distances_count_in_deviations_along_each_direction() {
        let fitted = Mahalanobis::fit(&rows(20_000)).unwrap();
        let new = Tensor::new(&[[1f32, 2.0, 5.0], [4.0, 5.0, 5.0], [1.2, 1.8, 5.0]], &Device::Cpu).unwrap();
        let found = fitted.distances(&new).unwrap();
        for (found, expected) in found.iter().zip([0.0, 1.0, 2.0]) {
            assert!((found - expected).abs() < 0.05, "{found} and {expected}");
        }
        // What never varied and does now is far.
        let other = Tensor::new(&[[1f32, 2.0, 5.5]], &Device::Cpu).unwrap();
        assert!(fitted.distances(&other).unwrap()[0] > 100.0);
        let (mean, whitening) = fitted.tensors();
        assert_eq!(Mahalanobis::restore(mean, whitening).unwrap().distances(&new).unwrap(), found);
    }

    #[test]
    fn the_mean_square_over_the_rows_is_the_number_of_directions() {
        let rows = rows(5_000);
        let squares: f64 = Mahalanobis::fit(&rows).unwrap().distances(&rows).unwrap().iter().map(|d| d * d).sum();
        assert!((squares / 5_000.0 - 2.0).abs() < 1e-3, "{}", squares / 5_000.0);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let refused = |values: &[f32], width: usize| {
            Mahalanobis::fit(&Tensor::from_slice(values, (values.len() / width, width), &Device::Cpu).unwrap())
        };
        assert!(matches!(refused(&[], 1), Err(Error::TooFewRows { .. })));
        assert!(matches!(refused(&[1.0, f32::NAN], 1), Err(Error::NotFinite { .. })));
        let one = Mahalanobis::fit(&rows(10)).unwrap();
        assert!(matches!(
            one.distances(&Tensor::zeros((2, 2), DType::F32, &Device::Cpu).unwrap()),
            Err(Error::Shape { .. })
        ));
    }
}
