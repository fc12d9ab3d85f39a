//! The size of a row's residual: what an autoencoder could not explain.
//!
//! With `e_j = o_j w_j (x_j - x̂_j)²`, summed over the features of column `c` to `e_c`, the score is
//! `(sum over c of e_c^p)^(1 / 2p)`, the `2p`-norm of the residual: `p = 1` is the usual squared error, larger `p` lets the
//! strangest column speak loudest. Missing values are left out and the rest is scaled up by the share observed.
//!
//! Columns of probabilities may count by their deviance instead, `-2 log p(x_j | x̂)`; with weights of one over the variance of
//! the residual the squared error is that of a normal distribution, but for a constant.

use std::ops::Range;

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use crate::{Error, Result};

/// How a residual becomes a score.
#[derive(Clone, Debug)]
pub struct Residual {
    weights: Vec<f32>,
    columns: Vec<Range<usize>>,
    /// For each column whether its features are read as probabilities.
    probabilities: Vec<bool>,
    power: f64,
}

/// The smallest probability that a deviance is taken of: no reconstruction excludes a value.
const IMPROBABLE: f64 = 1e-6;

impl Residual {
    /// For samples with these metric weights, whose features belong to `columns` (ranges of a sample's features), with
    /// exponent `power`, at least 1.
    ///
    /// # Errors
    /// A column lies outside the sample, or the power is below 1.
    pub fn new(weights: Vec<f32>, columns: Vec<Range<usize>>, power: f64) -> Result<Self> {
        if !(power >= 1.0 && power.is_finite()) {
            return Err(Error::Setting { name: "power", value: power, expected: "a finite number from 1 on" });
        }
        if let Some(column) = columns.iter().find(|column| column.start >= column.end || column.end > weights.len()) {
            let (found, expected) = (vec![column.start, column.end], vec![weights.len()]);
            return Err(Error::Shape { operation: "residual", argument: "columns", found, expected });
        }
        let probabilities = vec![false; columns.len()];
        Ok(Self { weights, columns, probabilities, power })
    }

