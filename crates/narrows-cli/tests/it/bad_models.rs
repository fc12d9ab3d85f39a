//! Damaged and foreign models and checkpoints: told by their checksums, refused by name.

use std::fs;

use crate::files::{floats, npy};
use crate::scene::{BRIEF, Scene, copy_of_trained, model, table, trained};

#[test]
fn a_damaged_model_is_told_by_its_checksum() {
    let scene = Scene::with_table();
    let whole = fs::read(trained().join("model.safetensors")).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    scene.write("changed.safetensors", changed);
    let parts = ["changed.safetensors: damaged: its content does not match its checksum"];
    scene.fails(&["evaluate", "changed.safetensors", "t.csv"], 3, &parts);
    scene.fails(&["inspect", "changed.safetensors"], 3, &parts);
    let mut document = whole.clone();
    let place = document.windows(4).position(|bytes| bytes == b"seed").unwrap();
    document[place..place + 4].copy_from_slice(b"deed");
    scene.write("document.safetensors", document);
    scene.fails(&["encode", "document.safetensors", "t.csv", "-o", "z.csv"], 3, &["document.safetensors: damaged"]);
    for length in [whole.len() - 100, 2_000, 60] {
        scene.write("cut.safetensors", &whole[..length]);
        let parts = ["cut.safetensors: damaged: cut short", &format!("{length} bytes"), "from a copy"];
        scene.fails(&["evaluate", "cut.safetensors", "t.csv"], 3, &parts);
    }
    assert!(!scene.exists("z.csv"));
}

#[test]
fn what_is_no_model_is_refused_by_name() {
    let scene = Scene::with_table();
    scene.fails(&["evaluate", "t.csv", "t.csv"], 3, &["t.csv: not a"]);
    scene.write("a.npy", npy("<f4", &[2, 2], &floats([1.0; 4])));
    scene.fails(&["evaluate", "a.npy", "t.csv"], 3, &["a.npy: not a"]);
    scene.succeeds(&["encode", model(), "t.csv", "-o", "codes.safetensors"]);
    scene.fails(&["evaluate", "codes.safetensors", "t.csv"], 3, &["codes.safetensors: not a Narrows file"]);
    scene.fails(&["inspect", "codes.safetensors"], 3, &["codes.safetensors: not a model"]);
    scene.fails(&["evaluate", "absent", "t.csv"], 3, &["absent: no model here"]);
    fs::create_dir(scene.path("empty")).unwrap();
    scene.fails(&["evaluate", "empty", "t.csv"], 3, &["empty: no model here"]);
    scene.fails(&["inspect", "empty"], 2, &["empty: no run here"]);
}

#[test]
fn a_damaged_checkpoint_is_not_resumed_from() {
    let scene = Scene::with_table();
    copy_of_trained(&scene.path("run"));
    let latest = fs::read_to_string(scene.path("run/LATEST")).unwrap();
    let weights = format!("run/checkpoints/{}/weights.safetensors", latest.trim());
    let mut bytes = scene.read(&weights);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    scene.write(&weights, bytes);
    let parts = ["weights.safetensors: damaged: its content does not match its checksum"];
    let arguments = ["train", "t.csv", "--label", "label", "--latent", "2", "--out", "run", "--resume"];
    scene.fails(&[&arguments[..], &BRIEF].concat(), 3, &parts);
    let output = scene.command(&["inspect", "run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains(parts[0]));
    assert!(String::from_utf8_lossy(&output.stdout).contains("damaged"));
}

#[test]
fn codes_of_another_size_and_data_of_another_kind() {
    let scene = Scene::with_table();
    scene.write("codes.csv", "z0,z1,z2\n1,2,3\n");
    scene.fails(&["decode", model(), "codes.csv", "-o", "rows.csv"], 3, &["codes.csv: codes have 3 values"]);
    assert!(!scene.exists("rows.csv"));
    scene.write("words.csv", table(10).replace("red", "0.5").replace("green", "0.25").replace("blue", "1"));
    scene.succeeds(&["evaluate", model(), "words.csv"]);
    scene.fails(&["evaluate", model(), "digits"], 3, &["digits", "model was trained on"]);
}
