//! One JSON object a line: dense values as one array, then the columns by name; missing values are null.

use std::path::Path;

use super::number;
use super::rows::Line;
use crate::{Block, ColumnData, ColumnKind, Error, Result, Schema};

/// Rows as JSON objects.
pub(super) struct Jsonl {
    width: usize,
    /// `"z":` for dense values, if there are any.
    dense: Option<Vec<u8>>,
    keys: Vec<(Vec<u8>, ColumnKind)>,
}

impl Jsonl {
    pub(super) fn new(path: &Path, schema: &Schema, prefix: &str) -> Result<Self> {
        let key = |name: &str| {
            let mut key = Vec::new();
            append_string(name, &mut key);
            key.push(b':');
            key
        };
        if schema.sample.width().is_some() && schema.position(prefix).is_some() {
            return Err(Error::Output {
                path: path.to_owned(),
                what: format!("two values called `{prefix}`"),
                advice: "rename the column",
            });
        }
        Ok(Self {
            width: schema.sample.width().unwrap_or(0),
            dense: schema.sample.width().map(|_| key(prefix)),
            keys: schema.columns.iter().map(|column| (key(&column.name), column.kind)).collect(),
        })
    }
}

fn append_string(text: &str, line: &mut Vec<u8>) {
    // A string is always representable, and writing to memory does not fail.
    let _ = serde_json::to_writer(line, text);
}

fn append_value(kind: ColumnKind, column: &ColumnData, row: usize, line: &mut Vec<u8>) {
    match column {
        ColumnData::Numbers(values) => match (kind, values[row]) {
            (_, value) if !value.is_finite() => line.extend_from_slice(b"null"),
            (ColumnKind::Boolean, value) => line.extend_from_slice(if value == 0.0 { b"false" } else { b"true" }),
            (ColumnKind::Time, value) => {
                line.push(b'"');
                number::append_time(value, line);
                line.push(b'"');
            }
            (_, value) => number::append(value, line),
        },
        ColumnData::Texts(texts) => match texts.get(row) {
            Some(text) => append_string(text, line),
            None => line.extend_from_slice(b"null"),
        },
    }
}

impl Line for Jsonl {
    fn header(&self) -> Vec<u8> {
        Vec::new()
    }

    fn width(&self) -> usize {
        self.width + self.keys.len()
    }

    fn append(&self, block: &Block, row: usize, line: &mut Vec<u8>) {
        line.push(b'{');
        if let Some(key) = &self.dense {
            line.extend_from_slice(key);
            line.push(b'[');
            for (index, &value) in block.dense[row * self.width..(row + 1) * self.width].iter().enumerate() {
                if index > 0 {
                    line.push(b',');
                }
                if value.is_finite() {
                    number::append(value, line);
                } else {
                    line.extend_from_slice(b"null");
                }
            }
            line.push(b']');
        }
        for (index, ((key, kind), column)) in self.keys.iter().zip(&block.columns).enumerate() {
            if index > 0 || self.dense.is_some() {
                line.push(b',');
            }
            line.extend_from_slice(key);
            append_value(*kind, column, row, line);
        }
        line.extend_from_slice(b"}\n");
    }
}
