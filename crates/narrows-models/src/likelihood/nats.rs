//! The negative log-likelihood in nats, per sample, for models whose loss is a bound on it.
//!
//! Real features by the density of their [`Spread`], as a rule `½ Σ_j [log 2π + λ + 2 log s_j + (x_j - m_j)² / (s_j² exp λ)]`
//! with a scale `s_j` for each feature and one log-variance λ for all; flags and categories by their cross-entropy. Weights of the likelihood do not enter: a bound on
//! a probability has none.

use candle_core::{D, Tensor};
use narrows_core::Result;
use narrows_tensor::ops::loss::{bce_with_logits, categorical, squared_error};

use super::{Family, Likelihood, Spread};

impl Likelihood {
    /// The negative log-likelihood of each sample.
    ///
    /// # Shapes
    /// - `output`: `[N, ..sample]`
    /// - `target`: `[N, ..sample]`
    /// - `observed`: `[N, ..sample]`, 1 where the target counts and 0 where it was missing
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The shapes differ.
    pub fn nats(&self, output: &Tensor, target: &Tensor, observed: Option<&Tensor>, spread: &Spread) -> Result<Tensor> {
        if *self == Self::Bernoulli {
            return Ok(bce_with_logits(output, target, observed)?);
        }
        let flat = |tensor: &Tensor| tensor.flatten_from(1);
        let (output, target) = (flat(output)?, flat(target)?);
        let observed = observed.map(flat).transpose()?;
        let mut sum: Option<Tensor> = None;
        for (start, length, family) in self.runs(output.dim(1)?) {
            let part = |tensor: &Tensor| tensor.narrow(D::Minus1, start, length)?.contiguous();
            let (output, target) = (part(&output)?, part(&target)?);
            let observed = observed.as_ref().map(part).transpose()?;
            let nats = match family {
                Family::Gaussian => spread.part(start, length)?.nats(&output, &target, observed.as_ref())?,
                Family::Bernoulli => bce_with_logits(&output, &target, observed.as_ref())?,
                Family::Categorical => categorical(&output, &target, 0..length, observed.as_ref())?,
            };
            sum = Some(match sum {
                Some(sum) => (sum + nats)?,
                None => nats,
            });
        }
        sum.ok_or(narrows_core::Error::EmptyLoss)
    }

    /// First feature, length and family of each head of a whole sample.
    pub(super) fn runs(&self, features: usize) -> Vec<(usize, usize, Family)> {
        match self {
            Self::Gaussian => vec![(0, features, Family::Gaussian)],
            Self::Bernoulli => vec![(0, features, Family::Bernoulli)],
            Self::Mixed(row) => (0..features / row.width())
                .flat_map(|step| {
                    let start = step * row.width();
                    row.heads().iter().map(move |head| (start + head.range.start, head.range.len(), head.family))
                })
                .collect(),
        }
    }
}

/// The normal density with one log-variance for all values, in one fused pass.
pub(super) fn gaussian(
    mean: &Tensor,
    x: &Tensor,
    observed: Option<&Tensor>,
    scale: &Tensor,
    log_var: &Tensor,
) -> Result<Tensor> {
    let precision = scale.sqr()?.recip()?;
    let log_scale = scale.log()?;
    let (weights, count, log_scales) = match observed {
        Some(observed) => {
            (observed.broadcast_mul(&precision)?, observed.sum(1)?, observed.broadcast_mul(&log_scale)?.sum(1)?)
        }
        None => {
            let n = x.dim(0)?;
            let count = Tensor::zeros(n, x.dtype(), x.device())?.affine(0.0, x.dim(1)? as f64)?;
            (precision, count, log_scale.sum_all()?.broadcast_as(n)?.contiguous()?)
        }
    };
    let error = squared_error(mean, x, Some(&weights))?.broadcast_mul(&log_var.neg()?.exp()?)?;
    let constant = log_var.affine(1.0, std::f64::consts::TAU.ln())?;
    Ok((((error + count.broadcast_mul(&constant)?)? * 0.5)? + log_scales)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::Scale;
    use super::*;

    #[test]
    fn one_feature_has_the_density_of_its_normal_distribution() {
        let row = |value: f64| Tensor::new(&[[value]], &Device::Cpu).unwrap();
        let scale = Tensor::new(&[2.0f64], &Device::Cpu).unwrap();
        let log_var = Tensor::new(0.6f64, &Device::Cpu).unwrap();
        let nats = |observed: Option<&Tensor>| {
            let spread = Spread::Normal(Scale { unit: scale.clone(), log_var: log_var.clone() });
            let nats = Likelihood::Gaussian.nats(&row(1.0), &row(2.5), observed, &spread).unwrap();
            nats.to_vec1::<f64>().unwrap()[0]
        };
        let variance = 4.0 * 0.6f64.exp();
        let expected = 0.5 * (std::f64::consts::TAU * variance).ln() + 1.5 * 1.5 / (2.0 * variance);
        assert!((nats(None) - expected).abs() < 1e-12);
        assert!((nats(Some(&row(1.0))) - expected).abs() < 1e-12);
        assert_eq!(nats(Some(&row(0.0))), 0.0);
    }
}
