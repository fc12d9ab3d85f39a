//! Damaged, foreign and old checkpoints.

use std::fs;
use std::path::Path;

use narrows_train::{Checkpoints, Error, State, TrainConfig, Validation, fit};

use crate::linear::{Linear, Plane};
use crate::resume::{go, last_bytes};
use crate::run::{Script, config};

fn run(directory: &Path, config: &TrainConfig) -> Checkpoints {
    go(directory, &mut Linear::new(6, 2), &mut Plane::new(1), config, 0);
    Checkpoints::open(directory, "test").unwrap()
}

#[test]
fn every_damaged_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = run(directory.path(), &config(8));
    let path = checkpoints.latest().unwrap().unwrap().path().to_owned();
    for (name, bytes) in last_bytes(directory.path()) {
        let file = path.join(&name);
        let refused = |what: &str| {
            let error = checkpoints.latest().unwrap_err();
            assert!(matches!(&error, Error::Damaged { path, .. } if *path == file), "{name} {what}: {error}");
        };
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            fs::write(&file, flipped).unwrap();
            refused("with a flipped bit");
        }
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        refused("cut");
        if name != "SHA256SUMS" {
            fs::remove_file(&file).unwrap();
            refused("removed");
        }
        fs::write(&file, &bytes).unwrap();
    }
    assert_eq!(checkpoints.latest().unwrap().unwrap().step(), 8);
}

#[test]
fn a_damaged_pointer_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = run(directory.path(), &config(8));
    for text in ["", "step-", "step-08", "../elsewhere"] {
        fs::write(directory.path().join("LATEST"), text).unwrap();
        let error = checkpoints.latest().unwrap_err().to_string();
        assert!(error.contains("LATEST") && error.contains("step-100"), "{error}");
    }
}

#[test]
fn the_checkpoint_of_another_configuration_or_model_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (config, checkpoints) = (config(8), run(directory.path(), &config(8)));
    let other = Checkpoints::open(directory.path(), "other").unwrap();
    assert!(matches!(other.latest(), Err(Error::OtherRun { .. })));
    let latest = || checkpoints.latest().unwrap().unwrap();
    assert!(matches!(latest().restore(&Linear::new(6, 3), &config), Err(Error::Tensor(_))));
    let sgd = serde_json::from_str(r#"{"optimizer": {"sgd": {}}, "ema": 0.9}"#).unwrap();
    assert!(matches!(latest().restore(&Linear::new(6, 2), &sgd), Err(Error::OptimizerState { .. })));
    let averageless = TrainConfig { ema: None, ..config };
    assert!(matches!(latest().restore(&Linear::new(6, 2), &averageless), Err(Error::OtherRun { .. })));
}

#[test]
fn the_last_two_and_the_best_stay() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(directory.path(), "test").unwrap();
    let config = serde_json::from_str(r#"{"steps": 12, "checkpoint-every": 1, "evaluate-every": 2}"#).unwrap();
    let mut model = Linear::new(6, 2);
    let mut state = State::new(&model, &config).unwrap();
    let mut script = Script(vec![5.0, 1.0, 4.0, 3.0, 2.0, 2.0].into_iter());
    let validation: Option<&mut dyn Validation> = Some(&mut script);
    fit(&mut model, &mut Plane::new(1), validation, &config, &mut state, Some(&checkpoints), &mut []).unwrap();
    assert_eq!(checkpoints.best().unwrap().unwrap().step(), 4);
    let names = fs::read_dir(directory.path().join("checkpoints")).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["step-11", "step-12", "step-4"]);
    assert_eq!(fs::read_to_string(directory.path().join("LATEST")).unwrap(), "step-12\n");
    assert_eq!(fs::read_to_string(directory.path().join("BEST")).unwrap(), "step-4\n");
}
