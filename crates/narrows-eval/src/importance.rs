//! The likelihood of samples under a latent-variable model by importance sampling (Burda, Grosse & Salakhutdinov 2016):
//! `log p̂(x) = log 1/S Σ_s p(x, z_s) / q(z_s|x)`, in expectation a lower bound on `log p(x)` that rises with S.
//!
//! Codes are drawn a few at a time and their weights folded into running sums, so that memory does not grow with S.

use narrows_core::{Batch, Probabilistic};
use narrows_tensor::{DType, Key};

use crate::{Error, Result};

/// Codes that are decoded at once, if a sample has few values.
const CODES: usize = 2_048;
/// Values of decoded samples that are held at once.
const VALUES: usize = 1 << 22;

/// How many samples and codes are taken at a time: a function of the data alone, so that results do not depend on the
/// machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portions {
    /// Samples in a batch.
    pub rows: usize,
    /// Codes for each of them in one pass.
    codes: usize,
}

/// Estimates of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// `log p̂(x)` in nats.
    pub log_likelihood: f64,
    /// The mean of the log-weights in nats: the evidence lower bound.
    pub elbo: f64,
}

/// The estimator: S codes for each sample.
#[derive(Clone, Copy, Debug)]
pub struct ImportanceSampling {
    samples: usize,
    key: Key,
}

impl Portions {
    /// Portions of samples with `features` values.
    pub fn of(features: usize) -> Self {
        let codes = (VALUES / features.max(1)).clamp(1, CODES);
        let rows = (codes / 32).clamp(1, 64);
        Self { rows, codes: codes / rows }
    }
}

impl ImportanceSampling {
    /// An estimator with `samples` codes for each sample.
    ///
    /// # Errors
    /// There are no codes.
    pub fn new(samples: usize, key: Key) -> Result<Self> {
        if samples == 0 {
            return Err(Error::TooFewRows { operation: "importance sampling", rows: 0, needed: 1 });
        }
        Ok(Self { samples, key })
    }

    /// Estimates for each sample of the batch with the number `index`; the same for the same number and batch.
    ///
    /// # Errors
    /// The batch does not fit the model.
    pub fn estimate(
        &self,
        model: &dyn Probabilistic,
        batch: &Batch,
        index: u64,
        portions: Portions,
    ) -> Result<Vec<Estimate>> {
        let key = self.key.fold(index);
        let batch = model.observed(batch, &key.named("observed"))?;
        let mut sums = vec![Sums::default(); batch.x.dim(0)?];
        let mut done = 0;
        while done < self.samples {
            let codes = portions.codes.min(self.samples - done);
            let weights = model.log_weights(&batch, codes, &key.named("codes").fold(done as u64))?;
            for (sums, weights) in sums.iter_mut().zip(weights.to_dtype(DType::F64)?.to_vec2::<f64>()?) {
                sums.add(&weights);
            }
            done += codes;
        }
        let count = self.samples as f64;
        let estimate = |sums: Sums| Estimate {
            log_likelihood: sums.largest + (sums.scaled / count).ln(),
            elbo: sums.logarithms / count,
        };
        Ok(sums.into_iter().map(estimate).collect())
    }
}

/// `Σ w` as `exp(largest) scaled`, and `Σ log w`.
#[derive(Clone, Copy)]
struct Sums {
    largest: f64,
    scaled: f64,
    logarithms: f64,
}

impl Default for Sums {
    fn default() -> Self {
        Self { largest: f64::NEG_INFINITY, scaled: 0.0, logarithms: 0.0 }
    }
}

impl Sums {
    fn add(&mut self, log_weights: &[f64]) {
        let largest = log_weights.iter().copied().fold(self.largest, f64::max);
        if largest > f64::NEG_INFINITY {
            let kept = self.scaled * (self.largest - largest).exp();
            self.scaled = kept + log_weights.iter().map(|weight| (weight - largest).exp()).sum::<f64>();
            self.largest = largest;
        }
        self.logarithms += log_weights.iter().sum::<f64>();
    }
}

#[cfg(test)]
mod tests {
    use narrows_core::Result as CoreResult;
    use narrows_tensor::{Device, Tensor, random};

    use super::*;

    /// `z ~ N(0, 1)`, `x|z ~ N(z, 1)`, so that `p(x) = N(x; 0, 2)`; the posterior `N(x/2, 1/2)` is widened to variance 1.
    struct Line;

    impl Probabilistic for Line {
        fn observed(&self, batch: &Batch, _: &Key) -> CoreResult<Batch> {
            Ok(batch.clone())
        }

        fn log_weights(&self, batch: &Batch, samples: usize, key: &Key) -> CoreResult<Tensor> {
            let noise = random::normal(key, (batch.x.dim(0)?, samples), DType::F64, &Device::Cpu)?;
            let z = (batch.x.affine(0.5, 0.0)?.broadcast_add(&noise))?;
            let joint = (z.sqr()? + z.broadcast_sub(&batch.x)?.sqr()?)?;
            Ok((joint - noise.sqr()?)?.affine(-0.5, -0.5 * std::f64::consts::TAU.ln())?)
        }
    }

    fn estimates(samples: usize, codes: usize) -> Vec<Estimate> {
        let x = Tensor::new(&[[0.0f64], [3.0]], &Device::Cpu).unwrap();
        let sampling = ImportanceSampling::new(samples, Key::new(1)).unwrap();
        sampling.estimate(&Line, &Batch::new(x), 0, Portions { rows: 2, codes }).unwrap()
    }

    #[test]
    fn the_estimate_is_the_known_density_and_the_bound_lies_below() {
        for (estimate, x) in estimates(40_000, 512).into_iter().zip([0.0f64, 3.0]) {
            let exact = -0.5 * (2.0 * std::f64::consts::TAU).ln() - x * x / 4.0;
            assert!((estimate.log_likelihood - exact).abs() < 0.02, "{estimate:?} for {exact}");
            // KL(N(m, 1) || N(m, 1/2)) = ½ (2 - 1 - log 2)
            assert!((estimate.elbo - (exact - 0.5 * (1.0 - 2f64.ln()))).abs() < 0.02, "{estimate:?}");
        }
    }

    #[test]
    fn the_same_number_of_codes_counts_however_they_are_portioned() {
        assert_eq!(estimates(100, 32), estimates(100, 32));
        assert!(estimates(1, 32).iter().all(|one| one.log_likelihood == one.elbo));
        let portions = Portions::of(784);
        assert_eq!((portions.rows, portions.codes), (64, 32));
        assert_eq!(Portions::of(1 << 30), Portions { rows: 1, codes: 1 });
        assert!(ImportanceSampling::new(0, Key::new(0)).is_err());
    }

    #[test]
    fn weights_of_very_different_size_are_summed_without_overflow() {
        let mut sums = Sums::default();
        sums.add(&[-2000.0]);
        sums.add(&[900.0, 900.0]);
        assert!((sums.largest + sums.scaled.ln() - (900.0 + 2f64.ln())).abs() < 1e-12);
    }
}
