//! `narrows detect --follow`: a file that grows, standard input, restarts, what is reported; and Arrow through a pipe.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::detection::{detector, get, normal, rows};
use crate::scene::{Scene, check_failure};

/// Waits until `done` holds.
fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn append(path: &Path, text: &str) {
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn start(scene: &Scene, arguments: &[&str]) -> Child {
    scene.command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs to the end of `input` on standard input.
pub(crate) fn piped(scene: &Scene, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(scene, arguments);
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

/// What is in the output so far.
fn written(scene: &Scene) -> String {
    fs::read_to_string(scene.path("out.csv")).unwrap_or_default()
}

/// The rows in the output so far.
fn count(scene: &Scene) -> usize {
    written(scene).lines().count().saturating_sub(1)
}

/// Ends a program by Ctrl-C; returns what it said on stderr.
fn interrupt(child: Child) -> String {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    told
}

/// The same rows, scores to the rounding of sums.
fn assert_same(found: &str, expected: &str) {
    let (found, expected) = (rows(found), rows(expected));
    assert_eq!(found.len(), expected.len());
    for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
        for ((name, found), (_, expected)) in found.iter().zip(expected) {
            let close = match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(found), Ok(expected)) => (found - expected).abs() <= 1e-4 * expected.abs(),
                _ => found == expected,
            };
            assert!(close, "row {row}, {name}: {found}, expected {expected}");
        }
    }
}

#[test]
fn a_file_that_grows_is_scored_line_by_line_and_a_restart_goes_on() {
    let scene = Scene::new();
    // A load that is far off, and one that is no number: it counts as missing.
    let all = normal(60, 4_000).replace("k4010,", "k4010,9").replace("k4050,", "k4050,much");
    let lines: Vec<&str> = all.lines().collect();
    let part = |range: std::ops::Range<usize>| lines[range].iter().fold(String::new(), |all, line| all + line + "\n");
    scene.write("all.csv", &all);
    let log = scene.write("log.csv", part(0..11));
    let run = detector().to_str().unwrap();
    let options = ["--keep", "key", "--explain", "--fpr", "0.02"];
    let follow = [&["detect", run, "log.csv", "--follow", "-o", "out.csv"][..], &options].concat();
    let out = scene.path("out.csv");
    let written = || count(&scene);
    let child = start(&scene, &follow);
    wait("the rows that are there", || written() == 10);
    append(&log, &lines[11][..9]);
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(written(), 10, "half a line is no row");
    append(&log, &format!("{}\nthis is garbage\n\n{}", &lines[11][9..], part(12..30)));
    wait("the rows that came", || written() == 29);
    let told = interrupt(child);
    assert!(told.contains("line 13") && told.contains("no rows: 1 line"), "{told}");
    // As if the program had died between rows and state: these bytes are written again.
    append(&out, "half a row");
    append(&log, &part(30..50));
    let child = start(&scene, &follow);
    wait("the rows of the restart", || written() == 49);
    append(&log, &format!("k9,1,1,on\n{}", part(50..61)));
    wait("the last rows", || written() == 60);
    let told = interrupt(child);
    assert!(told.contains("going on behind 29 rows") && told.contains("no rows: 2 lines"), "{told}");
    assert!(
        told.contains("line 53: ")
            && told.contains("line 55, column `load`")
            && told.contains("counted as missing: 1 cell"),
        "{told}"
    );
    scene.succeeds(&[&["detect", run, "all.csv", "-o", "whole.csv"][..], &options].concat());
    let found = fs::read_to_string(&out).unwrap();
    assert_same(&found, &fs::read_to_string(scene.path("whole.csv")).unwrap());
    assert_eq!(get(&rows(&found)[10], "anomaly"), "true");
    // Rows of another shape or meaning do not go on from here, nor does another input, and nothing is overwritten.
    for (others, what) in [
        (&["--keep", "key,load", "--explain", "--fpr", "0.02"][..], "the columns to keep"),
        (&["--keep", "key", "--fpr", "0.02"], "reasons"),
        (&["--keep", "key", "--explain", "--fpr", "0.05"], "what is an alarm"),
    ] {
        scene.fails(&[&follow[..6], others].concat(), 2, &["other options", what, "--force"]);
    }
    scene.fails(&["detect", run, "all.csv", "--follow", "-o", "out.csv"], 2, &["log.csv", "--force"]);
    fs::remove_file(scene.path("out.csv.state")).unwrap();
    scene.fails(&follow, 2, &["exists already", "--force"]);
}

