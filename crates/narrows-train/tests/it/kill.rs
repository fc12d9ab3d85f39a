//! SIGKILL at random moments of a run that checkpoints every step: `LATEST` always loads, and the run goes on.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use narrows_tensor::Key;
use narrows_train::Checkpoints;

use crate::linear::{Linear, Plane};
use crate::resume::go;
use crate::run::config;

/// The directory in which the helper process trains.
const DIRECTORY: &str = "NARROWS_TEST_KILLED_RUN";

/// Not a test of its own: what the process that is killed does.
#[test]
#[ignore = "started by the kill tests, with a directory"]
fn run_until_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let mut config = config(1_000_000);
    config.checkpoint_every = std::num::NonZeroU64::new(1);
    go(&directory, &mut Linear::new(6, 2), &mut Plane::new(1), &config, 0);
}

fn kill_and_load(times: u64) {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(directory.path(), "test").unwrap();
    let mut last = 0;
    for time in 0..times {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::run_until_killed", "--ignored"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Once the process has moved on, a random moment within some steps.
        let pointer = directory.path().join("LATEST");
        let before = std::fs::read(&pointer).ok();
        while std::fs::read(&pointer).ok() == before {
            assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut micros = [0.0];
        narrows_tensor::random::fill_uniform(&Key::new(time), &mut micros);
        std::thread::sleep(Duration::from_micros((micros[0] * 60_000.0) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        let step = checkpoints.latest().unwrap().expect("a checkpoint").step();
        assert!(step > last, "the run did not go on from step {last}");
        last = step;
        checkpoints.best().unwrap();
    }
}

#[test]
fn twenty_kills_lose_nothing() {
    kill_and_load(20);
}

#[test]
#[ignore = "takes half a minute; the gate runs twenty kills"]
fn two_hundred_kills_lose_nothing() {
    kill_and_load(200);
}