    /// With the deviance for the error of those columns whose features are probabilities: of one feature `x` the Bernoulli
    /// distribution's, of several that of the category that is 1.
    ///
    /// # Errors
    /// The flags are not as many as the columns.
    pub fn with_probabilities(self, probabilities: Vec<bool>) -> Result<Self> {
        if probabilities.len() != self.columns.len() {
            let (found, expected) = (vec![probabilities.len()], vec![self.columns.len()]);
            return Err(Error::Shape { operation: "residual", argument: "probabilities", found, expected });
        }
        Ok(Self { probabilities, ..self })
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// The weighted squared error of each column of each sample, row-major.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `x_hat`: `[N, ..sample]`
    /// - `observed`: `[N, ..sample]`
    ///
    /// # Errors
    /// The shapes differ from each other or from the weights.
    pub fn errors(&self, x: &Tensor, x_hat: &Tensor, observed: Option<&Tensor>) -> Result<Vec<f64>> {
        let width = self.weights.len();
        let rows = x.elem_count() / width.max(1);
        for (argument, tensor) in [("x", Some(x)), ("x_hat", Some(x_hat)), ("observed", observed)] {
            if let Some(tensor) = tensor.filter(|t| t.elem_count() != rows * width || t.dims().first() != Some(&rows)) {
                let (operation, found) = ("residual", tensor.dims().to_vec());
                return Err(Error::Shape { operation, argument, found, expected: vec![rows, width] });
            }
        }
        let values = |tensor: &Tensor| tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>();
        let (x, x_hat, observed) = (values(x)?, values(x_hat)?, observed.map(values).transpose()?);
        let mut errors = vec![0.0; rows * self.columns.len()];
        errors.par_chunks_mut(self.columns.len().max(1)).enumerate().for_each(|(row, errors)| {
            let at = row * width;
            let mut known = 0.0;
            for ((error, column), &probabilities) in errors.iter_mut().zip(&self.columns).zip(&self.probabilities) {
                for feature in column.clone() {
                    let present = observed.as_ref().map_or(1.0, |observed| f64::from(observed[at + feature]));
                    let (x, x_hat) = (x[at + feature], x_hat[at + feature]);
                    let size = if probabilities {
                        deviance(f64::from(x), f64::from(x_hat), column.len() == 1)
                    } else {
                        f64::from(self.weights[feature]) * f64::from(x - x_hat).powi(2)
                    };
                    *error += present * size;
                    known += present;
                }
            }
            if observed.is_some() && known > 0.0 {
                let all: usize = self.columns.iter().map(ExactSizeIterator::len).sum();
                for error in errors.iter_mut() {
                    *error *= all as f64 / known;
                }
            }
        });
        Ok(errors)
    }

    /// Scales the errors of a sample's columns so that their [`Residual::norm`] is `size`, each keeping its part in it; equal
    /// parts where all are 0.
    pub fn resize(&self, errors: &mut [f64], size: f64) {
        let norm = self.norm(errors);
        if norm > 0.0 && norm.is_finite() {
            let factor = (size / norm) * (size / norm);
            for error in errors {
                *error *= factor;
            }
        } else {
            let equal = size * size / (errors.len().max(1) as f64).powf(1.0 / self.power);
            errors.fill(equal);
        }
    }

    /// The score of a sample from the errors of its columns.
    pub fn norm(&self, errors: &[f64]) -> f64 {
        if self.power == 1.0 {
            return errors.iter().sum::<f64>().sqrt();
        }
        // Relative to the largest, so that no power overflows.
        let largest = errors.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 || !largest.is_finite() {
            return largest.sqrt();
        }
        if self.power == 2.0 {
            // The usual power, without logarithms.
            let sum: f64 = errors.iter().map(|error| (error / largest) * (error / largest)).sum();
            return (largest * sum.sqrt()).sqrt();
        }
        let sum: f64 = errors.iter().map(|error| (error / largest).powf(self.power)).sum();
        (largest * sum.powf(1.0 / self.power)).sqrt()
    }
}

/// What one feature adds to the deviance of its column; `alone` if it is the column.
fn deviance(x: f64, x_hat: f64, alone: bool) -> f64 {
    let log = |p: f64| p.max(IMPROBABLE).ln();
    -2.0 * (x * log(x_hat) + if alone { (1.0 - x) * log(1.0 - x_hat) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn tensor(values: &[f32]) -> Tensor {
        Tensor::from_slice(values, (1, values.len()), &Device::Cpu).unwrap()
    }

    #[test]
    fn errors_are_summed_by_column_and_scaled_for_what_is_missing() {
        let residual = Residual::new(vec![1.0, 4.0, 1.0, 1.0], vec![0..1, 1..3, 3..4], 1.0).unwrap();
        let (x, x_hat) = (tensor(&[1.0, 1.0, 1.0, 3.0]), tensor(&[0.0, 0.0, 0.0, 0.0]));
        assert_eq!(residual.errors(&x, &x_hat, None).unwrap(), [1.0, 5.0, 9.0]);
        let observed = tensor(&[1.0, 1.0, 1.0, 0.0]);
        let errors = residual.errors(&x, &x_hat, Some(&observed)).unwrap();
        let expected = [4.0 / 3.0, 20.0 / 3.0, 0.0];
        assert!(errors.iter().zip(expected).all(|(error, expected)| (error - expected).abs() < 1e-12), "{errors:?}");
    }

    #[test]
    fn probabilities_count_by_their_deviance() {
        let residual = Residual::new(vec![1.0; 5], vec![0..1, 1..4, 4..5], 1.0).unwrap();
        let residual = residual.with_probabilities(vec![true, true, false]).unwrap();
        let (x, x_hat) = (tensor(&[0.0, 0.0, 1.0, 0.0, 3.0]), tensor(&[0.25, 0.5, 0.125, 0.375, 1.0]));
        let errors = residual.errors(&x, &x_hat, None).unwrap();
        let expected = [-2.0 * 0.75f64.ln(), -2.0 * 0.125f64.ln(), 4.0];
        assert!(errors.iter().zip(expected).all(|(error, expected)| (error - expected).abs() < 1e-6), "{errors:?}");
        let never = residual.errors(&x, &tensor(&[1.0, 0.5, 0.0, 0.5, 3.0]), None).unwrap();
        assert!(never.iter().all(|error| error.is_finite()) && never[0] > 20.0);
        assert!(residual.with_probabilities(vec![true]).is_err());
    }

    #[test]
    fn resized_errors_have_the_size_and_keep_their_parts() {
        for power in [1.0, 2.0] {
            let residual = Residual::new(vec![1.0; 2], vec![0..1, 1..2], power).unwrap();
            let (mut errors, mut none) = ([1.0, 3.0], [0.0, 0.0]);
            residual.resize(&mut errors, 7.0);
            residual.resize(&mut none, 7.0);
            assert!((residual.norm(&errors) - 7.0).abs() < 1e-12 && (errors[1] / errors[0] - 3.0).abs() < 1e-12);
            assert!((residual.norm(&none) - 7.0).abs() < 1e-12 && none[0] == none[1]);
        }
    }

    #[test]
    fn larger_powers_come_closer_to_the_largest_column() {
        let norm = |power| Residual::new(vec![1.0; 2], vec![0..1, 1..2], power).unwrap().norm(&[9.0, 16.0]);
        assert_eq!(norm(1.0), 5.0);
        assert!((norm(2.0) - (81.0f64 + 256.0).powf(0.25)).abs() < 1e-12);
        let of = |end: usize, power| Residual::new(vec![1.0], std::iter::once(0..end).collect(), power);
        assert!(of(1, 1.0).is_ok() && of(1, 0.5).is_err() && of(2, 1.0).is_err());
    }
}
