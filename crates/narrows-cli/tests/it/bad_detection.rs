//! Rows that are not as in training: `narrows detect` scores the others, keeps every row, and says what is wrong.

use std::fmt::Write as _;

use serde_json::Value;

use crate::detection::{detector, get, normal, rows};
use crate::scene::{BRIEF, Scene};

/// Runs `detect` with `--json`; gives what it found, the rows it wrote, and what it said.
fn detect(scene: &Scene, run: &str, data: &str, more: &[&str]) -> (Value, Vec<Vec<(String, String)>>, String) {
    let arguments = [&["detect", run, data, "-o", "out.csv", "--force", "--json"][..], more].concat();
    let output = scene.command(&arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let found = serde_json::from_slice(&output.stdout).unwrap();
    (found, rows(&String::from_utf8(scene.read("out.csv")).unwrap()), said)
}

/// `normal` with the cells of one row replaced: `(row, column, cell)`.
fn with_cells(count: usize, cells: &[(usize, usize, &str)]) -> String {
    let text = normal(count, 6_000);
    let mut lines: Vec<Vec<String>> = text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    for (row, column, cell) in cells {
        (*cell).clone_into(&mut lines[row + 1][*column]);
    }
    lines.iter().fold(String::new(), |all, cells| all + &cells.join(",") + "\n")
}

#[test]
fn a_new_category_is_an_alarm_that_names_column_and_value() {
    let scene = Scene::new();
    scene.write("new.csv", with_cells(60, &[(7, 4, "broken"), (31, 4, "offline")]));
    let run = detector().to_str().unwrap();
    let (found, rows, said) = detect(&scene, run, "new.csv", &["--explain"]);
    assert_eq!(found["unseen"], serde_json::json!({ "mode": 2 }), "{found}");
    assert!(said.contains("column `mode`: 2 values that no training row had"), "{said}");
    for (row, value) in [(7, "broken"), (31, "offline")] {
        let cells = &rows[row];
        assert_eq!(get(cells, "anomaly"), "true", "{cells:?}");
        assert_eq!((get(cells, "reason_1"), get(cells, "observed_1")), ("mode", value));
        assert!(["on", "off", "idle"].contains(&get(cells, "expected_1")), "{cells:?}");
        assert!(get(cells, "share_1").parse::<f64>().unwrap() > 0.5, "{cells:?}");
    }
    let others = rows.iter().filter(|row| get(row, "anomaly") == "true").count();
    assert!(others <= 4, "{others} alarms");
}

/// Trains a small detector on `train.csv`.
fn train(scene: &Scene, more: &[&str]) {
    let train = ["train", "train.csv", "--task", "anomaly", "--model", "linear-ae", "--latent", "1", "--out", "run"];
    scene.succeeds(&[&train[..], &BRIEF, more].concat());
}

#[test]
fn a_column_that_was_constant_or_empty_in_training_raises_an_alarm_when_it_changes() {
    let scene = Scene::new();
    let table = |rows: std::ops::Range<usize>, cells: &dyn Fn(usize) -> String| {
        rows.fold(String::from("a,b,unit,site,note\n"), |mut text, row| {
            let a = (row as f64 * 0.7).sin();
            writeln!(text, "{a:.4},{:.4},{}", 2.0 * a + 0.1 * (row as f64 * 3.1).cos(), cells(row)).unwrap();
            text
        })
    };
    scene.write("train.csv", table(0..400, &|_| "7,north,".into()));
    train(&scene, &[]);
    let changed =
        |row: usize| -> String { ["7,north,", "8,north,", "7,south,", "7,north,3", "7,north,"][row % 5].into() };
    scene.write("new.csv", table(0..5, &changed));
    let (found, rows, said) = detect(&scene, "run", "new.csv", &["--explain", "--fpr", "0.05"]);
    assert_eq!(found["unseen"], serde_json::json!({ "unit": 1, "site": 1, "note": 1 }), "{found}");
    assert!(said.contains("`unit`") && said.contains("`site`") && said.contains("`note`"), "{said}");
    let reasons: Vec<[&str; 4]> =
        rows.iter().map(|row| ["anomaly", "reason_1", "observed_1", "expected_1"].map(|name| get(row, name))).collect();
    assert_eq!(reasons[1], ["true", "unit", "8", "7"]);
    assert_eq!(reasons[2], ["true", "site", "south", "north"]);
    assert_eq!(reasons[3], ["true", "note", "3", ""]);
    assert_eq!([reasons[0][0], reasons[4][0]], ["false", "false"]);
}

#[test]
fn garbage_in_a_cell_is_missing_and_a_line_of_other_length_has_no_score() {
    let scene = Scene::new();
    let mut text = with_cells(40, &[(3, 1, "garbage"), (9, 3, "inf")]);
    text = text.replacen("\nk6020,", "\nk6020,1,1,", 1);
    scene.write("new.csv", &text);
    let (found, rows, said) = detect(&scene, detector().to_str().unwrap(), "new.csv", &["--keep", "key"]);
    assert_eq!(
        (found["rows"].as_u64(), found["unscored"].as_u64(), found["blank"].as_u64()),
        (Some(40), Some(1), Some(1))
    );
    assert_eq!((&found["unreadable"]["cells"], &found["unreadable"]["lines"]), (&2.into(), &1.into()), "{found}");
    for part in ["line 5, column `load`", "garbage", "line 11, column `speed`", "line 22: 7 cells, expected 5"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(said.contains("counted as missing: 2 cells") && said.contains("without a score: 1 line"), "{said}");
    assert_eq!(rows.len(), 40);
    for (row, cells) in rows.iter().enumerate() {
        let lost = row == 20;
        assert_eq!(get(cells, "key"), if lost { String::new() } else { format!("k{}", 6_000 + row) });
        assert_eq!(get(cells, "score").is_empty() && get(cells, "anomaly").is_empty(), lost, "{cells:?}");
    }
}

#[test]
fn garbage_keeps_no_file_from_its_figures() {
    let scene = Scene::new();
    let text = with_cells(40, &[(3, 1, "garbage")]);
    let labelled = text.lines().enumerate().map(|(at, line)| match at {
        0 => format!("{line},y"),
        _ => format!("{line},{}", u8::from(at % 10 == 0)),
    });
    scene.write("new.csv", labelled.collect::<Vec<String>>().join("\n"));
    let output = scene
        .command(&["evaluate", detector().to_str().unwrap(), "new.csv", "--label", "y", "--json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("line 5, column `load`"), "{said}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["detection"]["rows"], &found["detection"]["anomalies"]), (&40.into(), &4.into()), "{found}");
}

#[test]
fn a_column_without_any_value_is_told() {
    let scene = Scene::new();
    let text = normal(30, 6_000);
    let lines = text.lines().enumerate().map(|(at, line)| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells[2] = if at == 0 { "heat" } else { "" };
        cells.join(",")
    });
    scene.write("new.csv", lines.collect::<Vec<String>>().join("\n"));
    let (found, rows, said) = detect(&scene, detector().to_str().unwrap(), "new.csv", &[]);
    assert_eq!((&found["empty_columns"], rows.len()), (&serde_json::json!(["heat"]), 30), "{found}");
    assert!(said.contains("column `heat`: no row has a value"), "{said}");
}

/// A log whose row `back` and all behind it are an hour earlier.
fn log(rows: usize, back: usize) -> String {
    (0..rows).fold(String::from("time,a,b\n"), |mut text, row| {
        let minute = row + 120 - if row >= back { 60 } else { 0 };
        let a = (row as f64 * 0.7).sin();
        writeln!(text, "2026-01-01 {:02}:{:02}:00,{a:.4},{:.4}", minute / 60, minute % 60, 3.0 - a).unwrap();
        text
    })
}

#[test]
fn windows_give_all_rows_back_and_tell_of_a_clock_that_goes_backwards() {
    let scene = Scene::new();
    scene.write("train.csv", log(600, 600));
    train(&scene, &["--time", "time", "--window", "8"]);
    scene.write("short.csv", log(5, 5));
    let (found, rows, said) = detect(&scene, "run", "short.csv", &["--explain"]);
    assert_eq!((found["rows"].as_u64(), found["unscored"].as_u64(), rows.len()), (Some(5), Some(5), 5), "{found}");
    assert!(rows.iter().all(|row| get(row, "score").is_empty() && get(row, "anomaly").is_empty()));
    assert!(said.contains("5 rows cannot fill a window of 8"), "{said}");
    scene.write("back.csv", log(40, 30));
    let (found, rows, said) = detect(&scene, "run", "back.csv", &[]);
    assert_eq!((found["backwards"].as_u64(), rows.len()), (Some(1), 40), "{found}");
    let told = "back.csv: line 32: time goes backwards, from 2026-01-01T02:29:00Z to 2026-01-01T01:30:00Z";
    assert!(said.contains(told), "{said}");
    scene.write("train.csv", log(600, 300));
    let again = ["train", "train.csv", "--task", "anomaly", "--model", "linear-ae", "--latent", "1", "--out", "again"];
    let windows = ["--time", "time", "--window", "8"];
    let output = scene.command(&[&again[..], &BRIEF, &windows].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("line 302: time goes backwards"), "{said}");
}
