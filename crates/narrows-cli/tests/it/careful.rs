//! What must not happen to somebody's files, rates and terminals.

use std::fmt::Write as _;

use crate::detection::{detector, normal};
use crate::scene::{BRIEF, Scene};

/// A log of `rows` minutes.
fn log(rows: usize) -> String {
    (0..rows).fold(String::from("time,level\n"), |mut text, row| {
        let level = (row as f64 * 0.3).sin();
        writeln!(text, "2026-01-01T{:02}:{:02}:00Z,{level:.4}", row / 60, row % 60).unwrap();
        text
    })
}

#[test]
fn what_is_read_is_not_written_over() {
    let scene = Scene::new();
    let text = normal(30, 6_000);
    scene.write("new.csv", &text);
    let run = detector().to_str().unwrap();
    for arguments in [
        &["detect", run, "new.csv", "-o", "new.csv", "--force"][..],
        &["detect", run, "new.csv", "-o", "./new.csv", "--force", "--follow"],
        &["detect", run, "new.csv", "-o", "out.csv", "--force", "--chart", "new.csv"],
        &["encode", run, "new.csv", "-o", "new.csv", "--force"],
        &["reconstruct", run, "new.csv", "-o", "new.csv", "--force"],
        &["denoise", run, "new.csv", "-o", "new.csv", "--force"],
        &["denoise", run, "new.csv", "-o", "out.csv", "--add-noise", "1", "--noisy", "new.csv", "--force"],
    ] {
        scene.fails(arguments, 2, &["new.csv: both read and written", "another file"]);
        assert_eq!(scene.read("new.csv"), text.as_bytes(), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_takes_no_message_is_no_panic() {
    let scene = Scene::new();
    scene.write("new.csv", normal(30, 6_000));
    let run = detector().to_str().unwrap();
    let code = |arguments: &[&str]| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        scene.command(arguments).stderr(full).status().unwrap().code()
    };
    assert_eq!(code(&["detect", run, "new.csv", "-o", "out.csv"]), Some(0));
    assert_eq!(code(&["detect", run, "new.csv", "-o", "out.csv"]), Some(2));
    assert_eq!(code(&["detect", run, "none.csv", "-o", "other.csv"]), Some(3));
}

#[test]
fn windows_that_held_out_rows_cannot_fill_are_refused_before_training() {
    let scene = Scene::new();
    scene.write("log.csv", log(250));
    let train = ["train", "log.csv", "--task", "anomaly", "--time", "time", "--steps", "5", "--out", "run"];
    let said = scene.fails(&[&train[..], &["--window", "64"]].concat(), 3, &["25 rows", "at least 64", "--window"]);
    assert!(said.contains("data.split.fractions") && !scene.exists("run/model.safetensors"), "{said}");
    // There are fewer windows than rows: a batch has no more of them.
    scene.succeeds(&[&train[..], &["--window", "16", "--force"]].concat());
}

#[test]
fn a_rate_that_held_out_rows_cannot_show_is_told() {
    let scene = Scene::new();
    scene.write("n.csv", normal(60, 0));
    scene.write("new.csv", normal(30, 6_000));
    scene.succeeds(&[&["train", "n.csv", "--task", "anomaly", "--out", "run"][..], &BRIEF].concat());
    let detect = |more: &[&str]| {
        let output = scene.command(&[&["detect", "run", "new.csv", "-o", "out.csv", "--force"], more].concat());
        String::from_utf8({ output }.output().unwrap().stderr).unwrap()
    };
    let said = detect(&[]);
    assert!(said.contains("instead of 0.01") && said.contains("only 6 rows were held out"), "{said}");
    assert!(!detect(&["--from-score", "3"]).contains("held out"));
}

#[test]
fn numbers_that_are_none_are_refused() {
    let scene = Scene::new();
    scene.write("n.csv", normal(60, 0));
    let run = detector().to_str().unwrap();
    scene.fails(&["detect", run, "n.csv", "-o", "out.csv", "--from-score", "nan"], 2, &["finite number"]);
    let train = ["train", "n.csv", "--task", "anomaly", "--out", "run", "--contamination"];
    for share in ["1.5", "nan"] {
        scene.fails(&[&train[..], &[share]].concat(), 2, &["contamination"]);
    }
}
