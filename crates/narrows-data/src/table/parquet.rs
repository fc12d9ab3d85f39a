//! Parquet as a source: slices of row groups, and of these only the columns that are read.

use std::fmt::Display;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;

use super::TableError;
use super::columnar::{Columns, SAMPLED};
use super::contain::contain;
use crate::{Block, Error, OpenOptions, Result, Sample, Schema, Source};

/// Values of a block.
const BLOCK_VALUES: usize = 1 << 20;

/// A Parquet file.
#[derive(Debug)]
pub(crate) struct Parquet {
    file: ParquetFile,
    schema: Schema,
    columns: Columns,
    blocks: Vec<Range<usize>>,
    places: Vec<Place>,
}

/// Where a block is.
#[derive(Clone, Debug)]
struct Place {
    row_group: usize,
    rows: Range<usize>,
}

#[derive(Debug)]
struct ParquetFile {
    path: PathBuf,
    origin: String,
    metadata: ArrowReaderMetadata,
}

impl Parquet {
    /// Reads the footer.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let file = ParquetFile::open(path)?;
        let metadata = file.metadata.metadata();
        let mut groups = Vec::with_capacity(metadata.num_row_groups());
        for group in metadata.row_groups() {
            let rows = usize::try_from(group.num_rows());
            groups.push(rows.map_err(|_| file.damaged("a row group has a negative number of rows"))?);
        }
        let sampled = groups.iter().position(|rows| *rows > 0);
        let sampled = sampled.map(|group| Place { row_group: group, rows: 0..groups[group].min(SAMPLED) });
        if sampled.is_none() && !options.lenient {
            return Err(Error::Empty { path: path.to_owned(), expected: "a table with at least one row" });
        }
        let first = |places: &[usize]| match &sampled {
            Some(sampled) => Ok::<Vec<ArrayRef>, Error>(file.read(sampled, places)?.columns().to_vec()),
            None => Ok(Vec::new()),
        };
        let columns = Columns::choose(&file.origin, file.metadata.schema(), options, first)?;
        let each = (BLOCK_VALUES / columns.read.len().max(1)).max(1);
        let (mut blocks, mut places) = (Vec::new(), Vec::new());
        let mut start = 0;
        for (row_group, rows) in groups.into_iter().enumerate() {
            for slice in crate::memory::cut(rows, each) {
                blocks.push(start..start + slice.len());
                start += slice.len();
                places.push(Place { row_group, rows: slice });
            }
        }
        let schema = Schema { sample: Sample::Table, columns: columns.read.clone() };
        Ok(Self { file, schema, columns, blocks, places })
    }
}

impl ParquetFile {
    fn open(path: &Path) -> Result<Self> {
        let file = open(path)?;
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let damaged = |reason| TableError::Damaged { path: path.to_owned(), format: "Parquet", reason };
        let load = || ArrowReaderMetadata::load(&file, options).map_err(|error| damaged(error.to_string()));
        let metadata = contain(load, damaged)?;
        Ok(Self { path: path.to_owned(), origin: path.display().to_string(), metadata })
    }

    fn damaged(&self, reason: impl Display) -> TableError {
        let reason = reason.to_string();
        // The library says of a codec that was left out which of its own features was.
        let reason = match reason.split("Disabled feature at compile time: ").nth(1) {
            Some(codec) => {
                format!(
                    "compressed with {codec}, which is not read; write it with zstd, snappy, gzip or no compression"
                )
            }
            None => reason,
        };
        TableError::Damaged { path: self.path.clone(), format: "Parquet", reason }
    }

    /// The rows at `place` of the columns at `columns`.
    fn read(&self, place: &Place, columns: &[usize]) -> Result<RecordBatch> {
        contain(|| self.decode(place, columns), |reason| self.damaged(reason).into())
    }

    fn decode(&self, place: &Place, columns: &[usize]) -> Result<RecordBatch> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let rows = place.rows.len();
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(open(&self.path)?, self.metadata.clone())
            .with_projection(mask)
            .with_row_groups(vec![place.row_group])
            .with_offset(place.rows.start)
            .with_limit(rows)
            .with_batch_size(rows)
            .build()
            .map_err(|error| self.damaged(error))?;
        let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().map_err(|error| self.damaged(error))?;
        let whole = match &batches[..] {
            [] => return Err(self.damaged("a row group ends early").into()),
            [batch] => batch.clone(),
            [first, ..] => concat_batches(&first.schema(), &batches).map_err(|error| self.damaged(error))?,
        };
        if whole.num_rows() == rows { Ok(whole) } else { Err(self.damaged("a row group ends early").into()) }
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|source| Error::Io { path: path.to_owned(), action: "cannot open", source })
}

impl Source for Parquet {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.blocks.last().map_or(0, |rows| rows.end)
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    fn read(&self, index: usize) -> Result<Block> {
        let place = self.places.get(index).ok_or_else(|| super::no_block(self, index))?;
        let batch = self.file.read(place, &self.columns.places)?;
        contain(|| self.columns.block(&batch), |reason| self.file.damaged(reason).into())
    }

    fn origin(&self) -> &str {
        &self.file.origin
    }
}
