//! Streams made seekable: compressed text and standard input go to memory, beyond a size to an unlinked file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use crate::format::storage::{Storage, check_inflation};
use crate::{Error, Result};

/// Bytes that stay in memory.
const MEMORY: u64 = 48 << 20;

/// Bytes copied at once.
const CHUNK: usize = 1 << 20;

/// The text in the gzip file at `path`.
///
/// # Errors
/// The file is damaged or cut short, or expands far beyond what text does.
pub(crate) fn inflate(path: &Path) -> Result<(Storage, u64)> {
    let io = |action| move |source| Error::Io { path: path.to_owned(), action, source };
    let file = File::open(path).map_err(io("cannot open"))?;
    let compressed = file.metadata().map_err(io("cannot read"))?.len();
    let mut reader = MultiGzDecoder::new(BufReader::with_capacity(CHUNK, file));
    copy(&mut reader, path, |inflated| check_inflation(path, compressed, inflated.into())).map_err(
        |error| match error {
            Error::Io { source, .. } if source.kind() != io::ErrorKind::StorageFull => Error::Format {
                path: path.to_owned(),
                format: "gzip",
                found: source.to_string(),
                expected: "a whole gzip stream".into(),
            },
            error => error,
        },
    )
}

/// Everything that `reader` gives; `path` is its name in messages.
///
/// # Errors
/// It fails, or the temporary directory has no space.
pub(crate) fn spool_all(reader: &mut dyn Read, path: &Path) -> Result<(Storage, u64)> {
    copy(reader, path, |_| Ok(()))
}

fn copy(reader: &mut dyn Read, path: &Path, check: impl Fn(u64) -> Result<()>) -> Result<(Storage, u64)> {
    let io = |action| move |source| Error::Io { path: path.to_owned(), action, source };
    // Untouched capacity costs nothing, and growing would hold the contents twice.
    let mut memory = Vec::with_capacity(MEMORY as usize + 1);
    reader.take(MEMORY + 1).read_to_end(&mut memory).map_err(io("cannot read"))?;
    let mut total = memory.len() as u64;
    check(total)?;
    if total <= MEMORY {
        memory.shrink_to_fit();
        return Ok((Storage::Memory(Arc::new(memory)), total));
    }
    let mut file = tempfile::tempfile().map_err(io("cannot make a temporary file for its contents"))?;
    file.write_all(&memory).map_err(io("cannot write its contents to a temporary file"))?;
    drop(memory);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(io("cannot read")(source)),
        };
        total += read as u64;
        check(total)?;
        file.write_all(&chunk[..read]).map_err(io("cannot write its contents to a temporary file"))?;
    }
    file.rewind().map_err(io("cannot rewind its temporary file"))?;
    Ok((Storage::File(Arc::new(file)), total))
}
