//! From a plan to a trained, evaluated model in its run directory.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use narrows_core::Trainable;
use narrows_data::{Feed, FeedConfig, Preparation, Subset, Train, in_order};
use narrows_eval::Pca;
use narrows_tensor::file::write_atomically;
use narrows_train::{
    Checkpoints, Ending, HeldOut, Interruption, MetricsLog, Observer, Outcome, State, TensorBoard, Validation,
};
use sha2::{Digest as _, Sha256};

use crate::batches::{FeedBatches, batch};
use crate::config::RunConfig;
use crate::detect::{self, Detector, Score};
use crate::document::{Document, FORMAT, Origin};
use crate::evaluate::{Evaluation, ROWS, SampleErrors, measure};
use crate::generate::{Samplers, check_flow, fit_samplers};
use crate::held_out::InOrderBatches;
use crate::{Error, Model, Plan, Result, RunDirectory, model};

/// The most validation samples that one evaluation during training looks at.
const VALIDATION: usize = 20_000;

/// How training ended.
#[derive(Debug)]
pub enum Fitted {
    /// The model is trained, measured and saved.
    Done(Box<Done>),
    /// A signal came; the run can be resumed from its checkpoint.
    Interrupted {
        /// Steps done.
        step: u64,
    },
}

/// A finished run.
#[derive(Debug)]
pub struct Done {
    /// The model, as saved.
    pub model: Model,
    /// How training ended.
    pub outcome: Outcome,
    /// Figures on the held-out rows.
    pub evaluation: Evaluation,
    /// Errors of single held-out samples.
    pub errors: SampleErrors,
}

/// Trains what `plan` says and fills the run directory. With `resume`, continues from its latest checkpoint.
/// `interrupt` may become true at any time: the step is finished and a checkpoint written.
///
/// # Errors
/// The data cannot be read, a loss is not finite, a file cannot be written, or the run to resume is another one.
pub fn fit(
    plan: &Plan,
    run: &RunDirectory,
    resume: bool,
    interrupt: Arc<AtomicBool>,
    watchers: &mut [&mut dyn Observer],
) -> Result<Fitted> {
    let config = &plan.config;
    let mut document = document(plan);
    // Before anything is written: the networks may be larger than can be made.
    let mut network = model::fresh(&document)?;
    if config.flow.is_some() {
        check_flow(network.as_ref(), plan.splits.train.rows())?;
    }
    if let Some(detect) = &config.detect {
        if detect.score == Score::Bound {
            detect::check_distribution(network.as_ref())?;
        }
        detect.check(plan.preparation.window().is_some())?;
        if detect.hidden.get() > 0 {
            detect::check_hidden(network.as_ref())?;
        }
    }
    if resume {
        refuse_changes(plan, run)?;
    } else {
        write_atomically(&run.config(), config.to_toml()?.as_bytes())?;
    }
    let dims = plan.preparation.layout().dims.clone();
    let feed = Feed::new(&plan.splits.train, &plan.preparation, feed_config(config))?;
    let mut batches = FeedBatches { feed, dims: dims.clone() };
    let mut state = State::new(network.as_ref(), &config.train)?;
    let checkpoints = Checkpoints::open(run.root(), plan.identity()?)?;
    if resume && let Some(checkpoint) = checkpoints.latest()? {
        state = checkpoint.restore(network.as_ref(), &config.train)?;
    }
    // Rows that are to calibrate scores choose nothing.
    let mut held_out = match config.detect {
        None => InOrderBatches::new(&plan.splits.validation, &plan.preparation, VALIDATION)?,
        Some(_) => None,
    };
    let mut validation = held_out.as_mut().map(|batches| HeldOut::new(batches, config.train.seed));
    let mut metrics = MetricsLog::new(run.metrics());
    let mut events = TensorBoard::new(run.events());
    let mut interruption = Interruption::new(interrupt);
    let mut observers: Vec<&mut dyn Observer> = vec![&mut metrics, &mut events, &mut interruption];
    for watcher in watchers {
        observers.push(&mut **watcher);
    }
    let outcome = narrows_train::fit(
        network.as_mut(),
        &mut batches,
        validation.as_mut().map(|validation| validation as &mut dyn Validation),
        &config.train,
        &mut state,
        Some(&checkpoints),
        &mut observers,
    )?;
    if outcome.ending == Ending::Interrupted {
        return Ok(Fitted::Interrupted { step: outcome.step });
    }
    drop(batches);
    let (baseline, sha256) = principal_components(network.as_ref(), &plan.splits.train, &plan.preparation)?;
    let (train, flow) = (&plan.splits.train, config.flow.as_ref());
    let samplers = fit_samplers(network.as_ref(), train, &plan.preparation, flow, config.train.seed)?;
    document.origin.sha256 = sha256;
    document.steps = outcome.step;
    let (evaluation, errors) = held_out_figures(plan, network.as_ref(), &baseline)?;
    document.held_out = Some(evaluation.clone());
    let detector = detector(plan, network.as_ref())?;
    document.detector = Some(detector.record.clone());
    let (preparation, detector) = (plan.preparation.clone(), Some(detector));
    let Samplers { mixture: sampler, flow } = samplers;
    let model = Model { document, network, baseline, sampler, flow, preparation, detector };
    model.save(&run.model(), true)?;
    Ok(Fitted::Done(Box::new(Done { model, outcome, evaluation, errors })))
}

