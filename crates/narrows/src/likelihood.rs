//! How probable rows are under a model with a distribution over samples: a bound on the likelihood in nats.

use narrows_data::{Subset, in_order};
use narrows_eval::importance::{ImportanceSampling, Portions};
use narrows_tensor::Key;
use serde::Serialize;

use crate::batches::batch;
use crate::{Error, Model, Result};

/// The importance-weighted bound of a set of rows, in nats of the prepared features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LikelihoodBound {
    /// Which rows.
    pub split: String,
    /// Samples measured.
    pub rows: usize,
    /// Codes drawn for each sample.
    pub samples: usize,
    /// Seed of the codes.
    pub seed: u64,
    /// Mean of `-log p̂(x)` in nats; less is better. An upper bound on `-log p(x)`, up to the standard error.
    pub negative_log_likelihood: f64,
    /// Standard error of that mean over samples.
    pub standard_error: f64,
    /// The same in bits for each value of a sample.
    pub bits_per_value: f64,
    /// Mean of the one-code bound on `-log p(x)`, in nats.
    pub negative_elbo: f64,
}

/// Estimates `-log p(x)` of `rows` with `samples` codes each. `progress` is called with the samples of each batch.
///
/// # Errors
/// The model has no distribution over samples, or the rows cannot be read, do not fit the model, or are none.
pub fn likelihood<K>(
    model: &Model,
    rows: &Subset<K>,
    split: &'static str,
    samples: usize,
    seed: u64,
    mut progress: impl FnMut(usize),
) -> Result<LikelihoodBound> {
    let name = model.document.config.model.name();
    let distribution = model.network.probabilistic().ok_or(Error::NoLikelihood { model: name })?;
    let layout = model.preparation.layout();
    let sampling = ImportanceSampling::new(samples, Key::new(seed).named("importance"))?;
    let portions = Portions::of(layout.width());
    let mut estimates = Vec::new();
    for (index, portion) in in_order(rows, &model.preparation, portions.rows)?.enumerate() {
        let batch = batch(portion?.rows, &layout.dims)?;
        let found = sampling.estimate(distribution, &batch, index as u64, portions)?;
        progress(found.len());
        estimates.extend(found);
    }
    if estimates.is_empty() {
        return Err(Error::EmptySplit { origin: rows.source().origin().to_owned(), split });
    }
    let count = estimates.len() as f64;
    let mean = |of: fn(&narrows_eval::importance::Estimate) -> f64| estimates.iter().map(of).sum::<f64>() / count;
    let nats = -mean(|estimate| estimate.log_likelihood);
    let spread: f64 = estimates.iter().map(|estimate| (estimate.log_likelihood + nats).powi(2)).sum();
    Ok(LikelihoodBound {
        split: split.into(),
        rows: estimates.len(),
        samples,
        seed,
        negative_log_likelihood: nats,
        standard_error: (spread / (count - 1.0).max(1.0) / count).sqrt(),
        bits_per_value: nats / std::f64::consts::LN_2 / layout.width() as f64,
        negative_elbo: -mean(|estimate| estimate.elbo),
    })
}
