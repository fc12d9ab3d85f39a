//! Training rows of which some are anomalies.

use std::fmt::Write as _;

use crate::scene::Scene;

/// Two columns that follow a third; of `every` rows the last is an anomaly, all anomalies much alike.
fn sensors(rows: usize, offset: usize, every: usize) -> String {
    let mut text = String::from("a,b,c,state\n");
    for row in offset..offset + rows {
        let wave = |speed: f64| (row as f64 * speed).sin();
        let strange = row % every == every - 1;
        let (a, b, c) = if strange {
            (1.5 + 0.02 * wave(1.3), -1.5 + 0.02 * wave(1.7), 1.5 + 0.02 * wave(2.3))
        } else {
            let a = wave(0.731);
            (a, a + 0.1 * wave(1.93), -a + 0.1 * wave(3.37))
        };
        writeln!(text, "{a:.4},{b:.4},{c:.4},{}", u8::from(strange)).unwrap();
    }
    text
}

/// The average precision on new rows of a detector that was trained on a table with anomalies.
fn precision(scene: &Scene, run: &str, options: &[&str]) -> f64 {
    let small = ["--steps", "300", "--batch", "128", "--set", "model.dae.widths=[48]", "--set", "model.dae.code=24"];
    let train = ["train", "train.csv", "--task", "anomaly", "--label", "state", "--out", run];
    scene.succeeds(&[&train[..], &small, options].concat());
    let found = scene.succeeds(&["evaluate", run, "test.csv", "--label", "state", "--json"]);
    serde_json::from_str::<serde_json::Value>(&found).unwrap()["detection"]["average_precision"].as_f64().unwrap()
}

#[test]
fn a_group_of_anomalies_among_the_training_rows_is_not_learnt() {
    let scene = Scene::new();
    scene.write("train.csv", sensors(1_200, 0, 20));
    scene.write("test.csv", sensors(400, 5_000, 10));
    let learnt = precision(&scene, "learnt", &[]);
    let trimmed = precision(&scene, "trimmed", &["--set", "detect.trim=0.07"]);
    assert!(trimmed > 0.99 && trimmed > learnt + 0.2, "average precision {trimmed} with trimming and {learnt} without");
}

#[test]
fn a_share_that_cannot_be_is_refused_and_so_are_windows() {
    let scene = Scene::new();
    scene.write("train.csv", sensors(200, 0, 20));
    for share in ["0.5", "-0.1", "nan"] {
        let train =
            ["train", "train.csv", "--task", "anomaly", "--set", &format!("detect.trim={share}"), "--out", "run"];
        scene.fails(&train, 2, &["trim", "from 0 to below 0.5"]);
    }
    let windows = ["--time", "a", "--window", "4", "--set", "detect.trim=0.05", "--out", "run"];
    scene.fails(&[&["train", "train.csv", "--task", "anomaly"][..], &windows].concat(), 2, &["trim", "train.trim"]);
}
