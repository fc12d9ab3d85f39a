//! NPZ: a ZIP archive of NPY members, stored or deflated; `X` holds the samples and `y`, where present, their labels.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zip::CompressionMethod;
use zip::read::ZipArchive;

use super::labels::{Labels, TextArray};
use super::npy::ArraySource;
use super::npy_header::{self, Header, Type};
use super::storage::{Storage, check_inflation, io_error, spool};
use super::strided::StridedArray;
use crate::{Error, Result};

/// More members than this do not come from NumPy.
const MAX_MEMBERS: usize = 10_000;

/// Opens an archive whose samples are in `X` (or in its only array), with labels in `y` if it has one. Stored members
/// are read by position; deflated ones are unpacked once, to memory or to a temporary file, never beyond what their
/// compressed size allows.
///
/// # Errors
/// The archive cannot be read or is damaged (checksums are compared), holds several arrays but no `X`, claims an
/// implausible size, or `X` and `y` have different numbers of rows.
pub fn open(path: &Path, name: Option<&str>) -> Result<ArraySource> {
    let file = File::open(path).map_err(|source| io_error(path, "cannot open", source))?;
    let shared = Arc::new(file.try_clone().map_err(|source| io_error(path, "cannot open", source))?);
    let length = file.metadata().map_err(|source| io_error(path, "cannot read", source))?.len();
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(path, error))?;
    if archive.len() > MAX_MEMBERS {
        return Err(Error::Format {
            path: path.to_owned(),
            format: "NPZ",
            found: format!("{} members", archive.len()),
            expected: "a few arrays".into(),
        });
    }
    let names: Vec<String> = archive.file_names().map(|name| name.map_or_else(|_| "?".into(), Into::into)).collect();
    let position = |wanted: &str| names.iter().position(|name| name.strip_suffix(".npy").unwrap_or(name) == wanted);
    let samples = match position(name.unwrap_or("X")) {
        Some(index) => index,
        None if names.len() == 1 && name.is_none() => 0,
        None => {
            return Err(Error::Choice {
                path: path.to_owned(),
                problem: format!("no array is called {}", name.unwrap_or("X")),
                names,
                advice: "name one of them (--tensor), or save the samples as X and the labels, if any, as y",
            });
        }
    };
    let mut member = |index: usize| Member::open(path, &mut archive, &shared, length, index);
    let x = member(samples)?;
    let array = StridedArray::new(&x.path, x.storage.clone(), x.base + x.header.data, &x.header.layout(&x.path)?)?;
    let labels = match position("y") {
        Some(index) if index != samples => Some(member(index)?.labels("y")?),
        _ => None,
    };
    ArraySource::new(path, array, labels)
}

/// One array of the archive, readable at any offset.
struct Member {
    /// Archive and member, for messages.
    path: PathBuf,
    storage: Storage,
    base: u64,
    header: Header,
}

impl Member {
    fn open(
        path: &Path,
        archive: &mut ZipArchive<BufReader<File>>,
        file: &Arc<File>,
        length: u64,
        index: usize,
    ) -> Result<Self> {
        let mut entry = archive.by_index(index).map_err(|error| damaged(path, error))?;
        let name = entry.name().map_or_else(|_| "?".into(), std::borrow::Cow::into_owned);
        let place = PathBuf::from(format!("{}[{name}]", path.display()));
        let (compressed, declared) = (entry.compressed_size().min(length), entry.size());
        let read = |source| io_error(&place, "cannot unpack", source);
        if entry.compression() == CompressionMethod::Stored {
            let base = entry.data_start().unwrap_or(0);
            if declared > length.saturating_sub(base) {
                return Err(Error::Length { path: place, claimed: declared.into(), held: length.saturating_sub(base) });
            }
            verify(&mut entry).map_err(read)?;
            let window = Window { file, base, length: declared };
            let header = window.header(&place)?;
            return Ok(Self { path: place, storage: Storage::File(Arc::clone(file)), base, header });
        }
        check_inflation(&place, compressed, declared.into())?;
        let (storage, held) = spool(&mut entry, declared).map_err(read)?;
        if held != declared {
            return Err(Error::Length { path: place, claimed: declared.into(), held });
        }
        let header = npy_header::read(&place, &storage, held)?;
        check_length(&place, &header, held)?;
        Ok(Self { path: place, storage, base: 0, header })
    }

    fn labels(self, name: &str) -> Result<Labels> {
        let Self { path, storage, base, header } = self;
        let base = base + header.data;
        let bytes = header.element_size();
        let ucs4 = match header.kind {
            Type::Number(..) => {
                let mut layout = header.layout(&path)?;
                if layout.shape.get(1..) == Some(&[1]) {
                    layout.shape.pop();
                }
                return Labels::numbers(&path, name, StridedArray::new(&path, storage, base, &layout)?);
            }
            Type::Unicode { endian, .. } => Some(endian),
            Type::Bytes { .. } => None,
        };
        let [rows] = header.shape[..] else {
            return Err(Error::Unsupported {
                path,
                found: format!("text of shape {:?}", header.shape),
                advice: "labels have one axis".into(),
            });
        };
        if bytes > 1 << 16 {
            return Err(Error::Unsupported {
                path,
                found: format!("texts of {bytes} bytes"),
                advice: "labels are short".into(),
            });
        }
        Labels::texts(name, TextArray { path, storage, base, rows, bytes, ucs4 })
    }
}

/// A stored member as part of the archive.
struct Window<'a> {
    file: &'a Arc<File>,
    base: u64,
    length: u64,
}

impl Window<'_> {
    fn header(&self, place: &Path) -> Result<Header> {
        let held = self.length.min(2 << 20);
        let mut start = vec![0; held as usize];
        Storage::File(Arc::clone(self.file))
            .read_at(self.base, &mut start)
            .map_err(|source| io_error(place, "cannot read the header", source))?;
        let header = npy_header::read(place, &Storage::Memory(Arc::new(start)), held)?;
        check_length(place, &header, self.length)?;
        Ok(header)
    }
}

fn check_length(place: &Path, header: &Header, held: u64) -> Result<()> {
    if header.file_bytes() == u128::from(held) {
        return Ok(());
    }
    Err(Error::Length {
        path: place.to_owned(),
        claimed: header.file_bytes() - u128::from(header.data),
        held: held.saturating_sub(header.data),
    })
}

/// Reads to the end, where the archive's reader compares the checksum.
fn verify(entry: &mut impl Read) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 18];
    while entry.read(&mut buffer)? > 0 {}
    Ok(())
}

fn damaged(path: &Path, error: zip::result::ZipError) -> Error {
    match error {
        zip::result::ZipError::Io(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            io_error(path, "cannot read", source)
        }
        error => Error::Format {
            path: path.to_owned(),
            format: "NPZ",
            found: error.to_string(),
            expected: "a complete ZIP archive of stored or deflated NPY members".into(),
        },
    }
}