#[test]
fn a_log_that_was_replaced_between_two_sittings_is_read_from_its_start() {
    let scene = Scene::new();
    let log = scene.write("log.csv", normal(20, 4_000));
    let follow = ["detect", detector().to_str().unwrap(), "log.csv", "--follow", "--keep", "key", "-o", "out.csv"];
    let written = || written(&scene);
    let count = || count(&scene);
    let child = start(&scene, &follow);
    wait("the rows that are there", || count() == 20);
    interrupt(child);
    fs::write(&log, normal(30, 5_000)).unwrap();
    let child = start(&scene, &follow);
    wait("all rows of the new log", || count() == 50);
    let told = interrupt(child);
    assert!(told.contains("was replaced") && !told.contains("skipped"), "{told}");
    let keys: Vec<String> = rows(&written()).iter().map(|row| get(row, "key").to_owned()).collect();
    let of = |rows: usize, offset: usize| (offset..offset + rows).map(|row| format!("k{row}"));
    assert_eq!(keys, of(20, 4_000).chain(of(30, 5_000)).collect::<Vec<_>>());
}

#[test]
fn a_log_that_is_cut_in_place_goes_on_without_a_header() {
    let scene = Scene::new();
    let log = scene.write("log.csv", normal(20, 4_000));
    let follow = ["detect", detector().to_str().unwrap(), "log.csv", "--follow", "--keep", "key", "-o", "out.csv"];
    let written = || written(&scene);
    let count = || count(&scene);
    let child = start(&scene, &follow);
    wait("the rows that are there", || count() == 20);
    // Two programs must not append to one file.
    scene.fails(&[&follow[..], &["--force"]].concat(), 2, &["another process"]);
    scene.write("other.csv", normal(5, 0));
    let run = detector().to_str().unwrap();
    scene.fails(&["detect", run, "other.csv", "-o", "out.csv", "--force"], 2, &["another process"]);
    assert_eq!(count(), 20);
    let more = normal(10, 5_000);
    fs::write(&log, more.split_once('\n').unwrap().1).unwrap();
    wait("the rows behind the cut", || count() == 30);
    append(&log, "k1,,,,on\n".repeat(100).as_str());
    wait("rows without values", || count() == 130);
    append(&log, "k2,50,100,900,never\n");
    wait("all rows", || count() == 131);
    let told = interrupt(child);
    assert!(told.contains("column `heat` gives no values any more, up to row 130"), "{told}");
    assert!(told.contains("row 131, column `mode`: a value that no training row had"), "{told}");
    // An output that is not what the state says is not continued.
    fs::write(scene.path("out.csv"), written().replace("k4001", "k9999").replace("k2", "k3")).unwrap();
    scene.fails(&follow, 2, &["out.csv is no longer what was written", "--force"]);
    fs::remove_file(scene.path("out.csv")).unwrap();
    scene.fails(&follow, 2, &["out.csv, the output that it belongs to, is gone", "--force"]);
}

#[test]
fn columns_may_change_their_places_when_a_log_begins_anew() {
    let scene = Scene::new();
    let log = scene.write("log.csv", normal(10, 4_000));
    let run = detector().to_str().unwrap();
    let follow = ["detect", run, "log.csv", "--follow", "--keep", "key,speed", "-o", "out.csv"];
    let written = || written(&scene);
    let count = || count(&scene);
    let child = start(&scene, &follow);
    wait("the rows that are there", || count() == 10);
    let moved: String = normal(10, 5_000).lines().fold(String::new(), |all, line| {
        let cells: Vec<&str> = line.split(',').collect();
        all + &format!("{},{},{},{},{}\n", cells[3], cells[1], cells[4], cells[0], cells[2])
    });
    fs::rename(&log, scene.path("log.1")).unwrap();
    fs::write(&log, moved).unwrap();
    wait("the rows of the new log", || count() == 20);
    interrupt(child);
    let both = normal(10, 4_000) + normal(10, 5_000).split_once('\n').unwrap().1;
    scene.write("both.csv", both);
    scene.succeeds(&["detect", run, "both.csv", "--keep", "key,speed", "-o", "whole.csv"]);
    assert_same(&written(), &fs::read_to_string(scene.path("whole.csv")).unwrap());
    // A header that lacks a column is no row, and no header either.
    let child = start(&scene, &follow);
    fs::write(&log, normal(3, 6_000).replace("heat", "heatt")).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && told.contains("`heat`") && told.contains("`heatt`"), "{told}");
    assert_eq!(count(), 20);
}

