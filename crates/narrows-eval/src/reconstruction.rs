//! Reconstruction error: per sample, per feature, as explained variance and as PSNR.
//!
//! The squared error of a sample is `sum over d of w[d] o[d] (x[d] - x̂[d])²` with metric weights `w` and observation
//! weights `o` (0 where the value was missing). Explained variance is `1 - SSE / SST` around the mean of the same rows.

use candle_core::{DType, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Rows that one task sums before the sums are added in order: the result does not depend on the threads.
const CHUNK: usize = 64;

/// Figures of a set of samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Samples.
    pub samples: u64,
    /// Weighted squared error, summed over a sample's features, mean over samples.
    pub squared_error: f64,
    /// The same per observed feature.
    pub squared_error_per_element: f64,
    /// `1 - SSE / SST`; `None` where the data do not vary.
    pub explained_variance: Option<f64>,
    /// Mean over samples of `10 log10(1 / MSE)` in dB, for values in 0..=1.
    pub psnr: Option<f64>,
}

/// Running sums over batches.
#[derive(Clone, Debug)]
pub struct ReconstructionError {
    weights: Vec<f32>,
    unit_interval: bool,
    samples: u64,
    psnr: f64,
    features: Vec<Feature>,
}

/// Sums of one feature over observed values.
#[derive(Clone, Copy, Debug, Default)]
struct Feature {
    count: f64,
    error: f64,
    sum: f64,
    square: f64,
}

impl Feature {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.error += other.error;
        self.sum += other.sum;
        self.square += other.square;
    }

    /// Squared deviations from the mean, summed.
    fn variation(&self) -> f64 {
        if self.count == 0.0 { 0.0 } else { (self.square - self.sum * self.sum / self.count).max(0.0) }
    }
}

impl ReconstructionError {
    /// Sums for samples with these metric weights; `unit_interval` for pictures with values in 0..=1, which have a PSNR.
    pub fn new(weights: Vec<f32>, unit_interval: bool) -> Self {
        let features = vec![Feature::default(); weights.len()];
        Self { weights, unit_interval, samples: 0, psnr: 0.0, features }
    }

    /// Adds a batch and returns each sample's squared error.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `x_hat`: `[N, ..sample]`
    /// - `observed`: `[N, ..sample]`
    ///
    /// # Errors
    /// The shapes differ from each other or from the weights.
    pub fn add(&mut self, x: &Tensor, x_hat: &Tensor, observed: Option<&Tensor>) -> Result<Vec<f64>> {
        let width = self.weights.len();
        let rows = x.elem_count() / width.max(1);
        for (argument, tensor) in [("x", Some(x)), ("x_hat", Some(x_hat)), ("observed", observed)] {
            if let Some(tensor) = tensor.filter(|t| t.elem_count() != rows * width || t.dims().first() != Some(&rows)) {
                let (operation, found) = ("reconstruction error", tensor.dims().to_vec());
                return Err(Error::Shape { operation, argument, found, expected: vec![rows, width] });
            }
        }
        let (x, x_hat, observed) = (values(x)?, values(x_hat)?, observed.map(values).transpose()?);
        let parts: Vec<(Vec<Feature>, Vec<f64>)> = (0..rows.div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| self.chunk(chunk * CHUNK..rows.min((chunk + 1) * CHUNK), &x, &x_hat, observed.as_deref()))
            .collect();
        let mut errors = Vec::with_capacity(rows);
        for (features, of_samples) in parts {
            self.features.iter_mut().zip(&features).for_each(|(sum, part)| sum.add(part));
            errors.extend(of_samples);
        }
        self.samples += rows as u64;
        if self.unit_interval {
            self.psnr += errors.iter().map(|error| -10.0 * (error / width as f64).max(1e-10).log10()).sum::<f64>();
        }
        Ok(errors)
    }

    fn chunk(
        &self,
        rows: std::ops::Range<usize>,
        x: &[f32],
        x_hat: &[f32],
        observed: Option<&[f32]>,
    ) -> (Vec<Feature>, Vec<f64>) {
        let width = self.weights.len();
        let mut features = vec![Feature::default(); width];
        let mut errors = Vec::with_capacity(rows.len());
        for row in rows {
            let range = row * width..(row + 1) * width;
            let (x, x_hat) = (&x[range.clone()], &x_hat[range.clone()]);
            let observed = observed.map(|observed| &observed[range]);
            let mut sum = 0.0;
            for (d, feature) in features.iter_mut().enumerate() {
                let present = observed.map_or(1.0, |observed| f64::from(observed[d]));
                let (value, difference) = (f64::from(x[d]), f64::from(x[d] - x_hat[d]));
                let error = present * f64::from(self.weights[d]) * difference * difference;
                feature.count += present;
                feature.error += error;
                feature.sum += present * value;
                feature.square += present * value * value;
                sum += error;
            }
            errors.push(sum);
        }
        (features, errors)
    }

