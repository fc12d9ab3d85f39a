//! NPY: one array; the header is completed when the number of rows is known.

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Sink, is_text};
use crate::atomic::{AtomicFile, write_error};
use crate::{Block, ColumnData, Error, Result, Sample, Schema};

/// The samples as one matrix: dense values as f32, or all columns of a table as f64.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    pub(super) dims: Vec<usize>,
    pub(super) double: bool,
}

impl Matrix {
    /// The matrix that rows of `schema` form, leaving out text columns; `None` for a table without numbers.
    pub(super) fn of(schema: &Schema) -> Option<Self> {
        match &schema.sample {
            Sample::Table => {
                let columns = schema.columns.iter().filter(|column| !is_text(column.kind)).count();
                (columns > 0).then(|| Self { dims: vec![columns], double: true })
            }
            Sample::Array { dims } => Some(Self { dims: dims.clone(), double: false }),
            Sample::Image { height, width, channels } => {
                Some(Self { dims: vec![*height, *width, *channels], double: false })
            }
        }
    }

    /// The values of a block, little-endian, row after row.
    pub(super) fn bytes(&self, block: &Block) -> Vec<u8> {
        if !self.double {
            return block.dense.iter().flat_map(|value| value.to_le_bytes()).collect();
        }
        let numbers: Vec<&[f64]> = block
            .columns
            .iter()
            .filter_map(|column| match column {
                ColumnData::Numbers(values) => Some(values.as_slice()),
                ColumnData::Texts(_) => None,
            })
            .collect();
        let mut bytes = Vec::with_capacity(block.rows * numbers.len() * 8);
        for row in 0..block.rows {
            for column in &numbers {
                bytes.extend(column[row].to_le_bytes());
            }
        }
        bytes
    }
}

/// Version 1.0 of the header, padded to the length that the largest number of rows needs.
pub(super) fn header(descr: &str, rows: usize, dims: &[usize]) -> Vec<u8> {
    let text = |rows: usize| {
        let dims = dims.iter().map(|dim| format!(" {dim},")).collect::<Vec<_>>().concat();
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows},{dims}), }}")
    };
    let total = (10 + text(usize::MAX).len() + 1).next_multiple_of(64);
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend(((total - 10) as u16).to_le_bytes());
    header.extend(text(rows).bytes());
    header.resize(total - 1, b' ');
    header.push(b'\n');
    header
}

/// One NumPy array.
pub(super) struct NpySink {
    path: PathBuf,
    file: BufWriter<AtomicFile>,
    matrix: Matrix,
    rows: usize,
}

impl NpySink {
    pub(super) fn new(path: &Path, schema: &Schema, force: bool) -> Result<Self> {
        let refuse = |what: String| {
            let advice = "write .npz, .csv, .parquet or .arrow, which hold several columns";
            Err(Error::Output { path: path.to_owned(), what, advice })
        };
        if let Some(column) = schema.columns.iter().find(|column| is_text(column.kind)) {
            return refuse(format!("the text column `{}` to NPY", column.name));
        }
        if schema.sample != Sample::Table && !schema.columns.is_empty() {
            return refuse(format!("the column `{}` beside samples to NPY", schema.columns[0].name));
        }
        let Some(matrix) = Matrix::of(schema) else { return refuse("rows without columns to NPY".into()) };
        let mut file = BufWriter::with_capacity(1 << 20, AtomicFile::create(path, force)?);
        file.write_all(&matrix.header(0)).map_err(|source| write_error(path, source))?;
        Ok(Self { path: path.to_owned(), file, matrix, rows: 0 })
    }
}

impl Matrix {
    /// Its header with a number of rows.
    pub(super) fn header(&self, rows: usize) -> Vec<u8> {
        header(if self.double { "<f8" } else { "<f4" }, rows, &self.dims)
    }
}

impl Sink for NpySink {
    fn write(&mut self, block: &Block) -> Result<()> {
        self.rows += block.rows;
        self.file.write_all(&self.matrix.bytes(block)).map_err(|source| write_error(&self.path, source))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { path, file, matrix, rows } = *self;
        let failed = |source| write_error(&path, source);
        let mut file = file.into_inner().map_err(|failure| failed(failure.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        file.write_all(&matrix.header(rows)).map_err(failed)?;
        file.commit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_length() {
        let (empty, full) = (header("<f4", 0, &[28, 28, 1]), header("<f4", usize::MAX, &[28, 28, 1]));
        assert_eq!((empty.len(), empty.len() % 64), (full.len(), 0));
        assert!(header("<f8", 3, &[]).windows(4).any(|part| part == b"(3,)"));
    }
}
