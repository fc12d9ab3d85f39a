//! Corruption of a training input that the model learns to undo: what denoising autoencoders see instead of the sample.

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::{Key, random};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Noise, Share};

/// How an input is corrupted. Levels are in units of the data's own deviation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub enum Corruption {
    /// Gaussian noise of one level.
    Gaussian {
        /// Its standard deviation.
        level: Noise,
    },
    /// Gaussian noise of a level drawn uniformly from 0 to the largest, for each sample.
    RandomGaussian {
        /// The largest standard deviation.
        level: Noise,
    },
    /// A share of the values, drawn for each sample, is set to the mean.
    Masking {
        /// The share.
        share: Share,
    },
    /// A share of the values, drawn for each sample, is set to two deviations above or below the mean, by the toss of a
    /// coin.
    SaltAndPepper {
        /// The share.
        share: Share,
    },
}

impl Default for Corruption {
    fn default() -> Self {
        Self::Gaussian { level: Noise::constant(0.5) }
    }
}

/// Where salt and pepper lie, in deviations from the mean.
const EXTREME: f64 = 2.0;

impl Corruption {
    /// Gaussian noise of this level, if it is above 0.
    pub fn noise(level: &Noise) -> Option<Self> {
        (*level.get() > 0.0).then(|| Self::Gaussian { level: level.clone() })
    }

    /// A corrupted input, scaled as networks see it (mean 0, mean square 1).
    ///
    /// # Shapes
    /// - `u`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn apply(&self, u: &Tensor, key: &Key) -> Result<Tensor> {
        let normal = || random::normal(&key.named("normal"), u.shape(), u.dtype(), u.device());
        let uniform = |label: &str| random::uniform(&key.named(label), u.shape(), u.dtype(), u.device());
        match self {
            Self::Gaussian { level } => Ok((u + (normal()? * *level.get())?)?),
            Self::RandomGaussian { level } => {
                let mut one_each = vec![1; u.rank()];
                one_each[0] = u.dim(0)?;
                let levels = random::uniform(&key.named("level"), one_each, u.dtype(), u.device())?;
                Ok((u + normal()?.broadcast_mul(&(levels * *level.get())?)?)?)
            }
            Self::Masking { share } => {
                let kept = uniform("place")?.ge(*share.get())?.to_dtype(u.dtype())?;
                Ok((u * kept)?)
            }
            Self::SaltAndPepper { share } => {
                let kept = uniform("place")?.ge(*share.get())?.to_dtype(u.dtype())?;
                let coin = uniform("coin")?.ge(0.5)?.to_dtype(u.dtype())?.affine(2.0 * EXTREME, -EXTREME)?;
                Ok(((u * &kept)? + (coin * kept.affine(-1.0, 1.0)?)?)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn corrupted(corruption: &Corruption) -> Vec<f64> {
        let u = Tensor::ones((200, 50), DType::F64, &Device::Cpu).unwrap();
        corruption.apply(&u, &Key::new(3)).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    fn deviation(values: &[f64]) -> f64 {
        (values.iter().map(|value| (value - 1.0).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn noise_has_its_level() {
        let level = Noise::new(0.6).unwrap();
        assert!((deviation(&corrupted(&Corruption::Gaussian { level: level.clone() })) - 0.6).abs() < 0.02);
        // The mean square of a uniform level is a third of the largest.
        let random = deviation(&corrupted(&Corruption::RandomGaussian { level }));
        assert!((random - 0.6 / 3f64.sqrt()).abs() < 0.03, "{random}");
    }

    #[test]
    fn masks_and_specks_hit_their_share_and_nothing_else() {
        let share = Share::new(0.3).unwrap();
        let masked = corrupted(&Corruption::Masking { share: share.clone() });
        let zeros = masked.iter().filter(|value| **value == 0.0).count();
        assert!(zeros.abs_diff(3_000) < 200 && masked.iter().all(|value| [0.0, 1.0].contains(value)), "{zeros}");
        let specked = corrupted(&Corruption::SaltAndPepper { share });
        let count = |of: f64| specked.iter().filter(|value| **value == of).count();
        assert!(count(2.0).abs_diff(1_500) < 150 && count(-2.0).abs_diff(1_500) < 150 && count(1.0) > 6_800);
    }
}