    /// Adds the sums of other batches of the same features. Merging in the same order gives the same bits.
    ///
    /// # Errors
    /// The metric weights differ.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.weights != other.weights || self.unit_interval != other.unit_interval {
            let (operation, argument) = ("merging reconstruction errors", "other");
            let (found, expected) = (vec![other.weights.len()], vec![self.weights.len()]);
            return Err(Error::Shape { operation, argument, found, expected });
        }
        self.features.iter_mut().zip(&other.features).for_each(|(sum, part)| sum.add(part));
        self.samples += other.samples;
        self.psnr += other.psnr;
        Ok(())
    }

    /// The figures of all samples so far.
    ///
    /// # Errors
    /// There were no samples.
    pub fn quality(&self) -> Result<Quality> {
        if self.samples == 0 {
            return Err(Error::TooFewRows { operation: "reconstruction error", rows: 0, needed: 1 });
        }
        let samples = self.samples as f64;
        let error: f64 = self.features.iter().map(|feature| feature.error).sum();
        let count: f64 = self.features.iter().map(|feature| feature.count).sum();
        let weighted = self.features.iter().zip(&self.weights);
        let variation: f64 = weighted.map(|(feature, &weight)| f64::from(weight) * feature.variation()).sum();
        Ok(Quality {
            samples: self.samples,
            squared_error: error / samples,
            squared_error_per_element: error / count.max(1.0),
            explained_variance: (variation > 0.0).then(|| 1.0 - error / variation),
            psnr: self.unit_interval.then(|| self.psnr / samples),
        })
    }

    /// For each feature its mean weighted squared error over the samples in which it was observed.
    pub fn by_feature(&self) -> Vec<f64> {
        self.features.iter().map(|feature| feature.error / feature.count.max(1.0)).collect()
    }
}

/// A tensor's values in row-major order.
///
/// # Errors
/// Candle cannot convert them.
fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn tensor(values: &[f32], width: usize) -> Tensor {
        Tensor::from_slice(values, (values.len() / width, width), &Device::Cpu).unwrap()
    }

    #[test]
    fn figures_follow_their_definitions() {
        let mut error = ReconstructionError::new(vec![1.0, 4.0], true);
        let of_samples = error.add(&tensor(&[0.0, 0.0, 1.0, 1.0], 2), &tensor(&[0.5, 0.0, 1.0, 0.5], 2), None).unwrap();
        assert_eq!(of_samples, [0.25, 1.0]);
        let quality = error.quality().unwrap();
        assert_eq!(quality.squared_error, 0.625);
        assert_eq!(quality.squared_error_per_element, 0.3125);
        // SST is 1 * 0.5 + 4 * 0.5.
        assert!((quality.explained_variance.unwrap() - (1.0 - 1.25 / 2.5)).abs() < 1e-12);
        let psnr = (-10.0 * 0.125f64.log10() - 10.0 * 0.5f64.log10()) / 2.0;
        assert!((quality.psnr.unwrap() - psnr).abs() < 1e-12);
        assert_eq!(error.by_feature(), [0.125, 0.5]);
    }

    #[test]
    fn missing_values_do_not_count() {
        let mut error = ReconstructionError::new(vec![1.0, 1.0], false);
        let observed = tensor(&[1.0, 0.0], 2);
        assert_eq!(error.add(&tensor(&[1.0, 9.0], 2), &tensor(&[0.0, 0.0], 2), Some(&observed)).unwrap(), [1.0]);
        assert_eq!(error.quality().unwrap().squared_error_per_element, 1.0);
    }

    #[test]
    fn merged_parts_are_the_whole() {
        let (x, x_hat) = (tensor(&[0.0, 0.25, 1.0, 1.0], 2), tensor(&[0.5, 0.0, 1.0, 0.5], 2));
        let row = |tensor: &Tensor, row| tensor.narrow(0, row, 1).unwrap();
        let mut whole = ReconstructionError::new(vec![1.0, 4.0], true);
        let (mut first, mut second) = (whole.clone(), whole.clone());
        whole.add(&x, &x_hat, None).unwrap();
        first.add(&row(&x, 0), &row(&x_hat, 0), None).unwrap();
        second.add(&row(&x, 1), &row(&x_hat, 1), None).unwrap();
        first.merge(&second).unwrap();
        assert_eq!(first.quality().unwrap(), whole.quality().unwrap());
        assert!(first.merge(&ReconstructionError::new(vec![1.0, 1.0], true)).is_err());
    }

    #[test]
    fn batches_may_be_cut_anywhere() {
        let x: Vec<f32> = (0..600).map(|i| (i as f32 * 0.37).sin()).collect();
        let x_hat: Vec<f32> = (0..600).map(|i| (i as f32 * 0.41).cos()).collect();
        let mut whole = ReconstructionError::new(vec![1.0; 3], false);
        whole.add(&tensor(&x, 3), &tensor(&x_hat, 3), None).unwrap();
        let mut parts = ReconstructionError::new(vec![1.0; 3], false);
        for (x, x_hat) in x.chunks(21).zip(x_hat.chunks(21)) {
            parts.add(&tensor(x, 3), &tensor(x_hat, 3), None).unwrap();
        }
        let (whole, parts) = (whole.quality().unwrap(), parts.quality().unwrap());
        assert!((whole.squared_error - parts.squared_error).abs() < 1e-12 * whole.squared_error);
    }
}
