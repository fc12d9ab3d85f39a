//! Bad tables: each refused with its place, a reason and exit code 3, or read by a stated rule.

use std::fmt::Write as _;

use crate::scene::{BRIEF, Scene, model, table};

/// Lines of a table.
fn lines(rows: usize, line: impl Fn(usize) -> String) -> String {
    (0..rows).map(|row| line(row) + "\n").collect()
}

#[test]
fn a_file_without_rows() {
    let scene = Scene::new();
    scene.write("empty.csv", "");
    scene.refuses("empty.csv", 3, &["empty.csv: no rows"]);
    scene.write("header.csv", "a,b\n");
    scene.refuses("header.csv", 3, &["header.csv: a header of 2 columns and no rows"]);
    scene.refuses("absent.csv", 3, &["absent.csv: cannot open: No such file"]);
}

#[test]
fn a_ragged_row_is_named_by_its_line() {
    let scene = Scene::new();
    scene.write("ragged.csv", "a,b\n1,2\n3,4\n5,6,7\n8,9\n");
    scene.refuses("ragged.csv", 3, &["ragged.csv: line 4: 3 cells, expected 2", "delimiter ','"]);
}

#[test]
fn text_among_numbers_is_named_by_line_and_column() {
    let scene = Scene::new();
    scene.write("use.csv", table(10).replacen("-0.", "abc", 1));
    let error = scene.fails(&["evaluate", model(), "use.csv"], 3, &["use.csv: line ", "is not a number"]);
    assert!(error.contains("abc") && error.contains("leave it empty where the value is missing"), "{error}");
    let mut late = String::from("a,b\n");
    for row in 0..60_000 {
        writeln!(late, "{}.5,{}", row % 17, row % 29).unwrap();
    }
    late.push_str("oops,3\n");
    scene.write("late.csv", late);
    scene.refuses("late.csv", 3, &["late.csv: line 60002, column `a`", "\"oops\" is not a number"]);
}

#[test]
fn columns_that_say_nothing_are_left_out_aloud() {
    let scene = Scene::new();
    let rows = lines(40, |row| format!("{},{},7,", row % 7, row % 5));
    scene.write("some.csv", format!("a,b,constant,missing\n{rows}"));
    let arguments = [&["train", "some.csv", "--latent", "1", "--out", "run"][..], &BRIEF].concat();
    let output = scene.command(&arguments).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(log.contains("`constant`") && log.contains("`missing`"), "{log}");
    let rows = "7,\n".repeat(40);
    scene.write("none.csv", format!("constant,missing\n{rows}"));
    std::fs::remove_dir_all(scene.path("run")).unwrap();
    scene.refuses("none.csv", 3, &["none.csv", "no column is left to train on", "constant", "missing"]);
}

#[test]
fn not_a_number_is_missing_and_infinity_is_refused() {
    let scene = Scene::new();
    let rows = lines(40, |row| format!("{},{}", row % 7, row % 5));
    scene.write("nan.csv", format!("a,b\n{rows}NaN,3\n2,nan\n"));
    let found: serde_json::Value =
        serde_json::from_str(&scene.succeeds(&["data", "describe", "nan.csv", "--json"])).unwrap();
    assert_eq!((&found["columns"][0]["missing"], &found["columns"][1]["missing"]), (&1.into(), &1.into()));
    scene.succeeds(&[&["train", "nan.csv", "--latent", "1", "--out", "ok"][..], &BRIEF].concat());
    scene.write("inf.csv", format!("a,b\n{rows}2,inf\n"));
    scene.refuses("inf.csv", 3, &["inf.csv: line 42, column `b`: infinite"]);
}

#[test]
fn unknown_and_missing_columns_have_their_nearest_name() {
    let scene = Scene::with_table();
    let arguments = ["train", "t.csv", "--columns", "a,knid", "--out", "run"];
    scene.fails(&arguments, 2, &["t.csv: no column `knid`", "did you mean `kind`"]);
    scene.fails(&["train", "t.csv", "--label", "lable", "--out", "run"], 2, &["did you mean `label`"]);
    scene.write("fewer.csv", table(10).replace("a,b,c,kind,label", "a,b,c,Kinds,label"));
    let parts = ["column `kind`, which the model needs, is missing", "is it called `Kinds` here"];
    scene.fails(&["evaluate", model(), "fewer.csv"], 3, &parts);
    scene.write("headless.csv", "1,2\n3,4\n");
    scene.fails(&["evaluate", model(), "headless.csv"], 3, &["headless.csv", "expected"]);
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let scene = Scene::with_table();
    let mut moved = String::new();
    for line in table(60).lines() {
        let cells: Vec<&str> = line.split(',').collect();
        writeln!(moved, "{},{},{},{},{}", cells[3], cells[4], cells[2], cells[0], cells[1]).unwrap();
    }
    scene.write("moved.csv", moved);
    for (data, codes) in [("t.csv", "one.csv"), ("moved.csv", "two.csv")] {
        scene.succeeds(&["encode", model(), data, "-o", codes]);
    }
    assert_eq!(scene.read("one.csv"), scene.read("two.csv"));
}

#[test]
fn a_code_larger_than_the_input_is_refused() {
    let scene = Scene::with_table();
    let arguments = ["train", "t.csv", "--columns", "a,b,c", "--latent", "50", "--out", "run"];
    scene.fails(&arguments, 2, &["code = 50", "choose a code of at most 2"]);
    assert!(!scene.exists("run"), "the refused run left a directory");
}

#[test]
fn more_classes_than_rows_of_a_part() {
    let scene = Scene::new();
    let rows = lines(20, |row| format!("{},{},class{row}", row % 7, row % 5));
    scene.write("t.csv", format!("a,b,id\n{rows}"));
    let arguments = ["train", "t.csv", "--label", "id", "--set", "data.split.by=label", "--out", "run"];
    scene.fails(&arguments, 3, &["label `id` has 20 classes", "choose another label"]);
}

#[test]
fn fewer_rows_than_a_batch() {
    let scene = Scene::new();
    scene.write("t.csv", "a,b\n1,2\n2,5\n4,1\n3,3\n7,2\n5,5\n6,1\n8,4\n9,9\n2,8\n");
    let parts = ["t.csv: 8 rows, but a batch of training samples needs at least 128; choose a smaller batch (--batch)"];
    scene.fails(&["train", "t.csv", "--latent", "1", "--batch", "128", "--out", "run"], 3, &parts);
    scene.succeeds(&[&["train", "t.csv", "--latent", "1", "--out", "by-default"][..], &BRIEF].concat());
}