#[test]
fn an_output_that_is_taken_away_is_missed() {
    let scene = Scene::new();
    let log = scene.write("log.csv", normal(10, 4_000));
    let follow = ["detect", detector().to_str().unwrap(), "log.csv", "--follow", "-o", "out.csv"];
    let child = start(&scene, &follow);
    wait("the state", || scene.exists("out.csv.state"));
    fs::rename(scene.path("out.csv"), scene.path("out.1.csv")).unwrap();
    append(&log, normal(3, 5_000).split_once('\n').unwrap().1);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && told.contains("out.csv") && told.contains("removed or replaced"),
        "{told}"
    );
}

#[test]
fn objects_on_standard_input_become_objects_and_a_last_line_without_end_counts() {
    let scene = Scene::new();
    let row = |load: f64| {
        format!("{{\"mode\":\"on\",\"load\":{load},\"heat\":100,\"more\":{{\"x\":1}},\"speed\":900,\"key\":7}}")
    };
    let input = format!("{}\n{{\"load\":1\n{}", row(50.0), row(500.0));
    let arguments = ["detect", detector().to_str().unwrap(), "-", "--follow", "--keep", "key", "-o", "-"];
    let output = piped(&scene, &arguments, input.as_bytes());
    let (out, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && told.contains("line 2: no JSON object"), "{told}");
    let found: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 2, "{out}");
    assert_eq!(
        (&found[0]["key"], &found[0]["anomaly"], &found[1]["anomaly"]),
        (&"7".into(), &false.into(), &true.into())
    );
}

#[test]
fn rows_that_are_no_longer_like_those_of_calibration_raise_one_drift_alarm() {
    let scene = Scene::new();
    let drifted: String = normal(450, 6_000).lines().enumerate().fold(String::new(), |mut all, (row, line)| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if row > 200 {
            cells[3] = format!("{}", cells[3].parse::<f64>().unwrap() + 70.0);
        }
        writeln!(all, "{}", cells.join(",")).unwrap();
        all
    });
    let follow = ["detect", detector().to_str().unwrap(), "-", "--follow", "-o", "out.csv", "--json"];
    let drifts = |text: &str, out: &str| {
        let output = piped(&scene, &[&follow[..5], &[out, "--json"]].concat(), text.as_bytes());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["rows"], 450, "{told}");
        (found["drifts"].as_u64().unwrap(), told.matches("drift: ").count())
    };
    assert_eq!(drifts(&drifted, "a.csv"), (1, 1));
    assert_eq!(drifts(&normal(450, 6_000), "b.csv"), (0, 0));
}

/// A log of one row a minute from row `from` on.
fn log(from: usize, count: usize) -> String {
    (from..from + count).fold(String::from("step,a,b\n"), |mut all, row| {
        let noise = ((row * 7_919) % 1_000) as f64 / 500.0 - 1.0;
        writeln!(all, "{},{noise:.4},{:.4}", row * 60, 5.0 - noise).unwrap();
        all
    })
}

