//! A leaderboard: several variants on the same rows, several seeds each, PCA among them.

use std::time::Instant;

use narrows_data::Source;
use narrows_eval::Quality;
use narrows_train::Observer;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::choose::Task;
use crate::fit::{Done, Fitted};
use crate::{Draft, Error, Plan, Result, RunDirectory, fit};

/// A mean over seeds with its 95 % confidence interval (Student's t); no interval from a single value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Mean over seeds.
    pub mean: f64,
    /// Half the width of the interval.
    pub margin: Option<f64>,
}

/// One method's place on the leaderboard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Name in the catalogue, or `PCA`.
    pub name: String,
    /// Values in its code; of PCA, its components.
    pub code: usize,
    /// Squared error of a held-out sample.
    pub squared_error: Interval,
    /// Its paired difference to the best method of the board, seed by seed; `None` for the best itself.
    pub behind: Option<Interval>,
    /// Explained variance of held-out rows.
    pub explained_variance: Option<Interval>,
    /// PSNR of held-out pictures in dB.
    pub psnr: Option<Interval>,
    /// Trained numbers.
    pub parameters: usize,
    /// Seconds of training.
    pub seconds: Option<f64>,
}

/// The board, best first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leaderboard {
    /// Held-out samples.
    pub samples: u64,
    /// Seeds of each method.
    pub seeds: u64,
    /// Methods, smallest error first.
    pub standings: Vec<Standing>,
}

/// What one method did.
struct Record {
    name: String,
    code: usize,
    qualities: Vec<Quality>,
    parameters: usize,
    seconds: Option<f64>,
}

/// Trains every model in `models` with as many `seeds`, from the draft's on, on the same splits and with the same budget.
/// `announce` is told of each run before it starts and gives its observer. `None`: interrupted.
///
/// # Errors
/// There are no models, one is named twice or does not fit the data, or a run fails.
pub fn compare(
    draft: &Draft,
    models: &[String],
    seeds: u64,
    source: &Arc<dyn Source>,
    interrupt: &Arc<AtomicBool>,
    mut announce: impl FnMut(&str, u64) -> Box<dyn Observer>,
) -> Result<Option<Leaderboard>> {
    if models.is_empty() || seeds == 0 {
        return Err(Error::NothingToCompare);
    }
    if let Some((_, twice)) = models.iter().enumerate().find(|(index, model)| models[..*index].contains(model)) {
        return Err(Error::ComparedTwice { model: twice.clone() });
    }
    let plans: Vec<Plan> = models.iter().map(|model| plan(draft, model, None, source)).collect::<Result<_>>()?;
    let first = plans[0].config.train.seed;
    let (mut records, mut baseline) = (Vec::new(), None);
    for model in models {
        let (mut qualities, mut parameters, mut code, started) = (Vec::new(), 0, 0, Instant::now());
        for seed in (first..).take(seeds as usize) {
            let plan = plan(draft, model, Some(seed), source)?;
            let directory = tempfile::tempdir().map_err(|source| Error::Io {
                path: std::env::temp_dir(),
                action: "cannot make a directory in",
                source,
            })?;
            let run = RunDirectory::create(directory.path(), false)?;
            let mut observer = announce(model, seed);
            let Fitted::Done(done) = fit(&plan, &run, false, interrupt.clone(), &mut [observer.as_mut()])? else {
                return Ok(None);
            };
            let Done { model, evaluation, .. } = *done;
            parameters = model.network.parameters().count();
            code = evaluation.code;
            let components = evaluation.components;
            baseline.get_or_insert((evaluation.pca, components, components * model.document.data.features()));
            qualities.push(evaluation.model);
        }
        let seconds = Some(started.elapsed().as_secs_f64() / seeds as f64);
        records.push(Record { name: model.clone(), code, qualities, parameters, seconds });
    }
    if let Some((quality, code, parameters)) = baseline {
        let qualities = vec![quality; seeds as usize];
        records.push(Record { name: "PCA".into(), code, qualities, parameters, seconds: None });
    }
    Ok(Some(board(records, seeds)))
}

fn plan(draft: &Draft, model: &str, seed: Option<u64>, source: &Arc<dyn Source>) -> Result<Plan> {
    let mut draft = draft.clone();
    draft.choose(model)?;
    if let Some(seed) = seed {
        draft.put("train.seed", seed as i64)?;
    }
    Plan::on(&draft, Task::Reduction, source)
}

fn board(mut records: Vec<Record>, seeds: u64) -> Leaderboard {
    let error = |record: &Record| record.qualities.iter().map(|q| q.squared_error).sum::<f64>();
    records.sort_by(|a, b| error(a).total_cmp(&error(b)));
    let best: Vec<f64> =
        records.first().map(|r| r.qualities.iter().map(|q| q.squared_error).collect()).unwrap_or_default();
    let samples = records.first().and_then(|record| record.qualities.first()).map_or(0, |quality| quality.samples);
    let standing = |(place, record): (usize, &Record)| {
        let of = |figure: fn(&Quality) -> Option<f64>| {
            let values: Option<Vec<f64>> = record.qualities.iter().map(figure).collect();
            values.map(|values| Interval::of(&values))
        };
        let pairs = record.qualities.iter().zip(&best);
        let behind: Vec<f64> = pairs.map(|(quality, best)| quality.squared_error - best).collect();
        let errors: Vec<f64> = record.qualities.iter().map(|quality| quality.squared_error).collect();
        Standing {
            name: record.name.clone(),
            code: record.code,
            squared_error: Interval::of(&errors),
            behind: (place > 0).then(|| Interval::of(&behind)),
            explained_variance: of(|quality| quality.explained_variance),
            psnr: of(|quality| quality.psnr),
            parameters: record.parameters,
            seconds: record.seconds,
        }
    };
    Leaderboard { samples, seeds, standings: records.iter().enumerate().map(standing).collect() }
}

impl Interval {
    /// Mean and half-width `t s / √n`.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n.max(1.0);
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let margin = (values.len() > 1).then(|| student(values.len() - 1) * (variance / n).sqrt());
        Self { mean, margin }
    }
}

/// The 97.5 % quantile of Student's t distribution.
fn student(freedom: usize) -> f64 {
    const QUANTILES: [f64; 20] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086,
    ];
    match QUANTILES.get(freedom.saturating_sub(1)) {
        Some(&quantile) => quantile,
        // Cornish-Fisher expansion around the normal quantile; exact to three digits from 20 degrees on.
        None => 1.95996 + 2.3722 / freedom as f64 + 2.8225 / (freedom * freedom) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_follows_student() {
        let interval = Interval::of(&[1.0, 2.0, 3.0]);
        assert_eq!(interval.mean, 2.0);
        assert!((interval.margin.unwrap() - 4.303 / 3f64.sqrt()).abs() < 1e-9);
        assert_eq!(Interval::of(&[5.0]).margin, None);
        assert!((student(40) - 2.0211).abs() < 1e-3);
    }
}
