//! safetensors: the samples as `X`, numeric columns beside them as tensors of their own.
//! Format: <https://github.com/huggingface/safetensors>.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::members::{Finished, Members};
use super::{Sink, is_text};
use crate::atomic::{AtomicFile, write_error};
use crate::{Block, Error, Result, Schema};

/// A file of tensors.
pub(super) struct SafetensorsSink {
    path: PathBuf,
    file: AtomicFile,
    members: Members,
}

impl SafetensorsSink {
    pub(super) fn new(path: &Path, schema: &Schema, force: bool) -> Result<Self> {
        if let Some(column) = schema.columns.iter().find(|column| is_text(column.kind)) {
            return Err(Error::Output {
                path: path.to_owned(),
                what: format!("the text column `{}` to safetensors", column.name),
                advice: "write .npz, .csv, .parquet or .arrow",
            });
        }
        let members = Members::new(path, schema, force)?;
        Ok(Self { path: path.to_owned(), file: AtomicFile::create(path, force)?, members })
    }
}

impl Sink for SafetensorsSink {
    fn write(&mut self, block: &Block) -> Result<()> {
        self.members.write(block)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { path, file, members } = *self;
        let rows = members.rows;
        let (matrix, columns) = members.finish()?;
        let mut tensors: Vec<(String, &str, Vec<usize>, File)> = Vec::new();
        if let Some((matrix, values)) = matrix {
            let shape = [&[rows], matrix.dims.as_slice()].concat();
            tensors.push(("X".into(), if matrix.double { "F64" } else { "F32" }, shape, values));
        }
        for (name, column) in columns {
            if let Finished::Numbers(values) = column {
                tensors.push((name, "F64", vec![rows], values));
            }
        }
        let failed = |source| write_error(&path, source);
        let mut header = serde_json::Map::new();
        let mut offset = 0;
        for (name, dtype, shape, _) in &tensors {
            let size = if *dtype == "F64" { 8 } else { 4 };
            let end = offset + shape.iter().product::<usize>() * size;
            header.insert(name.clone(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [offset, end] }));
            offset = end;
        }
        let mut header = serde_json::Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut writer = BufWriter::with_capacity(1 << 20, file);
        writer.write_all(&(header.len() as u64).to_le_bytes()).map_err(failed)?;
        writer.write_all(&header).map_err(failed)?;
        for (.., mut values) in tensors {
            io::copy(&mut values, &mut writer).map_err(failed)?;
        }
        writer.into_inner().map_err(|failure| failed(failure.into_error()))?.commit()
    }
}
