//! Rows as Arrow record batches, for Parquet and Arrow IPC.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Float64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use rayon::prelude::*;

use super::dense_names;
use crate::atomic::wrapped_error;
use crate::{Block, Column, ColumnData, ColumnKind, Result, Schema};

/// Converts blocks to record batches.
pub(super) struct Batches {
    pub(super) schema: SchemaRef,
    width: usize,
    columns: Vec<Column>,
}

impl Batches {
    pub(super) fn new(schema: &Schema, prefix: &str) -> Self {
        let names = dense_names(schema, prefix);
        let width = names.len();
        let mut fields: Vec<Field> = names.into_iter().map(|name| Field::new(name, DataType::Float32, true)).collect();
        fields.extend(schema.columns.iter().map(|column| Field::new(&column.name, data_type(column.kind), true)));
        Self { schema: Arc::new(ArrowSchema::new(fields)), width, columns: schema.columns.clone() }
    }

    pub(super) fn batch(&self, path: &Path, block: &Block) -> Result<RecordBatch> {
        let dense = (0..self.width).into_par_iter().map(|index| {
            let values = block.dense.iter().skip(index).step_by(self.width).copied();
            if block.dense.iter().skip(index).step_by(self.width).any(|value| value.is_nan()) {
                Arc::new(values.map(present32).collect::<Float32Array>()) as ArrayRef
            } else {
                Arc::new(Float32Array::from_iter_values(values)) as ArrayRef
            }
        });
        let mut arrays: Vec<ArrayRef> = dense.collect();
        arrays.extend(self.columns.iter().zip(&block.columns).map(|(column, data)| array(column.kind, data)));
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(|error| wrapped_error(path, error))
    }
}

fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Boolean => DataType::Boolean,
        ColumnKind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnKind::Category | ColumnKind::Text => DataType::Utf8,
    }
}

fn array(kind: ColumnKind, data: &ColumnData) -> ArrayRef {
    match data {
        ColumnData::Numbers(values) => {
            let values = values.iter().map(|&value| (!value.is_nan()).then_some(value));
            match kind {
                ColumnKind::Boolean => Arc::new(values.map(|v| v.map(|v| v != 0.0)).collect::<BooleanArray>()),
                ColumnKind::Time => {
                    let micros = values.map(|value| value.map(|seconds| (seconds * 1e6).round() as i64));
                    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
                }
                _ => Arc::new(values.collect::<Float64Array>()),
            }
        }
        ColumnData::Texts(texts) => Arc::new((0..texts.codes.len()).map(|row| texts.get(row)).collect::<StringArray>()),
    }
}

fn present32(value: f32) -> Option<f32> {
    (!value.is_nan()).then_some(value)
}
