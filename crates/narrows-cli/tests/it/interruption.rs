//! Signals: the step is finished, a checkpoint written, and the resumed run is the run that was never stopped.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::scene::{Scene, table};

const TRAIN: [&str; 14] = [
    "train",
    "t.csv",
    "--label",
    "label",
    "--latent",
    "2",
    "--steps",
    "2000",
    "--set",
    "train.checkpoint-every=700",
    "--set",
    "train.evaluate-every=500",
    "--set",
    "train.log-every=5",
];

/// Starts a run in `out` and sends it `signal` when it has logged a step.
fn interrupted(scene: &Scene, out: &str, signal: &str) {
    let arguments = [&TRAIN[..], &["--out", out]].concat();
    let mut child = scene.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let log = scene.path(out).join("metrics.jsonl");
    let since = Instant::now();
    while std::fs::metadata(&log).map_or(0, |metadata| metadata.len()) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "ended before it logged");
        assert!(since.elapsed() < Duration::from_mins(1), "no step in a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(75), "{error}");
    assert!(error.contains("--resume") && output.stdout.is_empty(), "{error}");
    assert!(!scene.path(out).join("model.safetensors").exists());
    scene.fails(&["evaluate", out, "t.csv"], 3, &["the run has not ended", "--resume"]);
}

#[test]
fn a_run_that_was_stopped_and_resumed_gives_the_same_bytes() {
    let scene = Scene::new();
    scene.write("t.csv", table(200));
    scene.succeeds(&[&TRAIN[..], &["--out", "whole"]].concat());
    for (signal, out) in [("-TERM", "terminated"), ("-INT", "by-hand")] {
        interrupted(&scene, out, signal);
        scene.succeeds(&[&TRAIN[..], &["--out", out, "--resume"]].concat());
        let same = scene.read(&format!("{out}/model.safetensors")) == scene.read("whole/model.safetensors");
        assert!(same, "{signal}: another model");
        let same = scene.read(&format!("{out}/metrics.jsonl")).len() == scene.read("whole/metrics.jsonl").len();
        assert!(same, "{signal}: steps were logged twice or not at all");
    }
    let output = scene.command(&[&TRAIN[..], &["--out", "whole", "--resume"]].concat()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("all 2000 steps were done before"), "{output:?}");
}
