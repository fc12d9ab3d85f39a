//! Fitting a detector: the training rows that it keeps, the scale of its parts, and the scores of held-out rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use narrows_core::Autoencoder;
use narrows_data::{Preparation, Splits, Subset, Train, in_order};
use narrows_eval::scorer::UsualSizes;
use narrows_eval::threshold::Conformal;
use narrows_tensor::{DType, Device, Tensor};

use super::calibration::{Calibration, RowDigest};
use super::code::{self, KnownCodes};
use super::rows::{part_sizes, score_rows};
use super::surprise::{self, Usual};
use super::{DetectConfig, Detector, Record, Score};
use crate::batches::batch;
use crate::evaluate::ROWS;
use crate::{Error, Result};

/// Training rows over which the parts are scaled.
const SCALED: usize = 8_192;
/// The least variance of a residual, as a share of the feature's own.
const LEAST: f32 = 1e-6;
/// Values that are stored at most.
const STORED: usize = 1 << 23;
/// Codes that are stored at most.
const CODES: usize = 50_000;

/// Fits a detector on the training rows and calibrates it on `held_out`.
pub(crate) fn fit(
    config: &DetectConfig,
    network: &(impl Autoencoder + ?Sized),
    preparation: &Arc<Preparation>,
    splits: &Splits,
    chosen_by_validation: bool,
) -> Result<Detector> {
    let mut record = Record::new(config.clone());
    match config.score {
        Score::Error => {}
        Score::Deviance => record.residual_variances = residual_variances(network, &splits.train, preparation)?,
        Score::Bound => record.usual_nats = Some(usual_nats(config, network, &splits.train, preparation)?),
    }
    let mut tensors = BTreeMap::new();
    if config.neighbours.get() > 0 {
        tensors.insert(
            "rows".to_owned(),
            stored_rows(&splits.train, preparation, config.neighbours.get(), preparation.layout().width())?,
        );
    }
    let codes = config.code.map(|_| codes(network, &splits.train, preparation)).transpose()?;
    if let (Some(distance), Some(codes)) = (config.code, &codes) {
        tensors.extend(KnownCodes::fit(distance, codes)?.tensors());
    }
    let mut detector = Detector::new(record, preparation, &tensors)?;
    let sizes = usual_sizes(&detector, network, &splits.train, preparation, codes.as_ref())?;
    let record = &mut detector.record;
    record.usual = sizes.iter().map(|sizes| UsualSizes::of(sizes)).collect();
    let strangest = record.usual.iter().map(|usual| usual.on(config.combine, usual.largest()));
    record.unseen = config.combine.average(strangest);
    if !config.combine.by_rank() {
        record.usual.iter_mut().for_each(UsualSizes::forget_quantiles);
    }
    // Where validation rows chose the best step, only test rows are untouched.
    if chosen_by_validation {
        calibrate(&mut detector, network, preparation, &splits.test, "test")?;
    } else {
        calibrate(&mut detector, network, preparation, &splits.validation, "validation")?;
    }
    Ok(detector)
}

/// At most `limit` training samples, evenly spread over the file, and as many as have `STORED` values of this number each.
fn stored_rows(train: &Subset<Train>, preparation: &Arc<Preparation>, limit: usize, each: usize) -> Result<Tensor> {
    let width = preparation.layout().width();
    let portions = in_order(train, preparation, ROWS)?;
    let total = portions.samples();
    let kept = limit.min(total).min((STORED / each.max(1)).max(1));
    let (mut values, mut next, mut seen) = (Vec::with_capacity(kept * width), 0, 0);
    for portion in portions {
        let rows = portion?.rows;
        for row in rows.features.chunks_exact(width) {
            // The sample of number k is the one at k * total / kept.
            if next < kept && seen == next * total / kept {
                values.extend_from_slice(row);
                next += 1;
            }
            seen += 1;
        }
    }
    let rows = values.len() / width.max(1);
    let tensor = Tensor::from_vec(values, (rows, width), &Device::Cpu).map_err(narrows_tensor::Error::from)?;
    Ok(tensor.to_dtype(DType::F32).map_err(narrows_tensor::Error::from)?)
}

/// The codes of training rows, evenly spread over the file.
fn codes(
    network: &(impl Autoencoder + ?Sized),
    train: &Subset<Train>,
    preparation: &Arc<Preparation>,
) -> Result<Tensor> {
    let layout = preparation.layout();
    let rows = stored_rows(train, preparation, CODES, layout.width().max(network.spec().code.elements()))?;
    let count = rows.dims()[0];
    let rows = rows.reshape([&[count], layout.dims.as_slice()].concat()).map_err(narrows_tensor::Error::from)?;
    let portion = |start: usize| {
        let rows = rows.narrow(0, start, ROWS.min(count - start)).map_err(narrows_tensor::Error::from)?;
        code::encode(network, &rows)
    };
    let codes = (0..count).step_by(ROWS).map(portion).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::cat(&codes, 0).map_err(narrows_tensor::Error::from)?)
}

