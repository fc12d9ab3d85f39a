//! What the loop does with losses, gradients, schedules, validation and observers.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::Tensor;
use narrows_core::{Autoencoder, Batch, Trainable as _};
use narrows_tensor::Key;
use narrows_train::{
    Batches, BoxError, Checkpoints, Ending, Error, Evaluation, Flow, HeldOut, Interruption, MetricsLog, Observer,
    OptimizerConfig, SgdConfig, Share, State, StepReport, TrainConfig, Validation, fit,
};

use crate::linear::{Linear, Plane};

pub(crate) fn config(steps: u64) -> TrainConfig {
    let text = format!(r#"{{"steps": {steps}, "rate": 0.02, "log-every": 1, "evaluate-every": 5, "ema": 0.9}}"#);
    serde_json::from_str(&text).unwrap()
}

/// Collects the reports of a run.
#[derive(Default)]
struct Reports(Vec<StepReport>);

impl Observer for Reports {
    fn step(&mut self, report: &StepReport) -> Result<Flow, BoxError> {
        self.0.push(report.clone());
        Ok(Flow::Continue)
    }
}

fn train(model: &mut Linear, config: &TrainConfig, observers: &mut [&mut dyn Observer]) -> narrows_train::Outcome {
    let mut state = State::new(model, config).unwrap();
    let mut held_out = Plane::new(2);
    let mut validation = HeldOut::new(&mut held_out, 0);
    fit(model, &mut Plane::new(1), Some(&mut validation), config, &mut state, None, observers).unwrap()
}

#[test]
fn the_loss_falls_for_each_optimizer_and_in_phases() {
    let sgd = OptimizerConfig::Sgd(SgdConfig { momentum: Share::new(0.9).unwrap(), nesterov: true });
    for optimizer in [OptimizerConfig::default(), sgd] {
        for phases in [false, true] {
            let mut model = if phases { Linear::new(6, 2).in_phases() } else { Linear::new(6, 2) };
            let mut reports = Reports::default();
            let outcome = train(&mut model, &TrainConfig { optimizer, ..config(120) }, &mut [&mut reports]);
            assert_eq!((outcome.ending, outcome.step), (Ending::Completed, 120));
            assert_eq!((model.prepared, model.finished), (1, 1));
            let losses: Vec<_> = reports.0.iter().map(|report| report.groups[0].loss).collect();
            assert!(losses[119] < 0.2 * losses[0], "{optimizer:?}, phases {phases}: {} -> {}", losses[0], losses[119]);
            assert_eq!(reports.0[0].groups.len(), if phases { 2 } else { 1 });
        }
    }
}

#[test]
fn a_finished_model_has_the_weights_of_its_best_evaluation() {
    let mut model = Linear::new(6, 2);
    let outcome = train(&mut model, &config(40), &mut []);
    let mut held_out = Plane::new(2);
    let again = HeldOut::new(&mut held_out, 0).evaluate(&model).unwrap();
    assert_eq!(again.loss, outcome.best.unwrap().loss);
}

#[test]
fn a_step_is_told_its_number_and_a_key_of_seed_and_step() {
    for seed in [0, 7] {
        let (mut model, config) = (Linear::new(6, 2), TrainConfig { seed, ..config(5) });
        let mut state = State::new(&model, &config).unwrap();
        fit(&mut model, &mut Plane::new(1), None, &config, &mut state, None, &mut []).unwrap();
        for (at, step) in model.told.lock().unwrap().iter().zip(0..) {
            assert_eq!((at.step, at.steps, at.key), (step, 5, Key::new(seed).named("step").fold(step)));
        }
    }
}

#[test]
fn buffers_take_the_values_that_steps_return() {
    let (mut model, config) = (Linear::new(6, 2), TrainConfig { ema: None, ..config(2) });
    let mut state = State::new(&model, &config).unwrap();
    let mut batches = Plane::new(1);
    fit(&mut model, &mut batches, None, &config, &mut state, None, &mut []).unwrap();
    let mut mean = |step| batches.at(step).unwrap().x.mean(0).unwrap();
    // Prepared with the first batch, then moved by a tenth towards it and towards the second.
    let expected = ((mean(0) * 0.9).unwrap() + (mean(1) * 0.1).unwrap()).unwrap();
    let found = model.parameters().buffer("mean").unwrap().as_detached_tensor();
    let difference = (found - expected).unwrap().abs().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    assert!(difference < 1e-6, "differs by {difference}");
}

#[test]
fn clipping_limits_the_update_and_reports_the_norm_before() {
    let sgd = OptimizerConfig::Sgd(SgdConfig { momentum: Share::new(0.0).unwrap(), nesterov: false });
    let text = r#"{"steps": 1, "rate": 1.0, "schedule": "constant", "decay": 0.0, "clip": 0.125}"#;
    let config = TrainConfig { optimizer: sgd, ..serde_json::from_str(text).unwrap() };
    let mut model = Linear::new(6, 2);
    let before = Linear::new(6, 2);
    let mut reports = Reports::default();
    let mut state = State::new(&model, &config).unwrap();
    fit(&mut model, &mut Plane::new(1), None, &config, &mut state, None, &mut [&mut reports]).unwrap();
    let moved: f64 = model
        .parameters()
        .trained()
        .zip(before.parameters().trained())
        .map(|((_, a), (_, b))| {
            let square = (a.as_tensor() - b.as_tensor()).unwrap().sqr().unwrap().sum_all().unwrap();
            f64::from(square.to_scalar::<f32>().unwrap())
        })
        .sum();
    assert!((moved.sqrt() - 0.125).abs() < 1e-5, "moved by {}", moved.sqrt());
    assert!(reports.0[0].groups[0].gradient_norm > 0.125);
}

/// Batches that hold an infinity from step 3 on.
struct Broken(Plane);

impl Batches for Broken {
    fn at(&mut self, step: u64) -> Result<Batch, BoxError> {
        let batch = self.0.at(step)?;
        Ok(if step < 3 { batch } else { Batch::new((batch.x * f64::INFINITY)?) })
    }
    fn steps_per_epoch(&self) -> u64 {
        8
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_with_term_and_step_and_leaves_the_weights() {
    let (mut model, config) = (Linear::new(6, 2), TrainConfig { ema: None, ..config(10) });
    let mut state = State::new(&model, &config).unwrap();
    let error = fit(&mut model, &mut Broken(Plane::new(1)), None, &config, &mut state, None, &mut []).unwrap_err();
    assert!(matches!(&error, Error::NonFiniteLoss { step: 3, term, .. } if term == "reconstruction"), "{error}");
    assert_eq!(state.step(), 3);
    let y = model.reconstruct(&Plane::new(1).at(0).unwrap().x).unwrap();
    assert!(y.sum_all().unwrap().to_scalar::<f32>().unwrap().is_finite());
}

/// A validation whose loss is scripted.
pub(crate) struct Script(pub(crate) std::vec::IntoIter<f64>);

impl Validation for Script {
    fn evaluate(&mut self, _: &dyn narrows_core::Trainable) -> Result<Evaluation, BoxError> {
        Ok(Evaluation { loss: self.0.next().ok_or("no more losses")?, figures: Vec::new() })
    }
}

#[test]
fn patience_counts_evaluations_since_the_best() {
    let config = TrainConfig { patience: NonZeroU64::new(2), ..config(100) };
    let mut model = Linear::new(6, 2);
    let mut state = State::new(&model, &config).unwrap();
    let mut script = Script(vec![3.0, f64::NAN, 2.0, 2.0, 2.5].into_iter());
    let validation: Option<&mut dyn Validation> = Some(&mut script);
    let outcome = fit(&mut model, &mut Plane::new(1), validation, &config, &mut state, None, &mut []).unwrap();
    assert_eq!((outcome.ending, outcome.step), (Ending::OutOfPatience, 25));
    assert_eq!(outcome.best.unwrap().step, 15);
}

#[test]
fn patience_goes_on_where_it_was_after_a_resumption() {
    let config = TrainConfig { patience: NonZeroU64::new(3), ..config(100) };
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(directory.path(), "").unwrap();
    let run = |losses: Vec<f64>, stop: u64| {
        let mut model = Linear::new(6, 2);
        let mut state = match checkpoints.latest().unwrap() {
            Some(checkpoint) => checkpoint.restore(&model, &config).unwrap(),
            None => State::new(&model, &config).unwrap(),
        };
        let mut script = Script(losses.into_iter());
        let validation: Option<&mut dyn Validation> = Some(&mut script);
        let observers: &mut [&mut dyn Observer] = &mut [&mut crate::resume::StopAt(stop)];
        fit(&mut model, &mut Plane::new(1), validation, &config, &mut state, Some(&checkpoints), observers).unwrap()
    };
    assert_eq!(run(vec![1.0, 2.0, 2.0], 17).ending, Ending::Interrupted);
    let outcome = run(vec![2.0], 0);
    assert_eq!((outcome.ending, outcome.step, outcome.best.unwrap().step), (Ending::OutOfPatience, 20, 5));
}

#[test]
fn evaluating_does_not_change_the_run() {
    let weights = |every: u64| {
        let (mut model, mut config) = (Linear::new(6, 2), config(20));
        config.evaluate_every = NonZeroU64::new(every);
        let mut state = State::new(&model, &config).unwrap();
        // Worse each time, so that the first evaluation's weights are kept; what counts is the state behind them.
        let mut script = Script((0..20).map(f64::from).collect::<Vec<_>>().into_iter());
        let directory = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(directory.path(), "").unwrap();
        let validation: Option<&mut dyn Validation> = Some(&mut script);
        fit(&mut model, &mut Plane::new(1), validation, &config, &mut state, Some(&checkpoints), &mut []).unwrap();
        let last = checkpoints.latest().unwrap().unwrap();
        let flat = last.weights().values().map(|tensor| tensor.flatten_all().unwrap()).collect::<Vec<_>>();
        Tensor::cat(&flat, 0).unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(weights(1), weights(7));
}

#[test]
fn an_interruption_finishes_the_step_and_can_be_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let (mut model, config) = (Linear::new(6, 2), config(10));
    let checkpoints = Checkpoints::open(directory.path(), "").unwrap();
    let mut state = State::new(&model, &config).unwrap();
    let mut interruption = Interruption::new(Arc::new(AtomicBool::new(true)));
    let outcome =
        fit(&mut model, &mut Plane::new(1), None, &config, &mut state, Some(&checkpoints), &mut [&mut interruption]);
    assert_eq!(outcome.unwrap().ending, Ending::Interrupted);
    assert_eq!(model.finished, 0);
    assert_eq!(checkpoints.latest().unwrap().unwrap().step(), 1);
}

#[test]
fn the_log_of_a_resumed_run_is_that_of_an_uninterrupted_one() {
    let directory = tempfile::tempdir().unwrap();
    let log = |name: &str| directory.path().join(name);
    train(&mut Linear::new(6, 2), &config(12), &mut [&mut MetricsLog::new(log("whole"))]);
    let text = std::fs::read_to_string(log("whole")).unwrap();
    assert_eq!(text.lines().count(), 12 + 3);
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));

    // Written on to step 12 without a checkpoint after step 7, then killed and resumed there.
    std::fs::write(log("parts"), format!("{text}{{\"kind\":\"st")).unwrap();
    let (mut model, config) = (Linear::new(6, 2), config(12));
    let checkpoints = Checkpoints::open(directory.path(), "").unwrap();
    let mut held_out = Plane::new(2);
    let mut state = State::new(&model, &config).unwrap();
    let mut validation = HeldOut::new(&mut held_out, 0);
    let mut stop = crate::resume::StopAt(7);
    fit(
        &mut model,
        &mut Plane::new(1),
        Some(&mut validation),
        &config,
        &mut state,
        Some(&checkpoints),
        &mut [&mut stop],
    )
    .unwrap();
    let mut model = Linear::new(6, 2);
    let mut state = checkpoints.latest().unwrap().unwrap().restore(&model, &config).unwrap();
    let mut resumed = MetricsLog::new(log("parts"));
    fit(&mut model, &mut Plane::new(1), Some(&mut validation), &config, &mut state, None, &mut [&mut resumed]).unwrap();
    assert_eq!(std::fs::read_to_string(log("parts")).unwrap(), text);
}
