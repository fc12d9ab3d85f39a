//! Tables from files: delimited text, Parquet, Arrow IPC, and the real ones.

mod arrow_files;
mod bad_text;
mod objects;
mod real;
mod text;

use std::path::{Path, PathBuf};

use narrows_data::{Block, ColumnData, OpenOptions, Result, Source, open};

/// A file in a directory that is removed with it.
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    _directory: tempfile::TempDir,
}

pub(crate) fn write(name: &str, bytes: impl AsRef<[u8]>) -> Written {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    Written { path, _directory: directory }
}

pub(crate) fn open_text(text: &str) -> Result<Box<dyn Source>> {
    open(&write("table.csv", text).path, &OpenOptions::default())
}

/// All rows as one block.
pub(crate) fn whole(source: &dyn Source) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (index, range) in source.blocks().iter().enumerate() {
        assert_eq!(range.start, rows.len());
        let block: Block = source.read(index).unwrap();
        assert_eq!(block.rows, range.len());
        for row in 0..block.rows {
            rows.push(block.columns.iter().map(|column| value(column, row)).collect());
        }
    }
    assert_eq!(rows.len(), source.rows());
    rows
}

/// The value at `row`; empty where it is missing.
fn value(column: &ColumnData, row: usize) -> String {
    match column {
        ColumnData::Numbers(values) if values[row].is_nan() => String::new(),
        ColumnData::Numbers(values) => values[row].to_string(),
        ColumnData::Texts(texts) => texts.get(row).unwrap_or_default().to_owned(),
    }
}

/// A file of the shared data, or `None` with the reason printed.
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NARROWS_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there (set NARROWS_DATA)", path.display());
    None
}
