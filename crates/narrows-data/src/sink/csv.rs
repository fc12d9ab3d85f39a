//! Delimited text with a header (RFC 4180); missing values are empty.

use super::rows::Line;
use super::{dense_names, number};
use crate::{Block, ColumnData, ColumnKind, Schema};

/// Rows as delimited text.
pub(super) struct Csv {
    delimiter: u8,
    dense: usize,
    names: Vec<String>,
    kinds: Vec<ColumnKind>,
}

impl Csv {
    pub(super) fn new(schema: &Schema, prefix: &str, delimiter: u8) -> Self {
        let mut names = dense_names(schema, prefix);
        let dense = names.len();
        names.extend(schema.columns.iter().map(|column| column.name.clone()));
        Self { delimiter, dense, names, kinds: schema.columns.iter().map(|column| column.kind).collect() }
    }

    fn append_text(&self, text: &str, line: &mut Vec<u8>) {
        let special = |byte: &u8| *byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        let bytes = text.as_bytes();
        let padded =
            bytes.first().is_some_and(u8::is_ascii_whitespace) || bytes.last().is_some_and(u8::is_ascii_whitespace);
        if text.is_empty() || padded || bytes.iter().any(special) {
            line.push(b'"');
            for &byte in bytes {
                if byte == b'"' {
                    line.push(b'"');
                }
                line.push(byte);
            }
            line.push(b'"');
        } else {
            line.extend_from_slice(bytes);
        }
    }

    fn append_number(kind: ColumnKind, value: f64, line: &mut Vec<u8>) {
        match kind {
            _ if value.is_nan() => {}
            ColumnKind::Boolean => line.extend_from_slice(if value == 0.0 { b"false" } else { b"true" }),
            ColumnKind::Time if value.is_finite() => number::append_time(value, line),
            _ => append_real(value, value.is_finite(), value < 0.0, line),
        }
    }
}

fn append_real(value: impl zmij::Float, finite: bool, negative: bool, line: &mut Vec<u8>) {
    if finite {
        number::append(value, line);
    } else {
        line.extend_from_slice(if negative { b"-inf" } else { b"inf" });
    }
}

impl Line for Csv {
    fn header(&self) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                line.push(self.delimiter);
            }
            self.append_text(name, &mut line);
        }
        line.push(b'\n');
        line
    }

    fn width(&self) -> usize {
        self.names.len()
    }

    fn append(&self, block: &Block, row: usize, line: &mut Vec<u8>) {
        let start = line.len();
        for &value in &block.dense[row * self.dense..(row + 1) * self.dense] {
            if !value.is_nan() {
                append_real(value, value.is_finite(), value < 0.0, line);
            }
            line.push(self.delimiter);
        }
        for (kind, column) in self.kinds.iter().zip(&block.columns) {
            match column {
                ColumnData::Numbers(values) => Self::append_number(*kind, values[row], line),
                ColumnData::Texts(texts) => {
                    if let Some(text) = texts.get(row) {
                        self.append_text(text, line);
                    }
                }
            }
            line.push(self.delimiter);
        }
        if line.len() > start {
            line.pop();
        }
        line.push(b'\n');
    }
}