/// The variance of each feature's residual over training rows, at least a millionth of the feature's own.
fn residual_variances(
    network: &(impl Autoencoder + ?Sized),
    train: &Subset<Train>,
    preparation: &Arc<Preparation>,
) -> Result<Vec<f32>> {
    let layout = preparation.layout();
    let width = layout.row_width();
    let mut sums = vec![(0.0, 0.0); width];
    for portion in in_order(&train.clone().limit(SCALED), preparation, ROWS)? {
        let batch = batch(portion?.rows, &layout.dims)?;
        let x_hat = crate::transform::flat(&network.reconstruct_given(&batch.x, batch.condition.as_ref())?)?;
        let x = crate::transform::flat(&batch.x)?;
        let observed = batch.observed.as_ref().map(crate::transform::flat).transpose()?;
        for (at, (x, x_hat)) in x.iter().zip(&x_hat).enumerate() {
            let present = observed.as_ref().map_or(1.0, |observed| f64::from(observed[at]));
            let (sum, count) = &mut sums[at % width];
            *sum += present * f64::from(x - x_hat).powi(2);
            *count += present;
        }
    }
    // A feature that never varied, or was never observed, counts in its own unit.
    let variance = |((sum, count), &weight): ((f64, f64), &f32)| {
        if weight > 0.0 && count > 0.0 { ((sum / count) as f32).max(LEAST / weight) } else { 1.0 }
    };
    Ok(sums.into_iter().zip(&layout.weights).map(variance).collect())
}

/// Where the bounds of training rows lie.
fn usual_nats(
    config: &DetectConfig,
    network: &(impl Autoencoder + ?Sized),
    train: &Subset<Train>,
    preparation: &Arc<Preparation>,
) -> Result<Usual> {
    let mut nats = Vec::new();
    for portion in in_order(&train.clone().limit(SCALED), preparation, ROWS)? {
        let batch = batch(portion?.rows, &preparation.layout().dims)?;
        nats.extend(surprise::nats(network, &batch, config.codes.get())?);
    }
    let unexplained =
        "score = \"bound\": the likelihood of no training row is a number; lower train.rate, or train without it";
    Usual::of(&nats).ok_or_else(|| Error::Detect { reason: unexplained.into() })
}

/// The sizes of each part over training rows; of those that compare with stored rows, a stored one is compared with the
/// others.
fn usual_sizes(
    detector: &Detector,
    network: &(impl Autoencoder + ?Sized),
    train: &Subset<Train>,
    preparation: &Arc<Preparation>,
    codes: Option<&Tensor>,
) -> Result<Vec<Vec<f64>>> {
    let alone = detector.without_stored();
    let mut sizes = part_sizes(&alone, network, preparation, &train.clone().limit(SCALED))?;
    if let Some(stored) = detector.stored() {
        let per_step = (detector.steps() as f64).sqrt();
        let (distances, factors) = stored.usual(SCALED)?;
        sizes.push(distances.iter().map(|distance| distance / per_step).collect());
        sizes.extend(factors);
    }
    if let (Some(known), Some(codes)) = (detector.codes(), codes) {
        sizes.push(known.usual(codes, SCALED)?);
    }
    Ok(sizes)
}

/// Scores held-out rows. What a value that no training row had adds to a score becomes as much as the strangest of them
/// scores without such values, if that is more: network and stored rows know the training rows too well.
fn calibrate<K>(
    detector: &mut Detector,
    network: &(impl Autoencoder + ?Sized),
    preparation: &Arc<Preparation>,
    rows: &Subset<K>,
    split: &str,
) -> Result<()> {
    let window = preparation.window().map_or(1, narrows_data::Window::length);
    if rows.rows() < window {
        return Ok(());
    }
    let mut digest = RowDigest::default();
    let scored = score_rows(&*detector, network, preparation, rows, |features| digest.add(features))?;
    if scored.scores.is_empty() {
        return Ok(());
    }
    let record = &mut detector.record;
    let known = scored.scores.iter().zip(&scored.unseen).map(|(score, unseen)| score - record.unseen * *unseen as f64);
    let known: Vec<f64> = known.collect();
    record.unseen = known.iter().copied().fold(record.unseen, f64::max);
    let scores =
        known.iter().zip(&scored.unseen).map(|(score, unseen)| score + record.unseen * *unseen as f64).collect();
    let (rows, sha256, scores) = (scored.scores.len(), digest.finish(), Conformal::new(scores)?);
    record.calibration = Some(Calibration { split: split.into(), rows, sha256, scores });
    Ok(())
}