/// Figures on the test rows; where there are none, on the validation rows, else on the training rows.
fn held_out_figures(plan: &Plan, network: &dyn Trainable, baseline: &Pca) -> Result<(Evaluation, SampleErrors)> {
    let splits = &plan.splits;
    if !splits.test.is_empty() {
        measure(network, baseline, &plan.preparation, &splits.test, "test")
    } else if !splits.validation.is_empty() {
        measure(network, baseline, &plan.preparation, &splits.validation, "validation")
    } else {
        measure(network, baseline, &plan.preparation, &splits.train, "train")
    }
}

/// The detector of a trained network.
fn detector(plan: &Plan, network: &dyn Trainable) -> Result<Detector> {
    let config = plan.config.detect.clone();
    let chosen = config.is_none();
    detect::fit(&config.unwrap_or_default(), network, &plan.preparation, &plan.splits, chosen)
}

/// Features from which principal components take so long that it is told.
const WIDE: usize = 2_000;

/// As many principal components of the training rows as the code has values at a time, and the digest of these rows.
fn principal_components(
    network: &dyn Trainable,
    train: &Subset<Train>,
    preparation: &Arc<Preparation>,
) -> Result<(Pca, String)> {
    let layout = preparation.layout();
    let size = network.active()?.clamp(1, layout.width());
    if layout.width() >= WIDE {
        tracing::info!("comparing with PCA: {size} principal components of {} features", layout.width());
    }
    let mut digest = None;
    let pca = Pca::fit(size, &layout.metric(), |visit| -> Result<()> {
        let mut hash = Sha256::new();
        for portion in in_order(train, preparation, ROWS)? {
            let rows = portion?.rows;
            rows.features.iter().for_each(|value| hash.update(value.to_le_bytes()));
            visit(&batch(rows, &layout.dims)?.x)?;
        }
        digest.get_or_insert(hash);
        Ok(())
    })?;
    let digest = digest.map(|hash| crate::digest::hex(&hash.finalize())).unwrap_or_default();
    Ok((pca, digest))
}

fn feed_config(config: &RunConfig) -> FeedConfig {
    FeedConfig { batch: config.train.batch.get(), seed: config.train.seed, ..FeedConfig::default() }
}

fn document(plan: &Plan) -> Document {
    let splits = &plan.splits;
    Document {
        format: FORMAT,
        narrows: env!("CARGO_PKG_VERSION").into(),
        config: plan.config.clone(),
        data: plan.data.clone(),
        preparation: plan.preparation.as_ref().clone(),
        origin: Origin {
            name: splits.train.source().origin().to_owned(),
            sha256: String::new(),
            rows: [splits.train.rows(), splits.validation.rows(), splits.test.rows()],
        },
        steps: 0,
        held_out: None,
        detector: None,
    }
}

/// A run can only be continued as it was begun.
fn refuse_changes(plan: &Plan, run: &RunDirectory) -> Result<()> {
    let path = run.config();
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Io {
        path: path.clone(),
        action: "cannot read",
        source,
    })?;
    let (was, is) = (table(&text, &path)?, table(&plan.config.to_toml()?, &path)?);
    let mut changes = Vec::new();
    differences("", &was, &is, &mut changes);
    if changes.is_empty() { Ok(()) } else { Err(Error::ResumeChanged { run: run.root().into(), changes }) }
}

fn table(text: &str, path: &std::path::Path) -> Result<toml::Table> {
    text.parse().map_err(|error: toml::de::Error| Error::Config { origin: path.into(), message: error.to_string() })
}

/// One sentence for each key whose value differs.
fn differences(prefix: &str, was: &toml::Table, is: &toml::Table, changes: &mut Vec<String>) {
    let keys: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for key in keys {
        match (was.get(key), is.get(key)) {
            (Some(toml::Value::Table(was)), Some(toml::Value::Table(is))) => {
                differences(&format!("{prefix}{key}."), was, is, changes);
            }
            (was, is) if was == is => {}
            (was, is) => {
                let text = |value: Option<&toml::Value>| value.map_or("absent".to_owned(), ToString::to_string);
                changes.push(format!("{prefix}{key} was {} and is now {}", text(was), text(is)));
            }
        }
    }
}
