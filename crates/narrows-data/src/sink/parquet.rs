//! Parquet: row groups of a few megabytes, their columns encoded in parallel.

use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use super::columnar::Batches;
use super::output::Output;
use super::{Sink, is_text};
use crate::atomic::wrapped_error;
use crate::{Block, Result, Schema};

/// Values in a row group.
const GROUP_VALUES: usize = 1 << 21;

/// A Parquet file.
pub(super) struct ParquetSink {
    path: PathBuf,
    batches: Batches,
    writer: SerializedFileWriter<Output>,
    factory: ArrowRowGroupWriterFactory,
    /// Batches of the row group in the making.
    pending: Vec<RecordBatch>,
    rows: usize,
    groups: usize,
    group_rows: usize,
}

impl ParquetSink {
    pub(super) fn new(output: Output, schema: &Schema, prefix: &str) -> Result<Self> {
        let (path, batches) = (output.path().to_owned(), Batches::new(schema, prefix));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_created_by("narrows".into());
        for column in schema.columns.iter().filter(|column| is_text(column.kind)) {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(vec![column.name.clone()]), true);
        }
        let writer = ArrowWriter::try_new(output, batches.schema.clone(), Some(properties.build()))
            .and_then(ArrowWriter::into_serialized_writer);
        let (writer, factory) = writer.map_err(|error| wrapped_error(&path, error))?;
        let columns = writer.schema_descr().columns();
        let group_rows = (GROUP_VALUES / columns.len().max(1)).max(1);
        Ok(Self { path, batches, writer, factory, pending: Vec::new(), rows: 0, groups: 0, group_rows })
    }

    fn write_group(&mut self) -> ParquetResult<()> {
        let columns = self.factory.create_column_writers(self.groups)?;
        let chunks: Vec<ArrowColumnChunk> = columns
            .into_par_iter()
            .enumerate()
            .map(|(index, mut column)| {
                let field = self.batches.schema.field(index);
                for batch in &self.pending {
                    for leaf in compute_leaves(field, batch.column(index))? {
                        column.write(&leaf)?;
                    }
                }
                column.close()
            })
            .collect::<ParquetResult<_>>()?;
        let mut group = self.writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.pending.clear();
        (self.rows, self.groups) = (0, self.groups + 1);
        Ok(())
    }
}

impl Sink for ParquetSink {
    fn write(&mut self, block: &Block) -> Result<()> {
        let batch = self.batches.batch(&self.path, block)?;
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = (self.group_rows - self.rows).min(batch.num_rows() - start);
            self.pending.push(batch.slice(start, rows));
            (self.rows, start) = (self.rows + rows, start + rows);
            if self.rows == self.group_rows {
                self.write_group().map_err(|error| wrapped_error(&self.path, error))?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if self.rows > 0 {
            self.write_group().map_err(|error| wrapped_error(&self.path, error))?;
        }
        let output = self.writer.into_inner().map_err(|error| wrapped_error(&self.path, error))?;
        output.commit()
    }
}
