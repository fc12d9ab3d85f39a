//! What must not happen to somebody's files, rates and terminals.

use std::fmt::Write as _;
use std::io::Write as _;

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

#[test]
fn options_that_contradict_each_other_are_refused() {
    let scene = Scene::new();
    scene.write("n.csv", normal(60, 0));
    scene.write("scored.csv", normal(5, 0).replace("key", "score"));
    let run = detector().to_str().unwrap();
    let detect = |input: &str, keep: &str, told: &[&str]| {
        scene.fails(&["detect", run, input, "-o", "out.csv", "--keep", keep], 2, told);
        scene.fails(&["detect", run, input, "-o", "out.csv", "--keep", keep, "--follow"], 2, told);
        assert!(!scene.exists("out.csv"));
    };
    scene.fails(&["detect", run, "n.csv", "-o", "none/out.csv"], 2, &["none, which is no directory", "make"]);
    scene.write("ids.csv", "key,load,heat,speed,mode,big\n007,50.0,100,900,on,9007199254740993\n");
    scene.succeeds(&["detect", run, "ids.csv", "-o", "ids-out.csv", "--keep", "key,big"]);
    let kept = String::from_utf8(scene.read("ids-out.csv")).unwrap();
    assert!(kept.contains("\n007,9007199254740993,"), "{kept}");
    detect("n.csv", "key,key", &["two columns called `key`"]);
    detect("scored.csv", "score", &["two columns called `score`", "rename it"]);
    let train = |more: &[&str], code, told: &[&str]| {
        let arguments = [&["train", "n.csv", "--task", "anomaly", "--out", "run"][..], more].concat();
        scene.fails(&arguments, code, told);
        assert!(!scene.exists("run/model.safetensors"), "{more:?}");
    };
    train(&["--columns", "load,heat", "--exclude", "heat"], 2, &["`heat`", "chosen", "left out"]);
    train(&["--columns", "load,mode", "--label", "mode"], 2, &["`mode`", "chosen", "label"]);
    train(&["--set", "detect.causal=true"], 2, &["causal", "--window"]);
    scene.write("few.csv", "load,key\n1,2\n");
    scene.fails(&["detect", run, "few.csv", "-o", "out.csv"], 3, &["`heat`", "so are `speed`, `mode`"]);
}

#[test]
fn means_over_gaps_and_steps_back_are_told_and_time_goes_along() {
    let scene = Scene::new();
    scene.write("log.csv", log(250));
    let train = ["train", "log.csv", "--task", "anomaly", "--time", "time", "--smooth", "4", "--steps", "5"];
    scene.succeeds(&[&train[..], &["--out", "run"]].concat());
    let detect = |text: &str, out: &str| {
        scene.write("new.csv", text);
        let output = scene.command(&["detect", "run", "new.csv", "-o", out, "--json"]).output().unwrap();
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (found, String::from_utf8(output.stderr).unwrap())
    };
    let (found, told) = detect(&log(60), "even.csv");
    assert_eq!((&found["jumps"], &found["backwards"]), (&0.into(), &0.into()), "{told}");
    assert!(scene.read("even.csv").starts_with(b"time,score,"));
    let gap: Vec<String> = log(60).lines().map(str::to_owned).collect();
    let moved = [&gap[..21], &gap[41..], &gap[21..24]].concat().join("\n") + "\n";
    let (found, told) = detect(&moved, "gap.csv");
    assert_eq!((&found["jumps"], &found["backwards"]), (&1.into(), &1.into()), "{told}");
    assert!(told.contains("jumps in 1 place, most by 1260 at line 22 where 60 is usual"), "{told}");
    assert!(told.contains("backwards in 1 place") && told.contains("sort"), "{told}");
}

#[test]
fn compressed_rows_come_through_a_pipe() {
    let scene = Scene::new();
    let rows = normal(12, 4_000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(rows.as_bytes()).unwrap();
    let run = detector().to_str().unwrap();
    let bytes = gzip.finish().unwrap();
    let output = crate::following::piped(&scene, &["detect", run, "-", "-o", "-"], &bytes);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count(), 13, "{told}");
    let followed = crate::following::piped(&scene, &["detect", run, "-", "-o", "out.csv", "--follow"], &bytes);
    let told = String::from_utf8_lossy(&followed.stderr).into_owned();
    assert!(followed.status.code() == Some(3) && told.contains("gunzip"), "{told}");
    scene.write("none.csv", "key,load,heat,speed,mode\n");
    scene.succeeds(&["detect", run, "none.csv", "-o", "none-out.csv", "--explain"]);
    assert_eq!(scene.read("none-out.csv").split(|byte| *byte == b'\n').count(), 2, "a header and no row");
    let empty = crate::following::piped(&scene, &["detect", run, "-", "-o", "out.csv", "--follow"], b"");
    let told = String::from_utf8_lossy(&empty.stderr).into_owned();
    assert!(empty.status.code() == Some(3) && told.contains("standard input: no rows"), "{told}");
}
