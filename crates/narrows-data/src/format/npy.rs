//! NPY: one array of numbers, read by position; and the source that NPZ and safetensors share with it.

use std::ops::Range;
use std::path::Path;

use super::labels::Labels;
use super::npy_header;
use super::storage::Storage;
use super::strided::StridedArray;
use crate::{Block, Error, Result, Sample, Schema, Source};

/// Rows of a dense array, perhaps with a label for each.
#[derive(Debug)]
pub struct ArraySource {
    origin: String,
    schema: Schema,
    blocks: Vec<Range<usize>>,
    array: StridedArray,
    labels: Option<Labels>,
}

/// Opens an NPY file: `[N]` and `[N, D]` become rows of 1 and D numbers, `[N, ..dims]` rows of shape `dims`.
/// Any order and byte order; booleans, integers and floats.
///
/// # Errors
/// The file cannot be read, is not NPY, holds no numbers or no rows, or its length is not what its header claims.
pub fn open(path: &Path) -> Result<ArraySource> {
    let (storage, length) = Storage::open(path)?;
    let header = npy_header::read(path, &storage, length)?;
    let layout = header.layout(path)?;
    if header.file_bytes() != u128::from(length) {
        return Err(Error::Length { path: path.to_owned(), claimed: layout.bytes(), held: length - header.data });
    }
    let array = StridedArray::new(path, storage, header.data, &layout)?;
    ArraySource::new(path, array, None)
}

impl ArraySource {
    pub(super) fn new(path: &Path, array: StridedArray, labels: Option<Labels>) -> Result<Self> {
        if let Some(labels) = &labels
            && labels.rows() != array.rows()
        {
            return Err(Error::RowCounts {
                path: path.to_owned(),
                first: "the array".into(),
                first_rows: array.rows(),
                second: format!("{:?}", labels.column.name),
                second_rows: labels.rows(),
            });
        }
        let schema = Schema {
            sample: Sample::Array { dims: array.dims().to_vec() },
            columns: labels.iter().map(|labels| labels.column.clone()).collect(),
        };
        Ok(Self { origin: path.display().to_string(), schema, blocks: array.blocks(), array, labels })
    }
}

impl Source for ArraySource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.array.rows()
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    fn read(&self, index: usize) -> Result<Block> {
        let rows = self.blocks.get(index).cloned().unwrap_or_default();
        Ok(Block {
            rows: rows.len(),
            dense: self.array.read_f32(rows.clone())?,
            columns: self.labels.iter().map(|labels| labels.read(rows.clone())).collect::<Result<_>>()?,
        })
    }

    fn origin(&self) -> &str {
        &self.origin
    }
}
