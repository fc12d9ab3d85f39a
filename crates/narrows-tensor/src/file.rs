//! Tensor files: safetensors with one JSON document and a SHA-256 in the metadata, written atomically.
//!
//! All metadata is one JSON value under one key, because several keys are written in random order. The checksum covers
//! the document and every tensor's name, type, shape and bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The metadata key.
const KEY: &str = "narrows";

/// What stands behind the length of the header in every file of ours.
const START: &[u8] = br#"{"__metadata__":{"narrows":"#;

/// Named tensors and a document.
#[derive(Debug)]
pub struct TensorFile {
    /// Tensors in the order of names.
    pub tensors: BTreeMap<String, Tensor>,
    /// A JSON text that the caller understands.
    pub document: String,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    sha256: String,
    document: String,
}

impl TensorFile {
    /// Writes the file atomically: a temporary file beside it, synced, renamed, directory synced.
    ///
    /// # Errors
    /// The file exists and `overwrite` is false, or it cannot be written; nothing is left behind then.
    pub fn write(&self, path: &Path, overwrite: bool) -> Result<()> {
        if !overwrite && path.exists() {
            return Err(Error::Exists { path: path.into() });
        }
        let views = self.views()?;
        let envelope = Envelope { sha256: checksum(&views, &self.document), document: self.document.clone() };
        let envelope = serde_json::to_string(&envelope).map_err(|error| foreign(path, &error))?;
        let views = views.iter().map(|(name, view)| (name.as_str(), view));
        #[allow(clippy::disallowed_types, reason = "the safetensors crate takes this type; one entry has one order")]
        let metadata = std::collections::HashMap::from([(KEY.to_owned(), envelope)]);
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(|error| foreign(path, &error))?;
        write_atomically(path, &bytes)
    }

    /// Reads a file that [`TensorFile::write`] wrote and verifies its checksum.
    ///
    /// # Errors
    /// The file cannot be read, is not one of ours, or is damaged.
    pub fn read(path: &Path, device: &Device) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| io(path, "cannot read", source))?;
        let damaged = |error: safetensors::SafeTensorError| match bytes.get(8..) {
            Some(header) if header.starts_with(START) => {
                Error::Cut { path: path.into(), bytes: bytes.len(), reason: error.to_string() }
            }
            _ => foreign(path, &error),
        };
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).map_err(damaged)?;
        let envelope = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let envelope = envelope.ok_or_else(|| foreign(path, &"it has no Narrows metadata"))?;
        let envelope: Envelope = serde_json::from_str(envelope).map_err(|error| foreign(path, &error))?;
        let stored = safetensors::SafeTensors::deserialize(&bytes).map_err(damaged)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in stored.iter() {
            let dtype = view.dtype().try_into()?;
            tensors.insert(name.to_owned(), Tensor::from_raw_buffer(view.data(), dtype, view.shape(), device)?);
        }
        let file = Self { tensors, document: envelope.document };
        if checksum(&file.views()?, &file.document) != envelope.sha256 {
            return Err(Error::Checksum { path: path.into() });
        }
        Ok(file)
    }

    fn views(&self) -> Result<BTreeMap<String, View>> {
        self.tensors.iter().map(|(name, tensor)| Ok((name.clone(), View::new(tensor)?))).collect()
    }
}

/// Writes `bytes` to `path` so that readers see the old file or the new one, never a part.
///
/// # Errors
/// The directory cannot be written to, or the disk is full; the old file stays as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // As any new file: what the user's mask leaves, not private as temporary files are.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(directory).map_err(|source| io(path, "cannot create", source))?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|source| io(path, "cannot write", source))?;
    file.persist(path).map_err(|error| io(path, "cannot replace", error.error))?;
    std::fs::File::open(directory).and_then(|d| d.sync_all()).map_err(|source| io(path, "cannot sync", source))
}

/// A tensor's bytes in the form that safetensors takes.
struct View {
    dtype: safetensors::Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View {
    fn new(tensor: &Tensor) -> Result<Self> {
        let tensor = tensor.contiguous()?;
        let bytes = safetensors::View::data(&&tensor).into_owned();
        Ok(Self { dtype: tensor.dtype().into(), shape: tensor.dims().to_vec(), bytes })
    }
}

impl safetensors::View for &View {
    fn dtype(&self) -> safetensors::Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn checksum(views: &BTreeMap<String, View>, document: &str) -> String {
    let mut hash = Sha256::new();
    hash.update((document.len() as u64).to_le_bytes());
    hash.update(document);
    for (name, view) in views {
        hash.update(format!("{name}\0{:?}\0{:?}\0", view.dtype, view.shape));
        hash.update(&view.bytes);
    }
    hex(&hash.finalize())
}

/// Bytes in lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        text.extend([digit(byte >> 4), digit(byte & 15)]);
        text
    })
}

fn foreign(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::Foreign { path: path.into(), reason: reason.to_string() }
}

fn io(path: &Path, action: &'static str, source: std::io::Error) -> Error {
    Error::Io { path: path.into(), action, source }
}
