//! Lines of JSON objects as a table.

use narrows_data::{ColumnData, ColumnKind, Error, OpenOptions, open};

use super::write;

const LOG: &str = r#"{"t": "2020-01-01T00:00:00Z", "level": 1.5, "state": "on, \"full\""}

{"state": null, "level": 2, "t": "2020-01-01T00:01:00Z", "open": true}
{"t": "2020-01-01T00:02:00Z", "level": -3e2, "state": "off", "open": false}
"#;

#[test]
fn values_are_columns_by_name() {
    let file = write("log.jsonl", LOG);
    let source = open(&file.path, &OpenOptions::default()).unwrap();
    let columns = &source.schema().columns;
    let known: Vec<_> = columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
    let (time, number, category, flag) =
        (ColumnKind::Time, ColumnKind::Number, ColumnKind::Category, ColumnKind::Boolean);
    assert_eq!(known, [("t", time), ("level", number), ("state", category), ("open", flag)]);
    let block = source.read(0).unwrap();
    assert_eq!(block.rows, 3);
    let ColumnData::Numbers(level) = &block.columns[1] else { panic!("level is no number") };
    assert_eq!(level, &[1.5, 2.0, -300.0]);
    // A table of the same content is the same.
    let text = "t,level,state,open\n2020-01-01T00:00:00Z,1.5,\"on, \"\"full\"\"\",\n2020-01-01T00:01:00Z,2,,true\n\
                2020-01-01T00:02:00Z,-3e2,off,false\n";
    let table = write("log.csv", text);
    let table = open(&table.path, &OpenOptions::default()).unwrap();
    assert_eq!(format!("{:?}", table.read(0).unwrap()), format!("{block:?}"));
}

#[test]
fn what_is_no_object_is_named() {
    let message = |text: &str| {
        let file = write("log.jsonl", text);
        open(&file.path, &OpenOptions::default()).unwrap_err().to_string()
    };
    let error = message("{\"a\": 1}\n\n{\"a\": 2\n{\"a\": 3}\n");
    assert!(error.contains("line 3: no JSON object") && error.contains("mend or remove"), "{error}");
    let error = message("{\"a\": 1}\n{\"a\": [1, 2]}\n");
    assert!(error.contains("line 2, `a`: a list or an object"), "{error}");
    let file = write("log.jsonl", "{}\n{}\n");
    assert!(matches!(open(&file.path, &OpenOptions::default()), Err(Error::Empty { .. })));
}

#[test]
fn words_for_numbers_that_are_none_are_missing_or_infinite() {
    let lines = "{\"a\": NaN, \"b\": \"NaN, \\\"Infinity\"}\n{\"a\": 2, \"b\": null}\n";
    let file = write("log.jsonl", lines);
    let block = open(&file.path, &OpenOptions::default()).unwrap().read(0).unwrap();
    let ColumnData::Numbers(a) = &block.columns[0] else { panic!("a is no number") };
    assert!(a[0].is_nan() && a[1] == 2.0, "{a:?}");
    let ColumnData::Texts(b) = &block.columns[1] else { panic!("b is no text") };
    assert_eq!(b.get(0), Some("NaN, \"Infinity"));
    for number in ["-Infinity", "1e999"] {
        let file = write("log.jsonl", format!("{{\"a\": 1}}\n{{\"a\": {number}}}\n"));
        let error = open(&file.path, &OpenOptions::default()).unwrap().read(0).unwrap_err().to_string();
        assert!(error.contains("line 2, column `a`: infinite"), "{error}");
    }
}

#[test]
fn leniently_a_line_that_is_no_object_is_a_row_of_missing_values() {
    let file = write("log.jsonl", "garbage\n{\"a\": 1}\n");
    let source = open(&file.path, &OpenOptions { lenient: true, ..OpenOptions::default() }).unwrap();
    assert_eq!((source.rows(), source.schema().columns.len()), (2, 1));
    let file = write("log.jsonl", "{\"a\": 1, \"b\": 2}\ngarbage, and more\n{\"a\": [1], \"b\": 4}\n");
    let source = open(&file.path, &OpenOptions { lenient: true, ..OpenOptions::default() }).unwrap();
    let block = source.read(0).unwrap();
    let ColumnData::Numbers(b) = &block.columns[1] else { panic!("b is no number") };
    assert!(b[0] == 2.0 && b[1].is_nan() && b[2] == 4.0, "{b:?}");
    let faults = source.faults();
    assert_eq!(faults.lines, 1);
    assert!(faults.first[0].contains("line 2: no JSON object"), "{:?}", faults.first);
}
