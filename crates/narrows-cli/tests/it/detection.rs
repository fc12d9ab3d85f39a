//! `narrows train --task anomaly` and `narrows detect`: scores, alarms, reasons, and what is refused.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::scene::{BRIEF, Scene, check_failure, model, program};

/// Two columns that belong together, two of their own, a category, and a key.
pub(crate) fn normal(rows: usize, offset: usize) -> String {
    let mut text = String::from("key,load,heat,speed,mode\n");
    for row in offset..offset + rows {
        let wave = |speed: f64| (row as f64 * speed).sin();
        let load = 50.0 + 10.0 * wave(0.731);
        let (heat, speed) = (2.0 * load + wave(3.37), 900.0 + 40.0 * wave(1.93));
        writeln!(text, "k{row},{load:.4},{heat:.4},{speed:.3},{}", ["on", "off", "idle"][row * row % 3]).unwrap();
    }
    text
}

/// A run of `--task anomaly` that was trained once; tests only read it.
pub(crate) fn detector() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("detector");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("n.csv"), normal(1_500, 0)).unwrap();
        let small =
            ["--steps", "150", "--batch", "128", "--set", "model.dae.widths=[48]", "--set", "model.dae.code=24"];
        let train =
            ["train", "n.csv", "--task", "anomaly", "--exclude", "key", "--contamination", "0.0", "--out", "run"];
        let output = program(&directory, &[&train[..], &small].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        directory.join("run")
    })
}

/// The rows of a CSV file without quotes, by column.
pub(crate) fn rows(text: &str) -> Vec<Vec<(String, String)>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), names.len(), "{line}");
        names.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), cell.to_owned())).collect()
    };
    lines.map(row).collect()
}

pub(crate) fn get<'a>(row: &'a [(String, String)], name: &str) -> &'a str {
    &row.iter().find(|(known, _)| known == name).unwrap().1
}

#[test]
fn planted_anomalies_are_flagged_and_blamed_on_their_column() {
    let scene = Scene::new();
    let mut text = normal(300, 5_000);
    for plant in 0..40 {
        // Each a usual row with one column out of place; the heat only beside its load.
        let usual = normal(1, 9_000 + plant);
        let mut cells: Vec<String> = usual.lines().nth(1).unwrap().split(',').map(str::to_owned).collect();
        match plant % 3 {
            0 => cells[2] = format!("{}", cells[2].parse::<f64>().unwrap() + 60.0),
            1 => cells[3] = "1500".into(),
            _ => cells[1] = "120".into(),
        }
        writeln!(text, "{}", cells.join(",")).unwrap();
    }
    scene.write("new.csv", text);
    let run = detector().to_str().unwrap();
    let keep = ["--keep", "key", "-o", "out.csv", "--fpr", "0.02", "--explain"];
    scene.succeeds(&[&["detect", run, "new.csv"][..], &keep].concat());
    let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
    assert_eq!(found.len(), 340);
    assert!(found.iter().enumerate().all(|(row, cells)| get(cells, "key")
        == if row < 300 { format!("k{}", 5_000 + row) } else { format!("k{}", 9_000 + row - 300) }));
    let false_alarms = found[..300].iter().filter(|row| get(row, "anomaly") == "true").count();
    assert!(false_alarms <= 15, "{false_alarms} false alarms in 300 at a rate of 0.02");
    let planted = &found[300..];
    let flagged = planted.iter().filter(|row| get(row, "anomaly") == "true").count();
    assert_eq!(flagged, 40, "of 40");
    let column = |plant: usize| ["heat", "speed", "load"][plant % 3];
    let blamed = planted.iter().enumerate().filter(|(plant, row)| get(row, "reason_1") == column(*plant)).count();
    assert!(blamed >= 38, "{blamed} of 40 are blamed on their column");
    assert_eq!(get(&planted[1], "observed_1"), "1500");
    let expected: f64 = get(&planted[1], "expected_1").parse().unwrap();
    assert!((800.0..1_100.0).contains(&expected), "{expected}");
    assert!(
        found[..300].iter().filter(|row| get(row, "anomaly") == "false").all(|row| get(row, "reason_1").is_empty())
    );
}

