//! A file of lines that is read while it grows: unlike every other output it has its name from the start, and what
//! [`GrowingFile::sync`] returned is on disk. Who writes remembers that length, and after an interruption goes on from there.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::output::is_stdout;
use super::rows::Line;
use super::{Sink, SinkFormat, csv, jsonl};
use crate::atomic::{alone, check_target, write_error};
use crate::{Block, Error, Result, Schema};

/// Lines appended to a file or to standard output.
pub struct GrowingFile {
    path: PathBuf,
    file: Option<File>,
    line: Box<dyn Line>,
    lines: Vec<u8>,
    /// The last bytes that were handed on.
    tail: Vec<u8>,
}

/// Bytes by which the end of an output is known again.
const TAIL: usize = 256;

impl GrowingFile {
    /// A new file, or with `length` the one that is there, cut to that many bytes.
    ///
    /// # Errors
    /// A new one would replace a file without `force`; the old one is shorter than `length`; its format is not one of
    /// lines; it cannot be written.
    pub fn open(
        path: &Path,
        schema: &Schema,
        format: Option<SinkFormat>,
        force: bool,
        length: Option<u64>,
    ) -> Result<Self> {
        super::distinct(path, schema)?;
        let line: Box<dyn Line> = match format.or_else(|| SinkFormat::of(path)) {
            Some(SinkFormat::Csv) => Box::new(csv::Csv::new(schema, "c", b',')),
            Some(SinkFormat::Tsv) => Box::new(csv::Csv::new(schema, "c", b'\t')),
            Some(SinkFormat::Jsonl) => Box::new(jsonl::Jsonl::new(path, schema, "c")?),
            _ => {
                return Err(Error::Output {
                    path: path.to_owned(),
                    what: "rows that come one by one".into(),
                    advice: "use .csv, .tsv or .jsonl, or - for standard output",
                });
            }
        };
        let failed = |source| write_error(path, source);
        let mut lines = Vec::new();
        let file = if is_stdout(path) {
            None
        } else if let Some(length) = length {
            let mut file = OpenOptions::new().write(true).open(path).map_err(failed)?;
            let found = file.metadata().map_err(failed)?.len();
            if found < length {
                let what = "the bytes of an output that is continued".into();
                let (found, expected) = (found as usize, length as usize);
                return Err(Error::Shape { origin: path.display().to_string(), what, found, expected });
            }
            alone(path, &file)?;
            file.set_len(length).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
            Some(file)
        } else {
            check_target(path, force)?;
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
            alone(path, &file)?;
            file.set_len(0).map_err(failed)?;
            Some(file)
        };
        if length.is_none() || file.is_none() {
            lines = line.header();
        }
        Ok(Self { path: path.to_owned(), file, line, lines, tail: Vec::new() })
    }

    /// Hands on what was written; returns the length of the file, 0 for standard output.
    ///
    /// # Errors
    /// The disk is full, the system refuses, or the file was removed or replaced since it was opened.
    pub fn sync(&mut self) -> Result<u64> {
        let lines = std::mem::take(&mut self.lines);
        if self.file.as_ref().is_some_and(|file| crate::atomic::is_another(file, &self.path)) {
            return Err(Error::Output {
                path: self.path.clone(),
                what: "further rows: the file was removed or replaced while they were written".into(),
                advice: "start anew with --force, and leave the file alone while it is written",
            });
        }
        self.tail.extend(&lines[lines.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        let written = match &mut self.file {
            Some(file) => file.write_all(&lines).and_then(|()| file.sync_data()).and_then(|()| file.stream_position()),
            None => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(&lines).and_then(|()| stdout.flush()).map(|()| 0)
            }
        };
        written.map_err(|source| write_error(&self.path, source))
    }
}

impl GrowingFile {
    /// The last bytes of the file that were written since it was opened.
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }
}

impl Sink for GrowingFile {
    fn write(&mut self, block: &Block) -> Result<()> {
        (0..block.rows).for_each(|row| self.line.append(block, row, &mut self.lines));
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.sync().map(|_| ())
    }
}
