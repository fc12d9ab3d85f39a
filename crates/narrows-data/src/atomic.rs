//! Files that appear whole or not at all: a temporary file beside the target, synced, then renamed over it.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// A file in the making. Dropped without [`commit`](AtomicFile::commit), it leaves nothing behind.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    file: NamedTempFile,
    force: bool,
}

impl AtomicFile {
    /// Starts a file that will be called `path`.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is one already and `force` is not set; the directory does not exist or is not
    /// writable; `path` is a directory or a device.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        check_target(path, force)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".narrows-").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        // The error of the temporary file would tell its name.
        let named = |source: io::Error| write_error(path, source.kind().into());
        let file = builder.tempfile_in(directory(path)).map_err(named)?;
        Ok(Self { path: path.to_owned(), file, force })
    }

    /// Makes everything written so far durable under the file's name.
    ///
    /// # Errors
    /// [`Error::Exists`] when the file came into being meanwhile, [`Error::DiskFull`], or the system refuses.
    pub fn commit(self) -> Result<()> {
        let Self { path, file, force } = self;
        file.as_file().sync_all().map_err(|source| write_error(&path, source))?;
        let outcome = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        outcome.map_err(|failure| write_error(&path, failure.error))?;
        sync_directory(&path)
    }

    /// What the file will be called.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes a whole file.
///
/// # Errors
/// As [`AtomicFile`].
pub fn write(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    let mut file = AtomicFile::create(path, force)?;
    file.write_all(bytes).map_err(|source| write_error(path, source))?;
    file.commit()
}

/// Refuses what must not be replaced.
pub(crate) fn check_target(path: &Path, force: bool) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(existing) if existing.is_file() && force => match File::open(path) {
            Ok(file) => alone(path, &file),
            Err(_) => Ok(()),
        },
        Ok(existing) if existing.is_file() => Err(Error::Exists { path: path.to_owned() }),
        Ok(existing) => Err(Error::Output {
            path: path.to_owned(),
            what: if existing.is_dir() { "over a directory".into() } else { "to a device".into() },
            advice: "name a file, or - for standard output",
        }),
        Err(_) if !directory(path).is_dir() => Err(Error::Output {
            path: path.to_owned(),
            what: format!("into {}, which is no directory", directory(path).display()),
            advice: "make the directory, or name another one",
        }),
        Err(_) => Ok(()),
    }
}

/// Whether `path` leads to another file than the open one, or to none: files are renamed and made anew.
#[cfg(unix)]
pub fn is_another(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) != (there.dev(), there.ino()),
        (Ok(_), Err(error)) => error.kind() == ErrorKind::NotFound,
        _ => false,
    }
}

/// Unknown here.
#[cfg(not(unix))]
pub fn is_another(_: &File, _: &Path) -> bool {
    false
}

/// Refuses a file that another process appends to. Where files cannot be locked nothing is known.
///
/// # Errors
/// Another process holds the lock of the file; else it is this one that holds it, as long as `file` is open.
pub(crate) fn alone(path: &Path, file: &File) -> Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Output {
            path: path.to_owned(),
            what: "rows: another process appends to it".into(),
            advice: "stop that one first, or name another file",
        }),
        _ => Ok(()),
    }
}

/// The directory that holds `path`.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes the name of a new file durable.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let directory = directory(path);
        File::open(directory).and_then(|handle| handle.sync_all()).map_err(|source| Error::Io {
            path: directory.to_owned(),
            action: "cannot sync the directory",
            source,
        })?;
    }
    Ok(())
}

/// The error behind a failed write: a full disk and a file that exists are causes of their own.
pub(crate) fn write_error(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::DiskFull { path: path.to_owned() }
        }
        ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned() },
        _ => Error::Io { path: path.to_owned(), action: "cannot write", source },
    }
}

/// The same for an error of a library that wraps the system's.
pub(crate) fn wrapped_error(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(io) = current.downcast_ref::<io::Error>()
            && matches!(io.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
        {
            return Error::DiskFull { path: path.to_owned() };
        }
        cause = current.source();
    }
    Error::Io { path: path.to_owned(), action: "cannot write", source: io::Error::other(error) }
}

impl Read for AtomicFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.as_file_mut().read(buffer)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.as_file_mut().seek(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_at_commit_and_never_by_halves() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let mut file = AtomicFile::create(&path, false).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert!(names(directory.path()).is_empty());
        write(&path, b"whole", false).unwrap();
        assert_eq!((names(directory.path()), std::fs::read(&path).unwrap()), (vec!["a".into()], b"whole".to_vec()));
    }

    #[test]
    fn what_exists_is_kept_unless_forced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let late = AtomicFile::create(&path, false).unwrap();
        write(&path, b"first", false).unwrap();
        assert!(matches!(write(&path, b"second", false), Err(Error::Exists { .. })));
        assert!(matches!(late.commit(), Err(Error::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        write(&path, b"second", true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert!(matches!(write(directory.path(), b"", true), Err(Error::Output { .. })));
        assert_eq!(names(directory.path()), ["a"]);
    }

    #[test]
    fn a_full_disk_is_told_apart_at_any_depth() {
        let path = Path::new("out.csv");
        let full = || io::Error::from(ErrorKind::StorageFull);
        assert!(matches!(write_error(path, full()), Error::DiskFull { .. }));
        let wrapped = parquet::errors::ParquetError::External(Box::new(full()));
        assert!(matches!(wrapped_error(path, wrapped), Error::DiskFull { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn new_files_are_readable_as_the_umask_says() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (ours, plain) = (directory.path().join("a"), directory.path().join("b"));
        write(&ours, b"", false).unwrap();
        File::create(&plain).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
