//! A log of JSON objects, one a line, from training to alarms.

use std::fmt::Write as _;

use crate::detection::{get, rows};
use crate::scene::Scene;

/// Two numbers that follow each other, and a state; of row 70 the second belongs to another first.
fn log(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, row| {
        let wave = (row as f64 * 0.731).sin();
        let heat = if row == 70 { 3.0 } else { 2.0 * wave };
        writeln!(text, "{{\"load\": {wave:.4}, \"heat\": {heat:.4}, \"state\": \"{}\"}}", ["on", "off"][row % 2])
            .unwrap();
        text
    })
}

#[test]
fn a_log_of_objects_is_trained_on_and_scored() {
    let scene = Scene::new();
    scene.write("normal.jsonl", log(60).repeat(5));
    let mut lines: Vec<String> = log(80).lines().map(str::to_owned).collect();
    lines.insert(20, "rebooted".to_owned());
    scene.write("new.jsonl", lines.join("\n") + "\n");
    scene.succeeds(&["train", "normal.jsonl", "--task", "anomaly", "--steps", "300", "--out", "run"]);
    let args = ["detect", "run", "new.jsonl", "-o", "out.csv", "--fpr", "0.05", "--explain"];
    let told = scene.command(&args).output().unwrap();
    assert!(told.status.success());
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("line 21: no JSON object"), "{told}");
    let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
    assert_eq!(found.len(), 81);
    assert_eq!(get(&found[71], "anomaly"), "true");
    assert!(["load", "heat"].contains(&get(&found[71], "reason_1")));
    scene.fails(&["train", "new.jsonl", "--out", "other"], 3, &["line 21: no JSON object", "mend or remove"]);
}
