//! `detect.score`: rows judged by the deviance of their columns and by the bound on their likelihood.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::detection::{get, rows};
use crate::scene::{BRIEF, Scene, program};

/// A number, a category that follows from it but in rows where `y` is true, and a noisy number.
fn table(rows: std::ops::Range<usize>, odd: impl Fn(usize) -> bool) -> String {
    rows.fold(String::from("level,grade,noise,y\n"), |mut text, row| {
        let (level, noise) = ((row as f64 * 0.71).sin(), (row as f64 * 2.3).cos());
        let grade = if level < -0.4 { 0 } else { 1 + usize::from(level > 0.4) };
        let grade = if odd(row) { (grade + 1) % 3 } else { grade };
        writeln!(text, "{level:.4},{},{noise:.4},{}", ["low", "mid", "high"][grade], odd(row)).unwrap();
        text
    })
}

/// A run for each score, trained once; tests only read them.
fn run(score: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scores");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("n.csv"), table(0..1_200, |_| false)).unwrap();
        for (score, model) in [("deviance", "ae"), ("bound", "vae")] {
            let set = format!("detect.score={score}");
            let train = ["train", "n.csv", "--task", "anomaly", "--label", "y", "--model", model, "--latent", "2"];
            let small = ["--steps", "500", "--batch", "128", "--set", &set, "--set", "detect.codes=20", "--out", score];
            let output = program(&folder, &[&train[..], &small].concat()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        folder
    });
    folder.join(score)
}

