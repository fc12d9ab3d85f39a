//! The catalogue, configurations to start from, help for shells, and the state of the machine.

use serde_json::Value;

use crate::scene::{BRIEF, Scene};

fn json(scene: &Scene, arguments: &[&str]) -> Value {
    serde_json::from_str(&scene.succeeds(&[arguments, &["--json"]].concat())).unwrap()
}

#[test]
fn every_model_is_listed_and_described() {
    let scene = Scene::new();
    let models = json(&scene, &["models"]);
    let table = scene.succeeds(&["models"]);
    for model in models["models"].as_array().unwrap() {
        let name = model["name"].as_str().unwrap();
        assert!(table.contains(name));
        assert_eq!(&json(&scene, &["describe", name]), model);
        let text = scene.succeeds(&["describe", name]);
        for part in [&model["title"], &model["paper"]["authors"]] {
            assert!(text.contains(part.as_str().unwrap()), "{text}");
        }
        for option in model["options"].as_array().unwrap() {
            assert!(text.contains(&format!("  {}: ", option["name"].as_str().unwrap())), "{text}");
        }
    }
}

#[test]
fn a_configuration_to_start_from_trains_as_if_it_were_not_there() {
    let scene = Scene::with_table();
    let train = |extra: &[&str]| scene.succeeds(&[&["train", "t.csv", "--latent", "2"], &BRIEF[..], extra].concat());
    for model in ["linear-ae", "ae"] {
        scene.write("c.toml", scene.succeeds(&["init", "--model", model]));
        let (with, without) = (format!("with-{model}"), format!("without-{model}"));
        train(&["--config", "c.toml", "--out", &with]);
        train(&["--model", model, "--out", &without]);
        let model = |run: &str| scene.read(&format!("{run}/model.safetensors"));
        assert!(model(&with) == model(&without), "the file changes the run");
    }
    scene.write("any.toml", scene.succeeds(&["init"]));
    train(&["--config", "any.toml", "--out", "any"]);
    scene.write("run.toml", scene.read("any/run.toml"));
    scene.succeeds(&["train", "--config", "run.toml", "--out", "again"]);
    assert!(scene.read("any/model.safetensors") == scene.read("again/model.safetensors"), "run.toml is another run");
    scene.fails(&["init", "--model", "aee"], 2, &["did you mean `ae`"]);
}

#[test]
fn the_schema_names_every_section() {
    let scene = Scene::new();
    let schema: Value = serde_json::from_str(&scene.succeeds(&["schema"])).unwrap();
    for section in ["data", "model", "train"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
}

#[test]
fn shells_and_manuals_know_every_verb() {
    let scene = Scene::new();
    let help = scene.succeeds(&["--help"]);
    for verb in ["train", "evaluate", "inspect", "data", "describe"] {
        assert!(help.contains(&format!("  {verb} ")), "{help}");
        for shell in ["bash", "zsh", "fish"] {
            assert!(scene.succeeds(&["completions", shell]).contains(verb), "{shell} {verb}");
        }
    }
    scene.succeeds(&["man", "pages"]);
    let page = String::from_utf8(scene.read("pages/narrows-train.1")).unwrap();
    assert!(page.contains("latent") && scene.exists("pages/narrows-data-fetch.1"));
    scene.fails(&["man", "pages"], 2, &["pages/narrows.1: exists already"]);
    scene.succeeds(&["man", "pages", "--force"]);
}

#[test]
fn datasets_are_listed_described_and_fetched() {
    let scene = Scene::with_table();
    let list = json(&scene, &["data", "list"]);
    let digits = list["datasets"].as_array().unwrap().iter().find(|dataset| dataset["name"] == "digits").unwrap();
    assert_eq!((&digits["here"], &digits["bytes"]), (&true.into(), &0.into()));
    scene.succeeds(&["data", "fetch", "digits"]);
    let digits = json(&scene, &["data", "describe", "digits"]);
    assert_eq!((&digits["rows"], &digits["sample"]["image"]["height"]), (&1797.into(), &8.into()));
    let table = json(&scene, &["data", "describe", "t.csv"]);
    let column = |place: usize| &table["columns"][place];
    assert_eq!((&table["rows"], &column(0)["kind"], &column(3)["levels"]), (&60.into(), &"number".into(), &2.into()));
    let text = scene.succeeds(&["data", "describe", "t.csv"]);
    assert!(text.contains("60 rows") && text.contains("kind"), "{text}");
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let scene = Scene::new();
    let checkup = json(&scene, &["doctor", "--threads", "1"]);
    assert_eq!((&checkup["threads"], &checkup["datasets"]), (&1.into(), &serde_json::json!(["digits"])));
    assert!(scene.succeeds(&["doctor"]).contains("narrows"));
    scene.write("file", "");
    let output = scene.command(&["doctor", "--data-dir", "file/data"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write in"));
}