#[test]
fn the_calibration_is_held_out_and_known_by_its_hash() {
    let scene = Scene::new();
    let text = scene.succeeds(&["inspect", detector().join("model.safetensors").to_str().unwrap(), "--json"]);
    let calibration = &serde_json::from_str::<serde_json::Value>(&text).unwrap()["document"]["detector"]["calibration"];
    assert_eq!((&calibration["split"], &calibration["rows"]), (&"validation".into(), &150.into()), "{calibration}");
    assert_eq!(calibration["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn every_rule_decides_and_rows_out_equal_rows_in() {
    let scene = Scene::new();
    scene.write("new.csv", normal(200, 7_000));
    let run = detector().to_str().unwrap();
    for (number, rule) in
        [["--fdr", "0.1"], ["--tail", "0.001"], ["--mad", "0.001"], ["--from-score", "3"]].iter().enumerate()
    {
        let out = format!("{number}.csv");
        let found = scene.succeeds(&[&["detect", run, "new.csv", "--json", "-o", &out][..], rule].concat());
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!((&found["rows"], &found["unscored"]), (&200.into(), &0.into()), "{rule:?}: {found}");
        assert!(found["alarms"].as_u64().unwrap() <= 20, "{rule:?}: {found}");
        assert_eq!(rows(&String::from_utf8(scene.read(&out)).unwrap()).len(), 200);
    }
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let scene = Scene::new();
    scene.write("new.csv", normal(20, 0));
    let run = detector().to_str().unwrap();
    let detect = |rule: &[&str], code, parts: &[&str]| {
        scene.fails(&[&["detect", run, "new.csv", "-o", "x.csv"][..], rule].concat(), code, parts);
        assert!(!scene.exists("x.csv"));
    };
    // 150 calibration rows cannot promise one false alarm in a thousand.
    detect(&["--fpr", "0.001"], 2, &["150 calibration rows", "at least 999", "1/151"]);
    detect(&["--fpr", "1.5"], 2, &["fpr = 1.5"]);
    detect(&["--fpr", "0.1", "--fdr", "0.1"], 2, &["cannot be used with"]);
    scene.write("few.csv", "load,heat,speed\n1,2,3\n");
    scene.fails(&["detect", run, "few.csv", "-o", "x.csv"], 3, &["mode"]);
    scene.write("words.csv", "load,heat,speed,mode\nmuch,2,3,on\n");
    scene.fails(&["evaluate", run, "words.csv"], 3, &["much"]);
}

#[test]
fn columns_may_be_reordered_categories_new_and_cells_missing() {
    let scene = Scene::new();
    scene.write("new.csv", "mode,speed,note,heat,load\non,900,x,100,50\nnever seen,900,y,100,50\n,,z,,\n");
    scene.succeeds(&["detect", detector().to_str().unwrap(), "new.csv", "-o", "out.csv", "--explain"]);
    let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
    assert_eq!(found.len(), 3);
    assert!(found[..2].iter().all(|row| get(row, "score").parse::<f64>().unwrap().is_finite()));
    // Of a row without any value nothing can be said.
    assert_eq!((get(&found[2], "score"), get(&found[2], "anomaly")), ("", ""));
}

#[test]
fn a_model_without_calibration_gives_scores_and_refuses_rates() {
    let scene = Scene::new();
    scene.write("n.csv", normal(120, 0));
    let whole = ["--set", "data.split.fractions=[1.0,0.0,0.0]", "--exclude", "key", "--latent", "2", "--out", "run"];
    scene.succeeds(&[&["train", "n.csv", "--model", "ae"][..], &whole, &BRIEF].concat());
    let arguments = ["detect", "run", "n.csv", "-o", "a.csv", "--fpr", "0.1"];
    let output = scene.command(&arguments).output().unwrap();
    check_failure(&output, &arguments, 2, &["no calibration", "--from-score"]);
    scene.succeeds(&["detect", "run", "n.csv", "-o", "b.csv"]);
    let text = String::from_utf8(scene.read("b.csv")).unwrap();
    assert!(text.starts_with("score\n") && text.lines().count() == 121, "{}", &text[..40]);
}

#[test]
fn a_model_of_another_task_detects_too() {
    let scene = Scene::with_table();
    scene.succeeds(&["detect", model(), "t.csv", "-o", "out.csv"]);
    let found = rows(&String::from_utf8(scene.read("out.csv")).unwrap());
    assert_eq!(found.len(), 60);
    assert!(!get(&found[0], "p_value").is_empty());
}

#[test]
fn labels_measure_the_scores() {
    let scene = Scene::new();
    let mut text = normal(100, 5_000).replace("mode\n", "mode,state\n");
    text = text
        .lines()
        .enumerate()
        .map(|(row, line)| if row == 0 { format!("{line}\n") } else { format!("{line},fine\n") })
        .collect();
    (0..10).for_each(|row| writeln!(text, "x{row},120,100,{},on,broken", 1_500 + row).unwrap());
    scene.write("labelled.csv", &text);
    let run = detector().to_str().unwrap();
    let evaluate = ["evaluate", run, "labelled.csv", "--label", "state"];
    scene.fails(&evaluate, 2, &["fine", "--anomalous"]);
    let found = scene.succeeds(&[&evaluate[..], &["--anomalous", "broken", "--json"]].concat());
    let found = &serde_json::from_str::<serde_json::Value>(&found).unwrap()["detection"];
    assert_eq!(
        (&found["rows"], &found["anomalies"], &found["auroc"]),
        (&110.into(), &10.into(), &1.0.into()),
        "{found}"
    );
    assert_eq!((&found["alarms"]["missed_alarm_rate"], &found["best_f1"]["f1"]), (&0.0.into(), &1.0.into()), "{found}");
    scene.fails(&[&evaluate[..], &["--anomalous", "lost"]].concat(), 3, &["all 110 labels are normal"]);
}

#[test]
fn a_smoothed_log_is_scored_row_by_row_and_remembers_how_it_was_smoothed() {
    let scene = Scene::new();
    let row = |step: usize, shift: f64| {
        let noise = ((step * 7_919) % 1_000) as f64 / 500.0 - 1.0;
        format!("{step},{:.4},{:.4}\n", noise + shift, 5.0 - noise)
    };
    let log = |from: usize, rows: usize, shift: &dyn Fn(usize) -> f64| -> String {
        let rows: String = (from..from + rows).map(|step| row(step, shift(step))).collect();
        format!("step,a,b\n{rows}")
    };
    scene.write("train.csv", log(0, 600, &|_| 0.0).as_bytes());
    // Half a unit up from row 700 on: little for a row, much for the mean of twenty.
    scene.write("test.csv", log(600, 200, &|step| if step >= 700 { 0.8 } else { 0.0 }).as_bytes());
    let train = ["train", "train.csv", "--task", "anomaly", "--model", "linear-ae", "--latent", "1", "--steps", "50"];
    let smoothed = ["--time", "step", "--smooth", "20", "--out", "run"];
    scene.succeeds(&[&train[..], &smoothed].concat());
    scene.succeeds(&["detect", "run", "test.csv", "-o", "scores.csv"]);
    let scores = rows(&fs::read_to_string(scene.path("scores.csv")).unwrap());
    assert_eq!(scores.len(), 200);
    let mean = |range: std::ops::Range<usize>| {
        let all: Vec<f64> = scores[range].iter().map(|row| get(row, "score").parse().unwrap()).collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    assert!(mean(130..200) > 3.0 * mean(30..100), "{} and {}", mean(130..200), mean(30..100));
    let refused = [&train[..], &["--smooth", "0", "--out", "none"]].concat();
    scene.fails(&refused, 2, &["smooth", "0", "from 1 to"]);
}

#[test]
fn the_chart_shows_scores_threshold_and_alarms() {
    let scene = Scene::new();
    scene.write("new.csv", normal(200, 7_000) + "k,120,90,1500,on\n");
    let run = detector().to_str().unwrap();
    let detect = ["detect", run, "new.csv", "-o", "out.csv", "--force", "--fpr", "0.02", "--chart"];
    scene.succeeds(&[&detect[..], &["a.svg"]].concat());
    let drawn = String::from_utf8(scene.read("a.svg")).unwrap();
    assert!(drawn.starts_with("<svg xmlns") && drawn.contains("Scores of new.csv") && drawn.contains("201 rows"));
    assert!(drawn.contains("class=\"dots c1\"") && drawn.contains("class=\"line mark dash1\""), "{drawn}");
    scene.fails(&[&detect[..], &["a.png"]].concat(), 2, &["a.png", ".svg"]);
    // Neither the picture that is there nor the scores are touched, and nothing is scored for a folder that is not there.
    let again = ["detect", run, "new.csv", "-o", "other.csv", "--chart"];
    scene.fails(&[&again[..], &["a.svg"]].concat(), 2, &["a.svg", "exists already"]);
    scene.fails(&[&again[..], &["nowhere/a.svg"]].concat(), 2, &["nowhere/a.svg", "no directory"]);
    assert!(!scene.exists("other.csv") && scene.read("a.svg") == drawn.as_bytes());
}
