//! Delimited text that is refused, with the place named.

use narrows_data::{ColumnData, Error, OpenOptions, Result, Source, TableError, open};

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
    assert!(message("a,b\nx,2\ny,\"4").contains("line 3: a quoted cell opens"));
    let error = message("a,b\nx,2\ny,\"4\nz,6\n");
    assert!(error.contains("line 3: a quoted cell opens in this row and never closes"), "{error}");
}

#[test]
fn leniently_a_stray_quote_or_zero_bytes_spoil_their_line_only() {
    let rows = |text: &str| {
        let file = write("t.csv", text);
        let source = open(&file.path, &OpenOptions { lenient: true, ..OpenOptions::default() }).unwrap();
        let blocks = (0..source.blocks().len()).map(|index| source.read(index).unwrap());
        let values = blocks.flat_map(|block| match &block.columns[0] {
            ColumnData::Numbers(values) => values.clone(),
            other @ ColumnData::Texts(_) => panic!("{other:?}"),
        });
        (values.map(|value| if value.is_nan() { None } else { Some(value) }).collect::<Vec<_>>(), source.faults())
    };
    let quoted = "1,\"two\nlines\",x\n";
    for line in ["2,\"y,z\n", "\"2,y,z\n", "2,y,\"z\n", "2,\"y,z\n3,\"y\",z\n", "2,\0\0,z\n"] {
        for behind in ["4,y,z\n5,y,z\n", "4,y,z\n5,\"y\",\"z\"\n", "4,\"y\ny\",z\n5,y,z"] {
            let (found, faults) = rows(&format!("a,b,c\n{quoted}{line}{behind}"));
            let lines = line.matches('\n').count();
            assert_eq!(found.len(), 3 + lines, "{line}{behind}");
            assert_eq!((found[0], &found[1 + lines..]), (Some(1.0), &[Some(4.0), Some(5.0)][..]), "{line}{behind}");
            let zero = line.contains('\0');
            assert_eq!(faults.lines, usize::from(!zero), "{faults:?}");
            assert!(zero || faults.first[0].contains("line 4: "), "{faults:?}");
        }
    }
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
