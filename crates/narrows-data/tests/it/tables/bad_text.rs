//! Delimited text that is refused, with the place named.

use narrows_data::{Error, OpenOptions, Result, Source, TableError, open};

use super::{open_text, write};

fn read_all(source: Result<Box<dyn Source>>) -> Error {
    match source {
        Err(error) => error,
        Ok(source) => (0..source.blocks().len()).find_map(|index| source.read(index).err()).expect("an error"),
    }
}

fn message(text: &str) -> String {
    read_all(open_text(text)).to_string()
}

#[test]
fn nothing_in_it() {
    assert!(matches!(open_text(""), Err(Error::Empty { .. })));
    assert!(matches!(open_text("\n \n"), Err(Error::Empty { .. })));
    assert!(matches!(open_text("a,b,c\n"), Err(Error::Table(TableError::HeaderOnly { columns: 3, .. }))));
}

#[test]
fn ragged_rows_are_named() {
    let error = message("a,b,c\n1,2,3\n4,5\n6,7,8\n");
    assert!(error.contains("line 3: 2 cells, expected 3"), "{error}");
    let error = message("a,b,c\n1,2,3\n4,5,6,7\n6,7,8\n");
    assert!(error.contains("line 3: 4 cells, expected 3"), "{error}");
    let error = message("a,b\n\"x\ny\",2\n\nz,2\n3\n");
    assert!(error.contains("line 6: 1 cells, expected 2"), "{error}");
}

#[test]
fn stray_text_in_numbers_is_named() {
    let error = message("age,city\n30,Rome\n40,Oslo\nforty,Bern\n");
    assert!(error.contains("line 4, column `age`: \"forty\" is not a number"), "{error}");
    assert!(error.contains("--exclude age"), "{error}");
    let error = message("t,x\n2020-01-01,1\n2020-01-02,2\nsoon,3\n");
    assert!(error.contains("line 4, column `t`: \"soon\" is not a time"), "{error}");
}

#[test]
fn infinities_are_named() {
    for text in ["inf", "-Infinity", "1e999"] {
        let error = message(&format!("x,y\n1,2\n3,{text}\n4,5\n"));
        assert!(error.contains("line 3, column `y`: infinite"), "{error}");
    }
}

#[test]
fn quotes_that_never_close_end_with_the_file() {
    let error = message("a,b\nx,2\n\"y,4\nz,6\n");
    assert!(error.contains("line 3: a quoted cell opens in this row and never closes"), "{error}");
}

#[test]
fn unknown_and_doubled_columns_are_named() {
    let file = write("t.csv", "age,hours-per-week\n1,2\n3,4\n");
    let options = OpenOptions { columns: Some(vec!["hours_per_week".into()]), ..Default::default() };
    let error = open(&file.path, &options).unwrap_err().to_string();
    assert!(error.contains("no column `hours_per_week` (did you mean `hours-per-week`?); it has `age`"), "{error}");
    let error = message("a,b,a\n1,2,3\n");
    assert!(error.contains("columns 1 and 3 are both called `a`"), "{error}");
}

#[test]
fn other_encodings_are_refused() {
    let bytes: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut marked = vec![0xff, 0xfe];
    marked.extend(&bytes);
    for bytes in [bytes, marked] {
        let error = open(&write("t.csv", bytes).path, &OpenOptions::default()).unwrap_err().to_string();
        assert!(error.contains("expected UTF-8 text"), "{error}");
    }
    let error = read_all(open(&write("t.csv", b"a,b\nx,1\n\xe9t\xe9,2\nx,3\n").path, &OpenOptions::default()));
    assert!(matches!(error, Error::Table(TableError::NotText { line: 3, .. })), "{error}");
}
