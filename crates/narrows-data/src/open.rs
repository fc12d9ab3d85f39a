//! Any data file by its name: recognised by its first bytes, where these say nothing by its extension.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::finite::Finite;
use crate::format::folder::{self, PictureOptions};
use crate::format::storage::Storage;
use crate::format::{idx, idx_directory, npy, npz, safetensors};
use crate::table::{ArrowIpc, Csv, Joined, Parquet, inflate, known, spool_all, tables};
use crate::{ColumnKind, Error, Result, Schema, Source};

/// The first bytes of what gzip compressed.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What is read of a file, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// The columns to train on; all if `None`.
    pub columns: Option<Vec<String>>,
    /// Columns that are not read.
    pub exclude: Vec<String>,
    /// The column of labels.
    pub label: Option<String>,
    /// The column that orders the rows.
    pub time: Option<String>,
    /// Columns that are carried along.
    pub keep: Vec<String>,
    /// Whether all columns that are read for nothing else are carried along.
    pub keep_others: bool,
    /// Kinds of columns, where the detected ones are not meant.
    pub kinds: Vec<(String, ColumnKind)>,
    /// What a model was trained on: its columns are read by name and as its kinds, nothing is detected.
    pub expected: Option<Schema>,
    /// Columns of `expected` that may be absent.
    pub optional: Vec<String>,
    /// The array to read of a file that holds several.
    pub tensor: Option<String>,
    /// Numbers become the mean of this many rows up to each: rows are in the order of time.
    pub smooth: Option<usize>,
    /// Whether cells of a text that are not of their column's kind, and lines of another number of cells, are missing values
    /// that [`Source::faults`] tells of, instead of an error.
    pub lenient: bool,
    /// Whether columns of a text that only go along are texts as they stand, whatever they look like.
    pub verbatim: bool,
    /// How pictures become rows.
    pub pictures: PictureOptions,
}

/// Opens the file or directory `path`, or standard input if it is `-` (delimited text, JSON lines or an Arrow
/// IPC stream).
///
/// # Errors
/// It is not there, of no known format, damaged, empty, or has not the columns that the options name.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    if path == Path::new("-") {
        return open_stream(&mut std::io::stdin().lock(), "standard input", options);
    }
    let metadata = std::fs::metadata(path).map_err(|source| io_error(path, "cannot open", source))?;
    if metadata.is_dir() {
        return open_directory(path, options);
    }
    if !metadata.is_file() {
        let mut file = File::open(path).map_err(|source| io_error(path, "cannot open", source))?;
        return open_stream(&mut file, &path.display().to_string(), options);
    }
    let origin = path.display().to_string();
    let source: Box<dyn Source> = match Format::of(path)? {
        Format::Parquet => Box::new(Parquet::open(path, options)?),
        Format::Arrow => {
            let (storage, length) = Storage::open(path)?;
            Box::new(ArrowIpc::new(origin, storage, length, options)?)
        }
        Format::Npy => checked(Box::new(npy::open(path)?), options)?,
        Format::Npz => checked(Box::new(npz::open(path, options.tensor.as_deref())?), options)?,
        Format::Idx => checked(Box::new(idx::open(path)?), options)?,
        Format::Safetensors => checked(Box::new(safetensors::open(path, options.tensor.as_deref())?), options)?,
        Format::Picture => return checked(folder::open(path, &options.pictures)?, options),
        Format::Gzip => {
            let (storage, length) = inflate(path)?;
            return Ok(Box::new(Csv::new(origin, storage, length, options)?));
        }
        Format::Text => {
            let (storage, length) = Storage::open(path)?;
            return Ok(Box::new(Csv::new(origin, storage, length, options)?));
        }
    };
    Ok(finite(source, options))
}

/// `source`, whose infinite numbers are missing where it is read leniently.
fn finite(source: Box<dyn Source>, options: &OpenOptions) -> Box<dyn Source> {
    if options.lenient { Box::new(Finite::new(source)) } else { source }
}

