//! Bytes read at any offset: an open file, or what was decompressed into memory or an unlinked temporary file.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use crate::{Error, Result};

/// Decompressed bytes up to here stay in memory, more go to a temporary file; MNIST's training images are 45 MiB.
const MEMORY: u64 = 48 << 20;

/// DEFLATE writes at most 258 bytes for every two bits.
const DEFLATE_RATIO: u64 = 1032;

/// Above this size a plausible ratio is demanded as well.
const LARGE: u64 = 1 << 30;

/// The largest plausible ratio of a large array.
const LARGE_RATIO: u64 = 100;

/// Random access to bytes.
#[derive(Clone, Debug)]
pub(crate) enum Storage {
    File(Arc<File>),
    Memory(Arc<Vec<u8>>),
}

impl Storage {
    /// Opens a file and tells its length in bytes.
    pub(crate) fn open(path: &Path) -> Result<(Self, u64)> {
        let file = File::open(path).map_err(|source| io_error(path, "cannot open", source))?;
        let length = file.metadata().map_err(|source| io_error(path, "cannot read", source))?.len();
        Ok((Self::File(Arc::new(file)), length))
    }

    /// Fills `buffer` from the bytes at `offset`.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File(file) => read_exact_at(file, buffer, offset),
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
                let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
                buffer.copy_from_slice(bytes.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !buffer.is_empty() {
        let read = file.seek_read(buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[read..];
        offset += read as u64;
    }
    Ok(())
}

/// An [`Error::Io`].
pub(crate) fn io_error(path: &Path, action: &'static str, source: io::Error) -> Error {
    Error::Io { path: path.to_owned(), action, source }
}

/// Refuses a claimed size that `compressed` bytes of DEFLATE cannot or do not plausibly hold.
pub(crate) fn check_inflation(path: &Path, compressed: u64, claimed: u128) -> Result<()> {
    let possible = compressed.saturating_mul(DEFLATE_RATIO).saturating_add(1 << 16);
    let limit = if possible <= LARGE { possible } else { LARGE.max(compressed.saturating_mul(LARGE_RATIO)) };
    if claimed > u128::from(limit) {
        return Err(Error::Inflation { path: path.to_owned(), compressed, claimed, limit });
    }
    Ok(())
}

/// Copies at most `expected + 1` bytes and tells how many there were, so that the caller can compare.
pub(crate) fn spool(reader: &mut dyn Read, expected: u64) -> io::Result<(Storage, u64)> {
    let mut reader = reader.take(expected.saturating_add(1));
    if expected <= MEMORY {
        let mut bytes = Vec::with_capacity(expected as usize + 1);
        let held = reader.read_to_end(&mut bytes)? as u64;
        return Ok((Storage::Memory(Arc::new(bytes)), held));
    }
    let mut file = tempfile::tempfile()?;
    let held = io::copy(&mut reader, &mut file)?;
    file.flush()?;
    file.rewind()?;
    Ok((Storage::File(Arc::new(file)), held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spools_at_most_one_byte_more_than_expected() {
        let (storage, held) = spool(&mut io::repeat(7), 10).unwrap();
        assert_eq!(held, 11);
        let mut two = [0; 2];
        storage.read_at(9, &mut two).unwrap();
        assert_eq!(two, [7, 7]);
        assert!(storage.read_at(10, &mut two).is_err());
        assert!(storage.read_at(u64::MAX, &mut two).is_err());
    }

    #[test]
    fn large_streams_go_to_a_file() {
        let (storage, held) = spool(&mut io::repeat(3), MEMORY + 1).unwrap();
        assert_eq!(held, MEMORY + 2);
        assert!(matches!(storage, Storage::File(_)));
    }

    #[test]
    fn ten_kilobytes_do_not_hold_ten_gigabytes() {
        let path = Path::new("bomb.npz");
        assert!(check_inflation(path, 10_000, 10 << 30).is_err());
        assert!(check_inflation(path, 20 << 20, 10 << 30).is_err());
        assert!(check_inflation(path, 10_000, 10_000_000).is_ok());
        assert!(check_inflation(path, 200 << 20, 10 << 30).is_ok());
    }
}
