//! `narrows compare`, and PCA beside models whose code is as wide as the data.

use serde_json::Value;

use crate::scene::Scene;

fn standings(scene: &Scene, models: &str, seed: &str) -> Vec<Value> {
    let budget = ["--steps", "5", "--batch", "64", "--seeds", "1", "--seed", seed, "--json"];
    let board = scene.succeeds(&[&["compare", "digits", "--models", models][..], &budget].concat());
    let board: Value = serde_json::from_str(&board).unwrap();
    board["standings"].as_array().unwrap().clone()
}

/// A figure of a model on the board.
fn of(standings: &[Value], model: &str, figure: &str) -> Value {
    standings.iter().find(|standing| standing["name"] == model).unwrap()[figure].clone()
}

#[test]
fn every_model_stands_with_its_own_code() {
    let scene = Scene::new();
    for models in ["top-k,ae", "ae,top-k"] {
        let standings = standings(&scene, models, "0");
        assert_eq!((of(&standings, "ae", "code"), of(&standings, "top-k", "code")), (8.into(), 512.into()), "{models}");
    }
    scene.fails(&["compare", "digits", "--models", "ae,vae,ae"], 2, &["`ae` is named twice", "--seeds"]);
}

#[test]
fn seeds_count_from_the_one_given() {
    let scene = Scene::new();
    let error = |seed: &str| of(&standings(&scene, "ae", seed), "ae", "squared_error");
    assert_eq!(error("3"), error("3"));
    assert_ne!(error("3"), error("4"));
}

#[test]
fn as_many_principal_components_as_values_are_no_rival() {
    let scene = Scene::new();
    let train = ["train", "digits", "--model", "dae", "--steps", "5", "--batch", "64", "--out", "run"];
    for (latent, complete) in [("64", true), ("8", false)] {
        scene.succeeds(&[&train[..], &["--latent", latent, "--force"]].concat());
        let table = scene.succeeds(&["evaluate", "run", "digits"]);
        assert_eq!(table.contains("all 64 components, which copy their input"), complete, "{table}");
        let page = String::from_utf8(scene.read("run/report.html")).unwrap();
        assert_eq!(page.contains("copy their input"), complete);
        assert_eq!(page.contains("Use PCA"), !complete);
    }
}
