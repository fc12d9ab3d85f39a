//! Makes a large NPY and a large Parquet file of correlated numbers: `large_files DIRECTORY GIGABYTES`.
//!
//! Every row is a point near an eight-dimensional linear subspace, so that there is something to learn; values are f32.

use std::path::Path;

use narrows_data::sink::{self, SinkOptions};
use narrows_data::{Block, Column, ColumnData, ColumnKind, Sample, Schema};

/// Columns of either file.
const COLUMNS: usize = 250;
/// Rows that are made at a time.
const ROWS: usize = 20_000;
/// Directions of the subspace.
const FACTORS: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, gigabytes] = arguments.as_slice() else {
        return Err("usage: large_files DIRECTORY GIGABYTES".into());
    };
    let rows = (gigabytes.parse::<f64>()? * 1e9 / (COLUMNS * size_of::<f32>()) as f64) as usize;
    let array = Schema { sample: Sample::Array { dims: vec![COLUMNS] }, columns: Vec::new() };
    let columns = (0..COLUMNS).map(|column| Column::feature(format!("c{column}"), ColumnKind::Number)).collect();
    let table = Schema { sample: Sample::Table, columns };
    for (name, schema) in [("large.npy", array), ("large.parquet", table)] {
        let path = Path::new(directory).join(name);
        let mut sink = sink::create(&path, &schema, &SinkOptions { force: true, ..SinkOptions::default() })?;
        let mut state = 1u64;
        for first in (0..rows).step_by(ROWS) {
            let dense = block(ROWS.min(rows - first), &mut state);
            sink.write(&shaped(dense, &schema.sample))?;
        }
        sink.finish()?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Values `[rows, COLUMNS]`.
fn block(rows: usize, state: &mut u64) -> Vec<f32> {
    let mut values = Vec::with_capacity(rows * COLUMNS);
    for _ in 0..rows {
        let factors: [f32; FACTORS] = std::array::from_fn(|_| uniform(state));
        for column in 0..COLUMNS {
            let mixed: f32 = (0..FACTORS).map(|at| factors[at] * ((column * (at + 1)) as f32 * 0.37).sin()).sum();
            values.push(mixed + 0.1 * uniform(state));
        }
    }
    values
}

/// Dense for an array, column by column for a table.
fn shaped(dense: Vec<f32>, sample: &Sample) -> Block {
    let rows = dense.len() / COLUMNS;
    match sample {
        Sample::Table => {
            let column = |at| dense.iter().skip(at).step_by(COLUMNS).map(|&value| f64::from(value)).collect();
            Block { rows, dense: Vec::new(), columns: (0..COLUMNS).map(|at| ColumnData::Numbers(column(at))).collect() }
        }
        _ => Block { rows, dense, columns: Vec::new() },
    }
}

/// Uniform in -1..1: the high bits of a 64-bit linear congruential generator (Knuth's constants).
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}
