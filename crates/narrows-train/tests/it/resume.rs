//! A run that is stopped and resumed is the run that was not: the same checkpoint bytes, at any thread count.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use narrows_core::Trainable as _;
use narrows_train::{
    BoxError, Checkpoints, Flow, HeldOut, Observer, OptimizerConfig, SgdConfig, State, StepReport, TrainConfig, fit,
};

use crate::linear::{Linear, Plane};
use crate::run::config;

/// Interrupts a run after a step.
pub(crate) struct StopAt(pub(crate) u64);

impl Observer for StopAt {
    fn step(&mut self, report: &StepReport) -> Result<Flow, BoxError> {
        Ok(if report.step == self.0 { Flow::Interrupt } else { Flow::Continue })
    }
}

/// Starts a run in `directory`, or resumes the one that is there, until step `until`.
pub(crate) fn go(directory: &Path, model: &mut Linear, batches: &mut Plane, config: &TrainConfig, until: u64) {
    let checkpoints = Checkpoints::open(directory, "test").unwrap();
    let mut state = match checkpoints.latest().unwrap() {
        Some(checkpoint) => checkpoint.restore(model, config).unwrap(),
        None => State::new(model, config).unwrap(),
    };
    let mut held_out = Plane { key: narrows_tensor::Key::new(2), ..*batches };
    let mut validation = HeldOut::new(&mut held_out, 0);
    let observers: &mut [&mut dyn Observer] = &mut [&mut StopAt(until)];
    fit(model, batches, Some(&mut validation), config, &mut state, Some(&checkpoints), observers).unwrap();
}

/// All files of the last checkpoint.
pub(crate) fn last_bytes(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let last = Checkpoints::open(directory, "test").unwrap().latest().unwrap().unwrap();
    let files = std::fs::read_dir(last.path()).unwrap().map(|entry| entry.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
}

/// A directory in memory where there is one: what is synced hundreds of times here need not reach a disk.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn weights(model: &Linear) -> Vec<Vec<f32>> {
    let flat = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    model.parameters().tensors().values().map(flat).collect()
}

#[test]
fn resumed_at_every_step_of_forty_gives_the_same_bytes() {
    let sgd = TrainConfig { optimizer: OptimizerConfig::Sgd(SgdConfig::default()), ema: None, ..config(40) };
    for config in [config(40), sgd] {
        let whole = directory();
        let mut model = Linear::new(6, 2).in_phases();
        go(whole.path(), &mut model, &mut Plane::new(1), &config, 0);
        let (expected, kept) = (last_bytes(whole.path()), weights(&model));
        assert_eq!(expected.len(), if config.ema.is_some() { 5 } else { 4 });
        for stop in 1..=40 {
            let parts = directory();
            go(parts.path(), &mut Linear::new(6, 2).in_phases(), &mut Plane::new(1), &config, stop);
            let mut model = Linear::new(6, 2).in_phases();
            go(parts.path(), &mut model, &mut Plane::new(1), &config, 0);
            assert!(last_bytes(parts.path()) == expected, "other bytes when stopped at step {stop}");
            assert_eq!(weights(&model), kept, "other weights when stopped at step {stop}");
        }
    }
}

/// The directory in which the helper process trains.
const DIRECTORY: &str = "NARROWS_TEST_THREADS";

/// Not a test of its own: trains with the threads of its process, on products large enough to be shared among them.
#[test]
#[ignore = "started by any_number_of_threads_gives_the_same_bytes, with a directory"]
fn train_with_these_threads() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let mut batches = Plane { samples: 200, sample: 300, ..Plane::new(1) };
    go(&directory, &mut Linear::new(300, 70), &mut batches, &config(6), 0);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let run = |threads: &str| {
        let directory = tempfile::tempdir().unwrap();
        let trained = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "resume::train_with_these_threads", "--ignored"])
            .env("RAYON_NUM_THREADS", threads)
            .env(DIRECTORY, directory.path())
            .output()
            .unwrap();
        assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stdout));
        last_bytes(directory.path())
    };
    let one = run("1");
    assert!(run("2") == one && run("3") == one);
}
