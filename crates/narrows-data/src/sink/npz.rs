//! NPZ: the samples as `X`, every further column as an array of its own; stored, so that it can be read by position.

use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::Sink;
use super::members::{Finished, Members};
use super::npy::header;
use crate::atomic::{AtomicFile, wrapped_error, write_error};
use crate::{Block, Result, Schema};

/// A NumPy archive.
pub(super) struct NpzSink {
    path: PathBuf,
    file: AtomicFile,
    members: Members,
}

impl NpzSink {
    pub(super) fn new(path: &Path, schema: &Schema, force: bool) -> Result<Self> {
        let members = Members::new(path, schema, force)?;
        Ok(Self { path: path.to_owned(), file: AtomicFile::create(path, force)?, members })
    }
}

impl Sink for NpzSink {
    fn write(&mut self, block: &Block) -> Result<()> {
        self.members.write(block)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { path, file, members } = *self;
        let rows = members.rows;
        let (matrix, columns) = members.finish()?;
        let mut archive = ZipWriter::new(BufWriter::with_capacity(1 << 20, file));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        let start = |archive: &mut ZipWriter<_>, name: &str| {
            archive.start_file(format!("{name}.npy"), options).map_err(|error| wrapped_error(&path, error))
        };
        let failed = |source| write_error(&path, source);
        if let Some((matrix, mut values)) = matrix {
            start(&mut archive, "X")?;
            archive.write_all(&matrix.header(rows)).map_err(failed)?;
            io::copy(&mut values, &mut archive).map_err(failed)?;
        }
        for (name, column) in columns {
            start(&mut archive, &name)?;
            write_column(&mut archive, column, rows).map_err(failed)?;
        }
        let buffer = archive.finish().map_err(|error| wrapped_error(&path, error))?;
        let file = buffer.into_inner().map_err(|failure| failed(failure.into_error()))?;
        file.commit()
    }
}

fn write_column<W: Write + Seek>(archive: &mut ZipWriter<W>, column: Finished, rows: usize) -> io::Result<()> {
    match column {
        Finished::Numbers(mut values) => {
            archive.write_all(&header("<f8", rows, &[]))?;
            io::copy(&mut values, archive).map(|_| ())
        }
        Finished::Whole(texts) => {
            archive.write_all(&header("<i8", rows, &[]))?;
            texts.for_each(|text| archive.write_all(&text.parse::<i64>().unwrap_or_default().to_le_bytes()))
        }
        Finished::Texts { texts, longest } => {
            archive.write_all(&header(&format!("<U{longest}"), rows, &[]))?;
            let mut cell = Vec::with_capacity(longest * 4);
            texts.for_each(|text| {
                cell.clear();
                text.chars().for_each(|letter| cell.extend(u32::from(letter).to_le_bytes()));
                cell.resize(longest * 4, 0);
                archive.write_all(&cell)
            })
        }
    }
}
