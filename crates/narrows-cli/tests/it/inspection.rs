//! What `inspect` tells of models, checkpoints and runs.

use serde_json::Value;

use crate::scene::{Scene, model, trained};

#[test]
fn a_model_file_and_a_checkpoint_show_their_tensors() {
    let scene = Scene::new();
    let file = trained().join("model.safetensors");
    let text = scene.succeeds(&["inspect", file.to_str().unwrap()]);
    for part in ["t.csv", "2 values", "12 with seed 0", "model.path.encode.weight", "[2, 5]", "checksum holds"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let weights = trained().join("checkpoints/step-12/weights.safetensors");
    let text = scene.succeeds(&["inspect", weights.to_str().unwrap()]);
    assert!(text.contains("checksum holds") && !text.contains("t.csv"), "{text}");
}

#[test]
fn a_run_shows_its_configuration_and_checkpoints() {
    let scene = Scene::new();
    let text = scene.succeeds(&["inspect", model()]);
    for part in ["[model.ae]", "code = 2", "step-6", "step-12", "checksums hold, latest", "explained variance"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let run: Value = serde_json::from_str(&scene.succeeds(&["inspect", model(), "--json"])).unwrap();
    assert_eq!(run["problems"], serde_json::json!([]));
    assert_eq!((&run["config"]["model"]["ae"]["code"], &run["checkpoints"][1]["step"]), (&2.into(), &12.into()));
}