#[test]
fn contradictions_between_numbers_and_categories_are_found_and_explained() {
    for score in ["deviance", "bound"] {
        let scene = Scene::new();
        scene.write("new.csv", table(7_000..7_300, |row| row % 20 == 0));
        let run = run(score);
        let run = run.to_str().unwrap();
        let found = scene.succeeds(&["evaluate", run, "new.csv", "--label", "y", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        let auroc = found["detection"]["auroc"].as_f64().unwrap();
        assert!(auroc > 0.95, "{score}: {auroc}");
        scene.succeeds(&["detect", run, "new.csv", "-o", "out.csv", "--fpr", "0.05", "--explain"]);
        let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
        let alarms: Vec<_> = found.iter().filter(|row| get(row, "anomaly") == "true").collect();
        let real: Vec<_> = found.iter().step_by(20).filter(|row| get(row, "anomaly") == "true").collect();
        assert!(real.len() >= 13 && alarms.len() - real.len() <= 28, "{score}: {} of {}", real.len(), alarms.len());
        assert!(real.iter().all(|row| ["level", "grade"].contains(&get(row, "reason_1"))), "{score}");
    }
}

#[test]
fn a_bound_is_the_same_wherever_its_row_stands() {
    let scene = Scene::new();
    let text = table(7_000..7_040, |row| row % 20 == 0);
    let mut lines: Vec<&str> = text.lines().collect();
    scene.write("new.csv", &text);
    lines[1..].reverse();
    scene.write("reversed.csv", lines.join("\n") + "\n");
    let run = run("bound");
    let scores = |file: &str| {
        scene.succeeds(&["detect", run.to_str().unwrap(), file, "-o", "out.csv", "--force"]);
        let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
        found.iter().map(|row| get(row, "score").to_owned()).collect::<Vec<_>>()
    };
    let (forward, mut backward) = (scores("new.csv"), scores("reversed.csv"));
    backward.reverse();
    assert_eq!(forward, backward);
}

#[test]
fn what_a_score_needs_is_asked_for_before_training() {
    let scene = Scene::new();
    scene.write("n.csv", table(0..60, |_| false));
    let refused = |more: &[&str], parts: &[&str]| {
        let train = ["train", "n.csv", "--task", "anomaly", "--label", "y", "--out", "run"];
        scene.fails(&[&train[..], &BRIEF, more].concat(), 2, parts);
        assert!(!scene.exists("run/model.safetensors"));
    };
    let bound = "detect.score=bound";
    refused(&["--model", "ae", "--set", bound], &["no distribution over samples", "--model vae"]);
    refused(&["--model", "vae", "--set", bound, "--set", "detect.codes=0"], &["codes = 0"]);
    refused(&["--set", "detect.score=likelihood"], &["likelihood", "bound"]);
    refused(&["--model", "ae", "--set", "detect.hidden=4"], &["does not predict hidden columns", "noise-or-columns"]);
    refused(&["--model", "ae", "--set", "detect.code=middle"], &["detect.code", "nearest", "mahalanobis"]);
    refused(&["--model", "ae", "--set", "detect.lof=20"], &["lof", "none are stored", "detect.neighbours"]);
    refused(&["--set", "detect.lof=2000"], &["lof = 2000", "at most 1000"]);
}

/// Two numbers around a circle; of odd rows one leaves it for the middle, where no single number is unusual.
fn circle(rows: std::ops::Range<usize>, odd: impl Fn(usize) -> bool) -> String {
    rows.fold(String::from("east,north,y\n"), |mut text, row| {
        let angle = row as f64 * 0.71;
        let radius = if odd(row) { 0.2 } else { 1.0 + 0.05 * (row as f64 * 2.3).cos() };
        writeln!(text, "{:.4},{:.4},{}", radius * angle.cos(), radius * angle.sin(), odd(row)).unwrap();
        text
    })
}

#[test]
fn distances_between_codes_and_other_scales_find_and_explain_anomalies() {
    let scene = Scene::new();
    scene.write("n.csv", circle(0..600, |_| false));
    scene.write("new.csv", circle(7_000..7_200, |row| row % 20 == 0));
    let train = ["train", "n.csv", "--task", "anomaly", "--label", "y", "--steps", "300", "--force", "--out", "run"];
    // A code of two numbers is the circle; no mean is far from its middle.
    for (model, options, least) in [
        ("ae", &["detect.code=nearest"][..], 0.95),
        ("ae", &["detect.code=nearest", "detect.combine=p-value"], 0.95),
        ("dae", &["detect.code=mahalanobis", "detect.combine=rank", "detect.neighbours=1000"], 0.95),
    ] {
        let sets: Vec<&str> = options.iter().flat_map(|option| ["--set", option]).collect();
        scene.succeeds(&[&train[..], &["--model", model, "--latent", "2"], &sets].concat());
        let found = scene.succeeds(&["evaluate", "run", "new.csv", "--label", "y", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        let auroc = found["detection"]["auroc"].as_f64().unwrap();
        assert!(auroc > least, "{options:?}: {auroc}");
        scene.succeeds(&["detect", "run", "new.csv", "-o", "out.csv", "--fpr", "0.05", "--explain", "--force"]);
        let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
        let alarms: Vec<_> = found.iter().step_by(20).filter(|row| get(row, "anomaly") == "true").collect();
        assert!(alarms.len() >= 9, "{options:?}: {} of 10", alarms.len());
        assert!(alarms.iter().all(|row| ["east", "north"].contains(&get(row, "reason_1"))), "{options:?}");
    }
}

/// Rows of two groups, one a hundred times as dense; odd rows lie beside the dense one, as far from it as rows of the loose
/// one lie from each other.
fn groups(rows: std::ops::Range<usize>, odd: impl Fn(usize) -> bool) -> String {
    rows.fold(String::from("a,b,y\n"), |mut text, row| {
        let (u, v) = ((row as f64 * 0.618_034).fract() - 0.5, (row as f64 * 0.754_878).fract() - 0.5);
        let (a, b) = match (odd(row), row % 2) {
            (true, _) => (0.5, if row % 4 == 0 { 0.5 } else { -0.5 }),
            (false, 0) => (0.1 * u, 0.1 * v),
            (false, _) => (20.0 + 10.0 * u, 10.0 * v),
        };
        writeln!(text, "{a:.4},{b:.4},{}", odd(row)).unwrap();
        text
    })
}

#[test]
fn the_local_outlier_factor_finds_what_lies_beside_a_dense_group() {
    let scene = Scene::new();
    scene.write("n.csv", groups(0..800, |_| false));
    scene.write("new.csv", groups(7_000..7_400, |row| row % 10 == 0));
    let train = ["train", "n.csv", "--task", "anomaly", "--label", "y", "--steps", "200", "--force", "--out", "run"];
    let auroc = |lof: &str| {
        let scale = ["--set", "detect.combine=geometric", "--set", "detect.hidden=0"];
        scene.succeeds(&[&train[..], &scale, &["--set", lof]].concat());
        let found = scene.succeeds(&["evaluate", "run", "new.csv", "--label", "y", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        found["detection"]["auroc"].as_f64().unwrap()
    };
    let (without, with) = (auroc("detect.lof=0"), auroc("detect.lof=20"));
    assert!(with > 0.99 && with > without + 0.02, "{with} with it, {without} without");
    scene.succeeds(&["detect", "run", "new.csv", "-o", "out.csv", "--fpr", "0.05", "--explain", "--force"]);
    let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
    assert!(found.iter().step_by(10).all(|row| get(row, "anomaly") == "true" && !get(row, "reason_1").is_empty()));
}

/// Two numbers that follow each other and one of its own; of odd rows the second belongs to another first.
fn pair(rows: std::ops::Range<usize>, odd: impl Fn(usize) -> bool) -> String {
    rows.fold(String::from("load,heat,speed,y\n"), |mut text, row| {
        let wave = |speed: f64| (row as f64 * speed).sin();
        let heat = if odd(row) { -2.0 * wave(0.731) } else { 2.0 * wave(0.731) } + 0.1 * wave(3.37);
        writeln!(text, "{:.4},{heat:.4},{:.4},{}", wave(0.731), wave(1.93), odd(row) && wave(0.731).abs() > 0.3)
            .unwrap();
        text
    })
}

#[test]
fn hidden_columns_show_what_contradicts_the_others() {
    let scene = Scene::new();
    scene.write("n.csv", pair(0..800, |_| false));
    scene.write("new.csv", pair(7_000..7_400, |row| row % 10 == 0));
    let corruption = "model.dae.corruption={ noise-or-columns = { level = 0.01, share = 0.7 } }";
    let train = ["train", "n.csv", "--task", "anomaly", "--label", "y", "--model", "dae", "--latent", "16"];
    let mean_of_odd = |sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let more = ["--steps", "400", "--batch", "128", "--force", "--out", "run"];
        scene.succeeds(&[&train[..], &more, &sets].concat());
        let found = scene.succeeds(&["evaluate", "run", "new.csv", "--label", "y", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert!(found["detection"]["auroc"].as_f64().unwrap() > 0.98, "{sets:?}: {found}");
        scene.succeeds(&["detect", "run", "new.csv", "-o", "out.csv", "--fpr", "0.02", "--explain", "--force"]);
        let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
        let alarms: Vec<_> = found.iter().step_by(10).filter(|row| get(row, "anomaly") == "true").collect();
        assert!(alarms.len() >= 25, "{}", alarms.len());
        assert!(alarms.iter().all(|row| ["load", "heat"].contains(&get(row, "reason_1"))));
        alarms.iter().map(|row| get(row, "score").parse::<f64>().unwrap()).sum::<f64>() / alarms.len() as f64
    };
    let (alone, hidden) = (mean_of_odd(&[corruption]), mean_of_odd(&[corruption, "detect.hidden=3"]));
    // The network is the same, and the score is the mean of both parts.
    let part = 2.0 * hidden - alone;
    assert!(part > 2.0, "columns predicted from the others: {part} times as far off as in usual rows");
}
