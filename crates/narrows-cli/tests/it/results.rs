//! Results: one JSON object on stdout, the same bytes for the same seed, and nothing else.

use serde_json::Value;

use crate::scene::{BRIEF, Scene, model};

fn json(text: &str) -> Value {
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    let value: Value = serde_json::from_str(text).unwrap();
    assert!(value.is_object(), "{text}");
    value
}

#[test]
fn with_json_stdout_is_one_object() {
    let scene = Scene::with_table();
    let train = ["train", "t.csv", "--label", "label", "--latent", "2", "--json", "--out"];
    let trained = json(&scene.succeeds(&[&train[..], &["run"], &BRIEF].concat()));
    assert_eq!((&trained["steps"], &trained["held_out"]["split"]), (&12.into(), &"test".into()));
    let evaluated = json(&scene.succeeds(&["evaluate", "run", "t.csv", "--json"]));
    assert_eq!(evaluated["model"]["samples"], 60);
    assert!(evaluated["pca"]["squared_error"].as_f64().is_some());
    let inspected = json(&scene.succeeds(&["inspect", "run", "--json"]));
    assert_eq!((&inspected["what"], &inspected["latest"]), (&"run".into(), &"step-12".into()));
    for arguments in [["inspect", "run/model.safetensors"], ["describe", "ae"], ["data", "list"]] {
        json(&scene.succeeds(&[&arguments[..], &["--json"]].concat()));
    }
    for verb in ["models", "doctor"] {
        json(&scene.succeeds(&[verb, "--json"]));
    }
}

#[test]
fn quiet_leaves_stderr_empty() {
    let scene = Scene::with_table();
    let arguments = [&["train", "t.csv", "--latent", "2", "--quiet", "--out", "run"][..], &BRIEF].concat();
    let output = scene.command(&arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("PCA"));
}

#[test]
fn the_same_seed_gives_the_same_bytes_at_any_number_of_threads() {
    let scene = Scene::with_table();
    let train = ["train", "t.csv", "--label", "label", "--latent", "2"];
    let run = |extra: [&str; 6]| scene.succeeds(&[&train[..], &BRIEF, &extra].concat());
    run(["--seed", "5", "--threads", "1", "--out", "one"]);
    run(["--seed", "5", "--threads", "2", "--out", "two"]);
    run(["--seed", "6", "--threads", "2", "--out", "other"]);
    let model = |run: &str| scene.read(&format!("{run}/model.safetensors"));
    assert!(model("one") == model("two"), "threads change the model");
    assert!(model("one") != model("other"), "the seed does not matter");
    let digits = ["train", "digits", "--model", "conv-ae", "--latent", "4", "--steps", "3", "--batch", "64"];
    for threads in ["1", "2"] {
        scene.succeeds(&[&digits[..], &["--threads", threads, "--out", &format!("digits-{threads}")]].concat());
    }
    // More threads than most machines that run tests have cores.
    let mut pooled = scene.command(&[&digits[..], &["--out", "digits-3"]].concat());
    assert!(pooled.env("RAYON_NUM_THREADS", "3").output().unwrap().status.success());
    assert!(model("digits-1") == model("digits-3"), "threads of the pool change the model");
    assert!(model("digits-1") == model("digits-2"), "threads change the model");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scene = Scene::new();
    for arguments in [&["schema"][..], &["models", "--json"], &["describe", "ae"], &["data", "list"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = scene.command(arguments).arg("--quiet").stdout(writer).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && error.is_empty(), "{arguments:?}: {} {error}", output.status);
    }
}

#[test]
fn tables_come_through_standard_input_and_output() {
    let scene = Scene::with_table();
    scene.succeeds(&["encode", model(), "t.csv", "-o", "codes.csv"]);
    let input = std::fs::File::open(scene.path("t.csv")).unwrap();
    let output = scene.command(&["encode", model(), "-", "-o", "-"]).stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, scene.read("codes.csv"));
}