#[test]
fn windows_are_scored_as_in_a_whole_file_and_the_clock_is_watched() {
    let scene = Scene::new();
    scene.write("train.csv", log(0, 900));
    let test = log(1_000, 90);
    scene.write("test.csv", &test);
    let train = ["train", "train.csv", "--task", "anomaly", "--model", "linear-ae", "--latent", "2", "--steps", "30"];
    scene.succeeds(&[&train[..], &["--time", "step", "--window", "8", "--smooth", "3", "--out", "run"]].concat());
    scene.succeeds(&["detect", "run", "test.csv", "-o", "whole.csv", "--explain"]);
    let whole = fs::read_to_string(scene.path("whole.csv")).unwrap();
    // In two sittings, so that the second begins within windows of the first.
    let growing = scene.write("growing.csv", test.lines().take(41).fold(String::new(), |all, line| all + line + "\n"));
    let follow = ["detect", "run", "growing.csv", "--follow", "-o", "out.csv", "--explain"];
    let written = || count(&scene);
    let child = start(&scene, &follow);
    wait("rows whose windows are complete", || written() == 33);
    interrupt(child);
    append(&growing, &test.lines().skip(41).fold(String::new(), |all, line| all + line + "\n"));
    let child = start(&scene, &follow);
    wait("rows whose windows are complete", || written() == 83);
    interrupt(child);
    let found = fs::read_to_string(scene.path("out.csv")).unwrap();
    let complete: String = whole.lines().take(84).fold(String::new(), |all, line| all + line + "\n");
    assert_same(&found, &complete);
    // At the end of standard input nothing is left to wait for. Time jumps once and goes back once.
    let twice = format!("{test}{}", log(1_500, 20).replace("step,a,b\n", "") + &log(900, 20).replace("step,a,b\n", ""));
    let budget = ["--alarms-per-day", "20", "--json"];
    let arguments = [&["detect", "run", "-", "--follow", "-o", "piped.csv"][..], &budget].concat();
    let output = piped(&scene, &arguments, twice.as_bytes());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, count) in [("rows", 130), ("jumps", 1), ("backwards", 1)] {
        assert_eq!(found[name], count, "{name}: {told}");
    }
    assert_eq!(found["unscored"], 0, "{told}");
    // Twenty a day at a row a minute.
    assert!(told.contains("a row every 60 s are a rate of 1.389e-2"), "{told}");
    assert!(told.contains("line 92: time jumps") && told.contains("line 112: time goes backwards"), "{told}");
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let scene = Scene::new();
    scene.write("new.csv", normal(20, 0));
    scene.write("few.csv", "load,heat,speed\n1,2,3\n");
    let run = detector().to_str().unwrap();
    let refuse = |data: &str, rest: &[&str], code, parts: &[&str]| {
        let arguments = [&["detect", run, data, "--follow"][..], rest].concat();
        check_failure(&scene.command(&arguments).output().unwrap(), &arguments, code, parts);
    };
    refuse("new.csv", &["-o", "x.csv", "--fdr", "0.1"], 2, &["cannot be used with"]);
    refuse("new.csv", &["-o", "x.csv", "--alarms-per-day", "3"], 2, &["--time"]);
    refuse("new.csv", &["-o", "x.parquet"], 2, &[".jsonl"]);
    refuse("few.csv", &["-o", "x.csv"], 3, &["mode"]);
    refuse("absent.csv", &["-o", "x.csv"], 3, &["absent.csv"]);
    scene.write("headless.csv", "k1,50,100,900,on\n");
    refuse("headless.csv", &["-o", "x.csv"], 3, &["no header", "none of the model's columns"]);
    assert!(!scene.exists("x.csv") && !scene.exists("x.csv.state"));
}

#[test]
fn an_arrow_stream_through_a_pipe_gives_an_arrow_stream() {
    let scene = Scene::new();
    scene.write("new.csv", normal(300, 5_000));
    let run = detector().to_str().unwrap();
    let keep = ["--keep", "key,load,heat,speed,mode"];
    scene.succeeds(&[&["detect", run, "new.csv", "-o", "in.arrows"][..], &keep].concat());
    let output = piped(&scene, &[&["detect", run, "-", "-o", "-"][..], &keep].concat(), &scene.read("in.arrows"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.starts_with(&[0xff; 4]), "no Arrow stream");
    scene.write("out.arrows", &output.stdout);
    scene.succeeds(&["reconstruct", run, "out.arrows", "--keep", "score", "-o", "again.csv"]);
    let again = String::from_utf8(scene.read("again.csv")).unwrap();
    let direct = scene.succeeds(&["detect", run, "new.csv", "-o", "-"]);
    let scores =
        |text: &str| -> String { rows(text).iter().fold("score\n".into(), |all, row| all + get(row, "score") + "\n") };
    assert_eq!(scores(&again).lines().count(), 301);
    assert_same(&scores(&again), &scores(&direct));
}
