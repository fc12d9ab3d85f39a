//! Delimited text: separators, quotes, types, selections.

use std::fmt::Write as _;
use std::io::Write as _;

use narrows_data::{ColumnKind, OpenOptions, Role, open, open_stream};
use proptest::prelude::*;

use super::{open_text, whole, write};

fn kinds(text: &str) -> Vec<(String, ColumnKind)> {
    open_text(text).unwrap().schema().columns.iter().map(|column| (column.name.clone(), column.kind)).collect()
}

/// A table of numbers, and texts with every awkward character.
fn cells() -> impl Strategy<Value = (Vec<(f64, String)>, u8, bool)> {
    let text = proptest::string::string_regex("[ab \",;\\n|é\t]{0,8}x").unwrap();
    let rows = proptest::collection::vec((-1e6_f64..1e6, text), 1..60);
    (rows, prop_oneof![Just(b','), Just(b';'), Just(b'\t'), Just(b'|')], any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_is_written_is_read((rows, delimiter, crlf) in cells()) {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(Vec::new());
        writer.write_record(["number", "text", "second"]).unwrap();
        for (number, text) in &rows {
            writer.write_record([number.to_string().as_str(), text, "7"]).unwrap();
        }
        let file = write("t.csv", writer.into_inner().unwrap());
        let options = OpenOptions { kinds: vec![("text".into(), ColumnKind::Category)], ..Default::default() };
        let source = open(&file.path, &options).unwrap();
        let expected: Vec<Vec<String>> =
            rows.iter().map(|(number, text)| vec![number.to_string(), text.trim_matches([' ', '\t']).to_owned(), "7".into()]).collect();
        let found: Vec<Vec<String>> = whole(source.as_ref()).into_iter().map(|mut row| {
            row[1] = row[1].trim_matches([' ', '\t']).to_owned();
            row
        }).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn delimiter_header_and_kinds_are_detected() {
    let expected = [
        ("when", ColumnKind::Time),
        ("value", ColumnKind::Number),
        ("ok", ColumnKind::Boolean),
        ("name", ColumnKind::Category),
    ]
    .map(|(name, kind)| (name.to_owned(), kind));
    for delimiter in [',', ';', '\t', '|'] {
        let text =
            "\u{feff}when,value, ok,name\r\n2020-01-01 10:00:00,1.5, yes,red\r\n2020-01-01 10:00:01,NA,no, blue\r\n";
        let text = text.replace(',', &delimiter.to_string());
        assert_eq!(kinds(&text), expected, "{delimiter}");
    }
    assert_eq!(kinds("1,2\n3,4\n"), [("c0".into(), ColumnKind::Number), ("c1".into(), ColumnKind::Number)]);
    assert_eq!(kinds("red,disc\nblue,ring\nred,ring\n")[0].0, "c0", "values recur, so the first row is no header");
    assert_eq!(kinds("colour,shape\nblue,ring\nred,ring\n")[0].0, "colour");
    assert_eq!(kinds("x\n1\n2")[0], ("x".into(), ColumnKind::Number));
}

#[test]
fn every_mark_of_a_missing_value_is_missing() {
    let source = open_text("x,c\n1,a\n,\nNA,NA\nNaN,?\n?,null\nnull,None\nnone,n/a\n2,b\n").unwrap();
    let rows = whole(source.as_ref());
    assert_eq!(rows.len(), 8);
    assert!(rows[1..7].iter().all(|row| row.iter().all(String::is_empty)), "{rows:?}");
}

#[test]
fn quotes_newlines_and_blanks_are_handled() {
    let text = "a,b\n1,\"x, \"\"y\"\"\nz\"\n\n2 , 5\" pipe \n   \n3,\"q\"\n";
    let options = OpenOptions { kinds: vec![("b".into(), ColumnKind::Text)], ..Default::default() };
    let source = open(&write("t.csv", text).path, &options).unwrap();
    let rows = whole(source.as_ref());
    assert_eq!(rows, [["1", "x, \"y\"\nz"], ["2", "5\" pipe"], ["3", "q"]]);
}

#[test]
fn columns_are_chosen_by_name() {
    let file = write("t.csv", "id,t,x,y,z\na,1,2,3,4\nb,2,3,4,5\n");
    let options = OpenOptions {
        columns: Some(vec!["x".into()]),
        exclude: vec!["z".into()],
        label: Some("y".into()),
        time: Some("t".into()),
        keep: vec!["id".into()],
        ..Default::default()
    };
    let source = open(&file.path, &options).unwrap();
    let roles: Vec<_> = source.schema().columns.iter().map(|column| (column.name.as_str(), column.role)).collect();
    assert_eq!(roles, [("id", Role::Kept), ("t", Role::Time), ("x", Role::Feature), ("y", Role::Label)]);
    assert_eq!(whole(source.as_ref())[1], ["b", "2", "3", "4"]);
    for (column, why) in [("z", "left out"), ("y", "the label")] {
        let options = OpenOptions { columns: Some(vec!["x".into(), column.into()]), ..options.clone() };
        let error = open(&file.path, &options).unwrap_err().to_string();
        assert!(error.contains(&format!("column `{column}` is both chosen")) && error.contains(why), "{error}");
    }
}

#[test]
fn empty_lines_between_rows_are_counted() {
    let options = OpenOptions { lenient: true, ..Default::default() };
    let file = write("t.csv", "x\n1\n\n  \n2\n\"\"\n\n");
    let source = open(&file.path, &options).unwrap();
    assert_eq!(whole(source.as_ref()), [["1"], ["2"], [""]]);
    assert_eq!(source.faults().empty, 2);
}

#[test]
fn optional_columns_may_be_absent() {
    let trained = open_text("age,code,unit\n30,1,7\n40,2,7\n").unwrap();
    let expected = Some(trained.schema().clone());
    let options = OpenOptions { expected, optional: vec!["unit".into()], ..Default::default() };
    let source = open(&write("u.csv", "code,age\n1,30\n").path, &options).unwrap();
    assert_eq!(whole(source.as_ref()), [["1", "30"]]);
    let error = open(&write("u.csv", "code,unit\n1,30\n").path, &options).unwrap_err().to_string();
    assert!(error.contains("`age`, which the model needs, is missing; add it"), "{error}");
}

#[test]
fn a_model_reads_its_columns_as_its_kinds() {
    let trained = open_text("age,code,city\n30,1,Rome\n40,2,Oslo\n").unwrap();
    let expected = Some(trained.schema().clone());
    let options = OpenOptions { expected, keep: vec!["extra".into()], ..Default::default() };
    let source = open(&write("u.csv", "city;extra;code;other;age\n7;a;1;x;50\n").path, &options).unwrap();
    let names: Vec<_> = source.schema().columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
    let (number, category) = (ColumnKind::Number, ColumnKind::Category);
    assert_eq!(names, [("city", category), ("extra", category), ("code", number), ("age", number)]);
    let source = open(&write("v.csv", "50,3,Rome\n").path, &OpenOptions { keep: vec![], ..options.clone() }).unwrap();
    assert_eq!(source.schema(), trained.schema(), "by position where there is no header");
    let options = OpenOptions { keep: vec![], ..options };
    let error = open(&write("w.csv", "50,3\n").path, &options).unwrap_err().to_string();
    assert!(error.contains("2 columns and no header, expected 3"), "{error}");
    let error = open(&write("w.csv", "Age,code,city\n50,3,Rome\n").path, &options).unwrap_err().to_string();
    assert!(error.contains("column `age`") && error.contains("`Age`"), "{error}");
}

#[test]
fn large_files_have_blocks_and_exact_lines() {
    let mut text = String::from("a,b,c\n");
    for row in 0..200_000 {
        writeln!(text, "{row},{}.25,{}", row % 97, ["red", "green", "\"two\nlines\""][row % 3]).unwrap();
    }
    let file = write("t.csv", &text);
    let source = open(&file.path, &OpenOptions::default()).unwrap();
    assert!(source.blocks().len() > 1);
    let rows = whole(source.as_ref());
    assert!(
        rows.iter()
            .enumerate()
            .all(|(row, cells)| cells[0] == row.to_string() && cells[1] == format!("{}.25", row % 97))
    );
    assert_eq!(rows[199_997][2], "two\nlines");
    text.push_str("200000,oops,red\n");
    let file = write("t.csv", &text);
    let source = open(&file.path, &OpenOptions::default()).unwrap();
    let error = source.read(source.blocks().len() - 1).unwrap_err().to_string();
    let line = text.lines().count();
    assert!(error.contains(&format!("line {line}, column `b`: \"oops\" is not a number")), "{error}");
}

#[test]
fn compressed_text_and_streams_are_read() {
    let text = "x,y\n1,2\n3,4\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let bytes = gzip.finish().unwrap();
    let source = open(&write("t.csv.gz", &bytes).path, &OpenOptions::default()).unwrap();
    assert_eq!(whole(source.as_ref()), [["1", "2"], ["3", "4"]]);
    let error = open(&write("t.csv.gz", &bytes[..bytes.len() - 5]).path, &OpenOptions::default()).unwrap_err();
    assert!(error.to_string().contains("not a readable gzip file"), "{error}");
    let source = open_stream(&mut text.as_bytes(), "standard input", &OpenOptions::default()).unwrap();
    assert_eq!(source.rows(), 2);
    let source = open_stream(&mut bytes.as_slice(), "standard input", &OpenOptions::default()).unwrap();
    assert_eq!(whole(source.as_ref()), [["1", "2"], ["3", "4"]]);
    let error = open_stream(&mut &bytes[..bytes.len() - 5], "standard input", &OpenOptions::default()).unwrap_err();
    assert!(error.to_string().contains("standard input"), "{error}");
}
