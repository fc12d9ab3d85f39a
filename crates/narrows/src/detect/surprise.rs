//! How improbable a row is to a model with a distribution over samples: the negative importance-weighted bound in nats, on a
//! scale on which scores of anomalies are compared and explained.

use narrows_core::{Autoencoder, Batch};
use narrows_eval::importance::{ImportanceSampling, Portions};
use narrows_tensor::{Key, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Seed of the codes: the same for every row, so that a row has one score wherever it stands.
const SEED: u64 = 0x6e61_7473;

/// Where the bounds of training rows lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    /// The mean, in nats.
    pub centre: f64,
    /// The mean distance from it, in nats.
    pub spread: f64,
}

impl Usual {
    /// Of these nats, but for those of rows that no code explains; `None` where none are left.
    pub(super) fn of(nats: &[f64]) -> Option<Self> {
        let finite: Vec<f64> = nats.iter().copied().filter(|nats| nats.abs() < f64::MAX).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        if finite.is_empty() {
            return None;
        }
        let centre = mean(&finite);
        let apart: Vec<f64> = finite.iter().map(|nats| (nats - centre).abs()).collect();
        Some(Self { centre, spread: mean(&apart).max(f64::EPSILON * centre.abs()).max(f64::MIN_POSITIVE) })
    }

    /// `log(1 + exp(s))` of `s = (nats - centre) / spread`: positive, in the order of the nats, and for strange rows nearly
    /// the distance from the centre itself.
    pub(super) fn size(&self, nats: f64) -> f64 {
        let s = (nats - self.centre) / self.spread;
        s.max(0.0) + (-s.abs()).exp().ln_1p()
    }
}

/// The negative bound of each sample in nats, with so many codes.
pub(super) fn nats(network: &(impl Autoencoder + ?Sized), batch: &Batch, codes: usize) -> Result<Vec<f64>> {
    let sampling = ImportanceSampling::new(codes, Key::new(SEED))?;
    let rows = batch.x.dims().first().copied().unwrap_or(0);
    let portions = Portions::of(batch.x.elem_count() / rows.max(1));
    let one = |row: usize| -> Result<f64> {
        let of = |tensor: &Tensor| tensor.narrow(0, row, 1).map_err(narrows_tensor::Error::from);
        let some = |tensor: &Option<Tensor>| tensor.as_ref().map(of).transpose();
        let (observed, condition) = (some(&batch.observed)?, some(&batch.condition)?);
        let alone = Batch { observed, condition, ..Batch::new(of(&batch.x)?) };
        let distribution = network.probabilistic().ok_or_else(without_distribution)?;
        let estimates = sampling.estimate(distribution, &alone, 0, portions)?;
        // A row that no code explains is as strange as a number can say.
        Ok(estimates.first().map_or(f64::MAX, |estimate| -estimate.log_likelihood).clamp(f64::MIN, f64::MAX))
    };
    (0..rows).into_par_iter().map(one).collect()
}

/// Refuses models without a distribution over samples.
pub(crate) fn check(network: &(impl Autoencoder + ?Sized)) -> Result<()> {
    network.probabilistic().map(|_| ()).ok_or_else(without_distribution)
}

fn without_distribution() -> Error {
    let reason = "score = \"bound\": the model has no distribution over samples; choose a variational one such as --model vae \
                  (`narrows models` marks them), or score = \"deviance\"";
    Error::Detect { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_positive_and_in_the_order_of_the_nats() {
        let usual = Usual::of(&[10.0, 12.0, 14.0, f64::NAN, f64::MAX, f64::MAX]).unwrap();
        assert_eq!((usual.centre, usual.spread), (12.0, 4.0 / 3.0));
        let sizes: Vec<f64> = [-1e6, 0.0, 12.0, 20.0, 1e6].iter().map(|&nats| usual.size(nats)).collect();
        assert!(sizes.is_sorted() && sizes.iter().all(|&size| size >= 0.0 && size.is_finite()), "{sizes:?}");
        assert!((usual.size(52.0) - 30.0).abs() < 1e-9);
        assert!(Usual::of(&[]).is_none() && Usual::of(&[3.0, 3.0]).unwrap().spread > 0.0);
    }
}