/// Opens delimited text, JSON lines (either also compressed by gzip) or an Arrow IPC stream from `reader`, called `origin` in
/// messages. What it gives is kept in a temporary file if it is large, because rows are read more than once.
///
/// # Errors
/// As [`open`].
pub fn open_stream(reader: &mut dyn Read, origin: &str, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let mut first = Vec::with_capacity(8);
    reader.take(8).read_to_end(&mut first).map_err(|source| io_error(Path::new(origin), "cannot read", source))?;
    let format = Format::told_by(&first);
    if let Some(format) = format.filter(|format| *format != Format::Arrow) {
        let (path, found) = (origin.into(), format!("{} through a pipe", format.name()));
        return Err(Error::Unsupported {
            path,
            found,
            advice: "only text and Arrow streams are piped; name the file".into(),
        });
    }
    let whole = &mut first.as_slice().chain(&mut *reader);
    let (storage, length) = if first.starts_with(&GZIP) {
        spool_all(&mut MultiGzDecoder::new(whole), Path::new(origin))?
    } else {
        spool_all(whole, Path::new(origin))?
    };
    if format == Some(Format::Arrow) {
        Ok(finite(Box::new(ArrowIpc::new(origin.into(), storage, length, options)?), options))
    } else {
        Ok(Box::new(Csv::new(origin.into(), storage, length, options)?))
    }
}

fn open_directory(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    if idx_directory::is_directory(path) {
        return checked(Box::new(idx_directory::open_directory(path)?), options);
    }
    match &tables(path)?[..] {
        [] => checked(folder::open(path, &options.pictures)?, options),
        files => Ok(Box::new(Joined::open(path, files, options)?)),
    }
}

/// Whether a directory is opened as a folder of pictures, and holds some.
pub fn is_picture_folder(path: &Path) -> bool {
    let others = idx_directory::is_directory(path) || tables(path).is_ok_and(|tables| !tables.is_empty());
    path.is_dir() && !others && folder::Collection::scan(path, true).is_ok()
}

/// `source`, if it has the columns that the options name; arrays and pictures have none but a label or a file name.
pub(crate) fn checked(source: Box<dyn Source>, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let names: Vec<String> = source.schema().columns.iter().map(|column| column.name.clone()).collect();
    known(source.origin(), &names, options)?;
    Ok(source)
}

fn io_error(path: &Path, action: &'static str, source: std::io::Error) -> Error {
    Error::Io { path: path.to_owned(), action, source }
}

/// What a file is by its first bytes, where they are not those of text.
pub fn binary_format(head: &[u8]) -> Option<&'static str> {
    Format::told_by(head).or(head.starts_with(&GZIP).then_some(Format::Gzip)).map(Format::name)
}

/// What a file's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Parquet,
    Arrow,
    Npy,
    Npz,
    Idx,
    Safetensors,
    Picture,
    Gzip,
    Text,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        let mut head = Vec::with_capacity(16);
        let file = File::open(path).map_err(|source| io_error(path, "cannot open", source))?;
        file.take(16).read_to_end(&mut head).map_err(|source| io_error(path, "cannot read", source))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        Ok(Self::told_by(&head).unwrap_or_else(|| Self::named(&name, &head)))
    }

    /// What it is called.
    const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow",
            Self::Npy => "NPY",
            Self::Npz => "NPZ",
            Self::Idx => "IDX",
            Self::Safetensors => "safetensors",
            Self::Picture => "a picture",
            Self::Gzip => "gzip",
            Self::Text => "text",
        }
    }

    /// The format whose signature `head` starts with.
    fn told_by(head: &[u8]) -> Option<Self> {
        const SIGNATURES: [(&[u8], Format); 9] = [
            (b"PAR1", Format::Parquet),
            (b"ARROW1", Format::Arrow),
            (&[0xff; 4], Format::Arrow),
            (b"\x93NUMPY", Format::Npy),
            (b"PK\x03\x04", Format::Npz),
            (b"\x89PNG", Format::Picture),
            (&[0xff, 0xd8, 0xff], Format::Picture),
            (&[0, 0, 8, 1], Format::Idx),
            (&[0, 0, 8, 3], Format::Idx),
        ];
        SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)).map(|(_, format)| *format)
    }

    /// The format that a file called `name` (in lower case) has, whose first bytes are no signature. A damaged file is
    /// so read by the reader that its name promises, whose message then says what is wrong.
    fn named(name: &str, head: &[u8]) -> Self {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let is_idx = [".idx", "-ubyte", "-idx1", "-idx3"].iter().any(|ending| plain.ends_with(ending));
        let extension = Path::new(plain).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension {
            _ if is_idx => Self::Idx,
            _ if head.starts_with(&GZIP) => Self::Gzip,
            "parquet" => Self::Parquet,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "safetensors" => Self::Safetensors,
            "png" | "jpg" | "jpeg" => Self::Picture,
            _ if head.len() > 8 && head[8] == b'{' && head[4..8] == [0; 4] => Self::Safetensors,
            _ => Self::Text,
        }
    }
}
