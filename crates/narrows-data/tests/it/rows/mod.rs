//! Splits, preparation and feeding over rows in memory.

mod feeding;
mod preparation;
mod splits;
mod windows;

use std::sync::Arc;

use narrows_data::{Block, Column, ColumnData, ColumnKind, Memory, Sample, Schema, Source, Texts};

/// Texts by value; `None` is missing.
pub(crate) fn texts(values: &[Option<&str>]) -> ColumnData {
    let mut levels: Vec<Arc<str>> = Vec::new();
    let codes = values.iter().map(|value| match value {
        None => Texts::MISSING,
        Some(value) => {
            let known = levels.iter().position(|level| **level == **value);
            known.unwrap_or_else(|| {
                levels.push((*value).into());
                levels.len() - 1
            }) as u32
        }
    });
    let codes = codes.collect();
    ColumnData::Texts(Texts { codes, levels })
}

/// A table in blocks of `block` rows.
pub(crate) fn table(columns: Vec<(Column, ColumnData)>, block: usize) -> Memory {
    let rows = columns.first().map_or(0, |(_, values)| values.len());
    let (columns, data): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let schema = Schema { sample: Sample::Table, columns };
    Memory::new("test", schema, Block { rows, dense: Vec::new(), columns: data }).unwrap().with_block_rows(block)
}

/// A column of numbers.
pub(crate) fn number(name: &str, values: Vec<f64>) -> (Column, ColumnData) {
    (Column::feature(name, ColumnKind::Number), ColumnData::Numbers(values))
}

/// Vectors of `width` values, row `i` holding `i * width ..`.
pub(crate) fn counting(rows: usize, width: usize, block: usize) -> Memory {
    let schema = Schema { sample: Sample::Array { dims: vec![width] }, columns: Vec::new() };
    let dense = (0..rows * width).map(|value| value as f32).collect();
    Memory::new("counting", schema, Block { rows, dense, columns: Vec::new() }).unwrap().with_block_rows(block)
}

pub(crate) fn shared(source: impl Source + 'static) -> Arc<dyn Source> {
    Arc::new(source)
}
