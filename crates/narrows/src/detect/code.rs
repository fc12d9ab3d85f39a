//! How far the code of a row is from the codes of training rows.

use std::collections::BTreeMap;

use narrows_core::Autoencoder;
use narrows_eval::scorer::{Mahalanobis, Nearest};
use narrows_tensor::{DType, Tensor};

use super::CodeDistance;
use crate::{Error, Result};

/// What is kept of the codes of training rows.
#[derive(Clone, Debug)]
pub(super) enum KnownCodes {
    /// All that are stored, each value in units of its spread.
    Nearest(Nearest),
    /// Their mean and spread.
    Mahalanobis(Mahalanobis),
}

impl KnownCodes {
    /// Of the codes `[R, D]`.
    pub(super) fn fit(distance: CodeDistance, codes: &Tensor) -> Result<Self> {
        Ok(match distance {
            CodeDistance::Nearest => Self::Nearest(Nearest::new(codes, &weights(codes)?)?),
            CodeDistance::Mahalanobis => Self::Mahalanobis(Mahalanobis::fit(codes)?),
        })
    }

    /// From the tensors of a model file.
    pub(super) fn restore(distance: CodeDistance, tensors: &BTreeMap<String, Tensor>) -> Result<Self> {
        let missing =
            |name: &str| Error::Detect { reason: format!("the model file lacks the detector's tensor `{name}`") };
        let tensor = |name: &str| tensors.get(name).ok_or_else(|| missing(name));
        match distance {
            CodeDistance::Nearest => Self::fit(distance, tensor("codes")?),
            CodeDistance::Mahalanobis => {
                Ok(Self::Mahalanobis(Mahalanobis::restore(tensor("code-mean")?, tensor("code-whitening")?)?))
            }
        }
    }

    /// What a model file keeps.
    pub(super) fn tensors(&self) -> Vec<(String, Tensor)> {
        match self {
            Self::Nearest(nearest) => vec![("codes".into(), nearest.rows().clone())],
            Self::Mahalanobis(fitted) => {
                let (mean, whitening) = fitted.tensors();
                vec![("code-mean".into(), mean.clone()), ("code-whitening".into(), whitening.clone())]
            }
        }
    }

    /// The distance of each code.
    pub(super) fn distances(&self, codes: &Tensor) -> Result<Vec<f64>> {
        Ok(match self {
            Self::Nearest(nearest) => nearest.find(codes, None)?.iter().map(|one| one.distance).collect(),
            Self::Mahalanobis(fitted) => fitted.distances(codes)?,
        })
    }

    /// The distances of up to `limit` of the codes that it was fitted to, a stored one from the others.
    pub(super) fn usual(&self, codes: &Tensor, limit: usize) -> Result<Vec<f64>> {
        match self {
            Self::Nearest(nearest) => Ok(nearest.apart(limit)?),
            Self::Mahalanobis(_) => {
                let count = limit.min(codes.dims()[0]);
                self.distances(&codes.narrow(0, 0, count).map_err(narrows_tensor::Error::from)?)
            }
        }
    }
}

/// The codes of samples, one row each.
pub(super) fn encode(network: &(impl Autoencoder + ?Sized), x: &Tensor) -> Result<Tensor> {
    let codes = network.encode(x)?;
    let flat = codes.flatten_from(1).and_then(|codes| codes.to_dtype(DType::F32)?.contiguous());
    Ok(flat.map_err(narrows_tensor::Error::from)?)
}

/// One over the variance of each value of a code; 0 for values that never vary.
fn weights(codes: &Tensor) -> Result<Vec<f32>> {
    let variances = || {
        let codes = codes.to_dtype(DType::F64)?;
        codes.broadcast_sub(&codes.mean_keepdim(0)?)?.sqr()?.mean(0)?.to_vec1::<f64>()
    };
    let variances: Vec<f64> = variances().map_err(narrows_tensor::Error::from)?;
    let least = 1e-9 * variances.iter().copied().fold(0.0, f64::max);
    Ok(variances.into_iter().map(|variance| if variance > least { (1.0 / variance) as f32 } else { 0.0 }).collect())
}
