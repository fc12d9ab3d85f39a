//! One-class models in `narrows train` and `narrows detect`.

use std::fmt::Write as _;

use narrows::Model;

use crate::scene::Scene;

/// Four sensors of which two follow the others; every tenth row is an anomaly that breaks this.
fn sensors(rows: usize, offset: usize, anomalies: bool) -> String {
    let mut text = String::from("a,b,c,d,state\n");
    for row in offset..offset + rows {
        let wave = |speed: f64| (row as f64 * speed).sin();
        let (a, b) = (wave(0.731), wave(1.93));
        let (mut c, d) = (a + b + 0.05 * wave(3.37), a - b + 0.05 * wave(5.11));
        let broken = anomalies && row % 10 == 3;
        if broken {
            c = -c + if c > 0.0 { -0.5 } else { 0.5 };
        }
        writeln!(text, "{a:.4},{b:.4},{c:.4},{d:.4},{}", u8::from(broken)).unwrap();
    }
    text
}

fn numbers(text: &str, column: &str) -> Vec<f64> {
    let mut lines = text.lines();
    let place = lines.next().unwrap().split(',').position(|name| name == column).unwrap();
    lines.map(|line| line.split(',').nth(place).unwrap().parse().unwrap()).collect()
}

#[test]
fn the_score_of_a_one_class_model_is_the_distance_from_its_centre() {
    let scene = Scene::new();
    scene.write("train.csv", sensors(1_500, 0, false));
    scene.write("test.csv", sensors(400, 5_000, true));
    let train = ["train", "train.csv", "--task", "anomaly", "--model", "svdd", "--label", "state", "--latent", "3"];
    scene.succeeds(&[&train[..], &["--steps", "600", "--batch", "128", "--out", "run"]].concat());
    scene.succeeds(&["detect", "run", "test.csv", "-o", "scores.csv"]);
    scene.succeeds(&["encode", "run", "test.csv", "-o", "codes.csv"]);
    let text = |name: &str| String::from_utf8(scene.read(name)).unwrap();
    let scores = numbers(&text("scores.csv"), "score");
    let network = Model::load(&scene.path("run")).unwrap().network;
    let size = network.spec().code.elements();
    let centre = network.parameters().buffer("sphere.centre").unwrap().to_vec1::<f32>().unwrap();
    assert!(centre.len() == 3 && centre.iter().all(|component| component.abs() >= 0.1), "{centre:?}");
    let codes = text("codes.csv");
    let names: Vec<&str> = codes.lines().next().unwrap().split(',').collect();
    let columns: Vec<Vec<f64>> = names[names.len() - size..].iter().map(|name| numbers(&codes, name)).collect();
    let distance = |row: usize| {
        let squares = columns.iter().zip(&centre).map(|(column, centre)| (column[row] - f64::from(*centre)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    // One unit for all rows: the mean distance of training rows.
    let unit = scores[7] / distance(7);
    for (row, score) in scores.iter().enumerate() {
        assert!((score / (unit * distance(row)) - 1.0).abs() < 1e-3, "row {row}: {score} for {}", unit * distance(row));
    }
    let output = scene.command(&["denoise", "run", "test.csv", "-o", "clean.csv"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("one centre") && told.contains("`dae`"), "{told}");
    let found = scene.succeeds(&["evaluate", "run", "test.csv", "--label", "state", "--json"]);
    let found = &serde_json::from_str::<serde_json::Value>(&found).unwrap()["detection"];
    assert!(found["auroc"].as_f64().unwrap() > 0.95, "{found}");
}
