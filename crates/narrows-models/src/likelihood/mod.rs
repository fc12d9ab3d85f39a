//! How the decoder's output is read: which distribution describes which features, the expected sample, and the loss.
//!
//! A row's features are split into heads. A sample may hold several rows (the steps of a window, the pixels of a
//! picture): heads and weights are those of one row and repeat.

mod counts;
mod draw;
mod loss;
mod nats;
mod row;
mod spread;

use std::ops::Range;

use candle_core::{D, Tensor};
use narrows_core::Result;
use serde::{Deserialize, Serialize};

pub use row::{InvalidRow, Row};
pub use spread::{Scale, Spread};

/// The distribution that describes a head's features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Real numbers: squared error, or a density around the output, which is the mean ([`Spread`]).
    Gaussian,
    /// Each feature is 0 or 1 (or a share between): the output is the logit of its expectation.
    Bernoulli,
    /// At most one of the features is 1: the outputs are logits of a soft-max.
    Categorical,
}

/// Neighbouring features that one distribution describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The features within a row.
    pub range: Range<usize>,
    /// Their distribution.
    pub family: Family,
}

/// The distributions of all features of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    /// All features are real numbers of equal weight.
    Gaussian,
    /// All features lie in 0..=1 and are read as probabilities.
    Bernoulli,
    /// The features of a row are described head by head.
    Mixed(Row),
}

impl Likelihood {
    /// Squared error over all features.
    pub fn gaussian() -> Self {
        Self::Gaussian
    }

    /// Heads in order and without gaps, and a weight for each feature of the row (all 1 where empty).
    ///
    /// # Errors
    /// The heads leave gaps or overlap, or the weights are not as many as the features, or not positive and finite.
    pub fn mixed(heads: Vec<Head>, weights: Vec<f32>) -> Result<Self, InvalidRow> {
        Row::new(heads, weights).map(Self::Mixed)
    }

    /// The heads of a row, where features differ.
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Mixed(row) => Some(row),
            Self::Gaussian | Self::Bernoulli => None,
        }
    }

    /// Whether samples of `features` values can be split into rows.
    pub fn fits(&self, features: usize) -> bool {
        self.row().is_none_or(|row| features > 0 && features.is_multiple_of(row.width()))
    }

    /// The number of things that a sample of `features` values describes: a categorical head is one.
    pub fn things(&self, features: usize) -> usize {
        self.row().map_or(features, |row| row.things() * (features / row.width()))
    }

    /// The family of each feature of a sample.
    pub fn families(&self, features: usize) -> Vec<Family> {
        match self {
            Self::Gaussian => vec![Family::Gaussian; features],
            Self::Bernoulli => vec![Family::Bernoulli; features],
            Self::Mixed(row) => row.families().repeat(features / row.width()),
        }
    }

    /// The weight of each feature of a sample in the loss.
    pub fn weights(&self, features: usize) -> Vec<f32> {
        match self.row() {
            Some(row) if !row.weights().is_empty() => row.weights().repeat(features / row.width()),
            _ => vec![1.0; features],
        }
    }

    /// The expected sample for a decoder's output, in the space of features.
    ///
    /// # Shapes
    /// - `output`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The output does not consist of whole rows.
    pub fn mean(&self, output: &Tensor) -> Result<Tensor> {
        let row = match self {
            Self::Gaussian => return Ok(output.clone()),
            Self::Bernoulli => return sigmoid(output),
            Self::Mixed(row) => row,
        };
        let rows = output.reshape(((), row.width()))?;
        let means = row.heads().iter().map(|head| {
            let part = rows.narrow(1, head.range.start, head.range.len())?;
            match head.family {
                Family::Gaussian => Ok(part),
                Family::Bernoulli => sigmoid(&part),
                Family::Categorical => Ok(log_softmax(&part)?.exp()?),
            }
        });
        let means = means.collect::<Result<Vec<_>>>()?;
        Ok(Tensor::cat(&means, 1)?.reshape(output.shape())?)
    }
}

fn sigmoid(x: &Tensor) -> Result<Tensor> {
    Ok(narrows_tensor::Activation::Sigmoid.apply(x)?)
}

/// `x - log(sum(exp(x)))` over the last dimension, from operations that have gradients.
fn log_softmax(x: &Tensor) -> Result<Tensor> {
    let shifted = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?;
    let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    Ok(shifted.broadcast_sub(&log_sum)?)
}
