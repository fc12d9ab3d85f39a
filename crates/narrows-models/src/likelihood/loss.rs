//! The loss of a decoder's output, per sample: the sum over features of `weight * divergence(target, output)`.
//!
//! Gaussian features count by `(x - mean)^2`, Bernoulli features by the cross-entropy
//! `-x log p - (1 - x) log(1 - p)` with `p = sigmoid(output)`, categorical ones by `-x log p` with `p = softmax(output)`.

use candle_core::{D, Tensor};
use narrows_core::Result;
use narrows_tensor::ops::loss::{bce_with_logits, categorical, squared_error};

use super::{Family, Likelihood, Row};

impl Likelihood {
    /// What an autoencoder minimises, for each sample.
    ///
    /// # Shapes
    /// - `output`: `[N, ..sample]`
    /// - `target`: `[N, ..sample]`
    /// - `observed`: `[N, ..sample]`, 1 where the target counts and 0 where it was missing
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The shapes differ.
    pub fn loss(&self, output: &Tensor, target: &Tensor, observed: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Self::Gaussian => Ok(squared_error(output, target, observed)?),
            Self::Bernoulli => Ok(bce_with_logits(output, target, observed)?),
            Self::Mixed(row) => row.loss(output, target, observed),
        }
    }
}

impl Row {
    fn loss(&self, output: &Tensor, target: &Tensor, observed: Option<&Tensor>) -> Result<Tensor> {
        let rows = |tensor: &Tensor| tensor.reshape(((), self.width()));
        let (output_rows, target_rows) = (rows(output)?, rows(target)?);
        let weights = match (self.weights(), observed) {
            ([], None) => None,
            ([], Some(observed)) => Some(rows(observed)?),
            (weights, observed) => {
                let weights = Tensor::new(weights, output.device())?.to_dtype(output.dtype())?;
                Some(match observed {
                    Some(observed) => rows(observed)?.broadcast_mul(&weights)?,
                    None => weights,
                })
            }
        };
        let mut sum: Option<Tensor> = None;
        for head in self.heads() {
            let part = |tensor: &Tensor| tensor.narrow(D::Minus1, head.range.start, head.range.len())?.contiguous();
            let (output, target) = (part(&output_rows)?, part(&target_rows)?);
            let weights = weights.as_ref().map(part).transpose()?;
            let loss = match head.family {
                Family::Gaussian => squared_error(&output, &target, weights.as_ref())?,
                Family::Bernoulli => bce_with_logits(&output, &target, weights.as_ref())?,
                Family::Categorical => categorical(&output, &target, 0..head.range.len(), weights.as_ref())?,
            };
            sum = Some(match sum {
                Some(sum) => (sum + loss)?,
                None => loss,
            });
        }
        let rows = sum.ok_or(narrows_core::Error::EmptyLoss)?;
        Ok(rows.reshape((output.dim(0)?, ()))?.sum(1)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::super::{Family, Head, Likelihood};

    fn mixed(weights: Vec<f32>) -> Likelihood {
        let heads = vec![
            Head { range: 0..1, family: Family::Gaussian },
            Head { range: 1..2, family: Family::Bernoulli },
            Head { range: 2..5, family: Family::Categorical },
        ];
        Likelihood::mixed(heads, weights).unwrap()
    }

    fn rows<const N: usize>(values: [[f64; 5]; N]) -> Tensor {
        Tensor::new(&values, &Device::Cpu).unwrap()
    }

    #[test]
    fn each_head_counts_by_its_own_formula_and_weight() {
        let output = rows([[1.0, 0.3, 0.1, -0.4, 2.0], [0.0, 800.0, -900.0, 0.0, 900.0]]);
        let target = rows([[3.0, 1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0, 1.0]]);
        let weights = vec![0.5, 2.0, 3.0, 3.0, 3.0];
        let loss = mixed(weights).loss(&output, &target, None).unwrap().to_vec1::<f64>().unwrap();
        let bernoulli = (1.0 + (-0.3f64).exp()).ln();
        let categorical = (0.1f64.exp() + (-0.4f64).exp() + 2.0f64.exp()).ln() + 0.4;
        assert!((loss[0] - (0.5 * 4.0 + 2.0 * bernoulli + 3.0 * categorical)).abs() < 1e-12);
        assert!(loss[1].abs() < 1e-12, "certain and right costs nothing: {}", loss[1]);
    }

    #[test]
    fn missing_values_do_not_count() {
        let output = rows([[1.0, 0.3, 0.1, -0.4, 2.0]]);
        let target = rows([[3.0, 1.0, 0.0, 1.0, 0.0]]);
        let observed = rows([[1.0, 0.0, 0.0, 0.0, 0.0]]);
        let loss = mixed(vec![]).loss(&output, &target, Some(&observed)).unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(loss, [4.0]);
    }

    #[test]
    fn the_mean_of_a_row_holds_probabilities() {
        let output = rows([[-7.0, 0.0, 1.0, 1.0, 1.0]]);
        let mean = mixed(vec![]).mean(&output).unwrap().to_vec2::<f64>().unwrap();
        assert_eq!(mean[0][..2], [-7.0, 0.5]);
        assert!((mean[0][2] - 1.0 / 3.0).abs() < 1e-12);
    }
}
