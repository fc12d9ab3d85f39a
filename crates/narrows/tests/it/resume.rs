//! A run of any variant that is stopped after any step and resumed writes the bytes that the uninterrupted one writes.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device};
use narrows_core::{Batch, Trainable};
use narrows_models::conformance::data_specs;
use narrows_models::{DataSpec, ModelConfig, build, catalog};
use narrows_tensor::{Key, Scope, random};
use narrows_train::{Batches, BoxError, Checkpoints, Flow, HeldOut, Observer, State, StepReport, TrainConfig, fit};

const STEPS: u64 = 40;

/// Uniform samples, drawn from a key and the step.
struct Uniform {
    key: Key,
    data: DataSpec,
}

impl Batches for Uniform {
    fn at(&mut self, step: u64) -> Result<Batch, BoxError> {
        let (key, shape) = (self.key.fold(step % self.steps_per_epoch()), self.data.sample.batched(16));
        Ok(Batch::new(random::uniform(&key, shape, DType::F32, &Device::Cpu)?))
    }

    fn steps_per_epoch(&self) -> u64 {
        8
    }
}

/// Interrupts a run after a step.
struct StopAt(Option<u64>);

impl Observer for StopAt {
    fn step(&mut self, report: &StepReport) -> Result<Flow, BoxError> {
        Ok(if Some(report.step) == self.0 { Flow::Interrupt } else { Flow::Continue })
    }
}

/// One variant on data that it takes.
struct Run {
    model: ModelConfig,
    data: DataSpec,
    train: TrainConfig,
}

impl Run {
    fn of(mut model: ModelConfig) -> Self {
        model.set_code(3).unwrap();
        let fitting = data_specs().into_iter().map(|(_, data)| data).find(|data| model.check(data).is_ok());
        let train = r#"{"steps": 40, "rate": 0.01, "evaluate-every": 5, "ema": 0.9}"#;
        Self { model, data: fitting.unwrap(), train: serde_json::from_str(train).unwrap() }
    }

    /// Starts in `directory`, or resumes what is there, until the end or until `stop`; the files of the last checkpoint.
    fn go(&self, directory: &Path, stop: Option<u64>) -> BTreeMap<String, Vec<u8>> {
        let scope = Scope::root(Key::new(7), DType::F32, &Device::Cpu);
        let mut model: Box<dyn Trainable> = build(&self.model, &self.data, &scope).unwrap();
        let checkpoints = Checkpoints::open(directory, "test").unwrap();
        let mut state = match checkpoints.latest().unwrap() {
            Some(checkpoint) => checkpoint.restore(model.as_ref(), &self.train).unwrap(),
            None => State::new(model.as_ref(), &self.train).unwrap(),
        };
        let draw = |seed| Uniform { key: Key::new(seed), data: self.data.clone() };
        let mut held_out = draw(2);
        let mut validation = HeldOut::new(&mut held_out, 0);
        let observers: &mut [&mut dyn Observer] = &mut [&mut StopAt(stop)];
        let (batches, train) = (&mut draw(1), &self.train);
        fit(model.as_mut(), batches, Some(&mut validation), train, &mut state, Some(&checkpoints), observers).unwrap();
        let last = checkpoints.latest().unwrap().unwrap();
        let files = std::fs::read_dir(last.path()).unwrap().map(|entry| entry.unwrap());
        files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
    }
}

/// A directory in memory where there is one: what is synced hundreds of times here need not reach a disk.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Stops every variant at every `stride`-th step and compares.
fn resume_all(stride: usize) {
    for entry in catalog() {
        let run = Run::of(entry.config());
        let expected = run.go(directory().path(), None);
        for stop in (1..STEPS).step_by(stride) {
            let parts = directory();
            assert_ne!(run.go(parts.path(), Some(stop)), expected, "{} did not stop", run.model.name());
            let resumed = run.go(parts.path(), None);
            assert!(resumed == expected, "{}: other bytes when stopped at step {stop}", run.model.name());
        }
    }
}

#[test]
fn every_variant_resumes_bit_for_bit() {
    resume_all(9);
}

#[test]
#[ignore = "every step of every variant takes minutes; `cargo xtask reproduce interruptions` runs it"]
fn every_variant_resumes_bit_for_bit_at_every_step() {
    resume_all(1);
}
