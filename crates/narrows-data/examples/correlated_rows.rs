//! Writes a file of correlated numbers, for benchmarks: `correlated_rows FILE ROWS COLUMNS`; the extension says the format.
//!
//! Every row is a point near an eight-dimensional linear subspace, so that there is something to learn; values are f32.

use std::path::Path;

use narrows_data::sink::{self, SinkOptions};
use narrows_data::{Block, Column, ColumnData, ColumnKind, Sample, Schema};

/// Rows that are made at a time.
const ROWS: usize = 20_000;
/// Directions of the subspace.
const FACTORS: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, rows, columns] = arguments.as_slice() else {
        return Err("usage: correlated_rows FILE ROWS COLUMNS".into());
    };
    let (path, rows, columns): (_, usize, usize) = (Path::new(path), rows.parse()?, columns.parse()?);
    let schema = if path.extension().is_some_and(|extension| extension == "npy") {
        Schema { sample: Sample::Array { dims: vec![columns] }, columns: Vec::new() }
    } else {
        let named = (0..columns).map(|column| Column::feature(format!("c{column}"), ColumnKind::Number));
        Schema { sample: Sample::Table, columns: named.collect() }
    };
    let mut sink = sink::create(path, &schema, &SinkOptions { force: true, ..SinkOptions::default() })?;
    let mut state = 1;
    for first in (0..rows).step_by(ROWS) {
        let dense = block(ROWS.min(rows - first), columns, &mut state);
        sink.write(&shaped(dense, columns, &schema.sample))?;
    }
    Ok(sink.finish()?)
}

/// Values `[rows, columns]`.
fn block(rows: usize, columns: usize, state: &mut u64) -> Vec<f32> {
    let mut values = Vec::with_capacity(rows * columns);
    for _ in 0..rows {
        let factors: [f32; FACTORS] = std::array::from_fn(|_| uniform(state));
        for column in 0..columns {
            let mixed: f32 = (0..FACTORS).map(|at| factors[at] * ((column * (at + 1)) as f32 * 0.37).sin()).sum();
            values.push(mixed + 0.1 * uniform(state));
        }
    }
    values
}

/// Dense for an array, column by column for a table.
fn shaped(dense: Vec<f32>, columns: usize, sample: &Sample) -> Block {
    let rows = dense.len() / columns;
    match sample {
        Sample::Table => {
            let column = |at| dense.iter().skip(at).step_by(columns).map(|&value| f64::from(value)).collect();
            Block { rows, dense: Vec::new(), columns: (0..columns).map(|at| ColumnData::Numbers(column(at))).collect() }
        }
        _ => Block { rows, dense, columns: Vec::new() },
    }
}

/// Uniform in -1..1: the high bits of a 64-bit linear congruential generator (Knuth's constants).
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}
