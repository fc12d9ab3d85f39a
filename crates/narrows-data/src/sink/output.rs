//! Where a stream of bytes goes: an atomic file or standard output.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use crate::Result;
use crate::atomic::{AtomicFile, write_error};

/// Bytes collected before each write to the system.
const BUFFER: usize = 1 << 20;

/// A buffered destination.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    File(BufWriter<AtomicFile>),
    Stdout(BufWriter<Stdout>),
}

/// Whether a path stands for standard output.
pub(super) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

impl Output {
    pub(super) fn create(path: &Path, force: bool) -> Result<Self> {
        let target = if is_stdout(path) {
            Target::Stdout(BufWriter::with_capacity(BUFFER, io::stdout()))
        } else {
            Target::File(BufWriter::with_capacity(BUFFER, AtomicFile::create(path, force)?))
        };
        Ok(Self { path: path.to_owned(), target })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Flushes, and gives a file its name.
    pub(super) fn commit(self) -> Result<()> {
        match self.target {
            Target::File(writer) => {
                let file = writer.into_inner().map_err(|failure| write_error(&self.path, failure.into_error()))?;
                file.commit()
            }
            Target::Stdout(mut writer) => writer.flush().map_err(|source| write_error(&self.path, source)),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::File(writer) => writer.write(bytes),
            Target::Stdout(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::File(writer) => writer.flush(),
            Target::Stdout(writer) => writer.flush(),
        }
    }
}
