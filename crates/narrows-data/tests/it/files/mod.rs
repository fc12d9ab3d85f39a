//! Readers and writers of files: arrays, images, tensors, and what happens to damaged ones.

mod array_files;
mod catalogued;
mod damaged;
mod downloads;
mod idx_files;
mod pictures;
mod sinks;
mod tensor_files;

use std::path::{Path, PathBuf};

use narrows_data::{Block, Source};
use sha2::{Digest, Sha256};

/// All rows of a source as one list of dense values.
pub(crate) fn dense(source: &dyn Source) -> Vec<f32> {
    blocks(source).into_iter().flat_map(|block| block.dense).collect()
}

/// All blocks, checked against what the source announces.
pub(crate) fn blocks(source: &dyn Source) -> Vec<Block> {
    let mut end = 0;
    let blocks: Vec<Block> = source
        .blocks()
        .iter()
        .enumerate()
        .map(|(index, rows)| {
            assert_eq!(rows.start, end, "blocks follow each other");
            end = rows.end;
            let block = source.read(index).unwrap();
            assert_eq!(block.rows, rows.len());
            if let Some(width) = source.schema().sample.width() {
                assert_eq!(block.dense.len(), block.rows * width);
            }
            assert_eq!(block.columns.len(), source.schema().columns.len());
            block
        })
        .collect();
    assert_eq!(end, source.rows(), "blocks cover all rows");
    blocks
}

pub(crate) fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The SHA-256 of bytes in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// A file of the development data, or `None` with the reason printed.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NARROWS_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

/// An NPY file as the specification describes it, byte by byte.
pub(crate) fn npy(version: u8, descr: &str, fortran: bool, shape: &[usize], values: &[u8]) -> Vec<u8> {
    let dims = shape.iter().map(|dim| format!("{dim},")).collect::<Vec<_>>().concat();
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({dims}), }}");
    let prefix = if version == 1 { 10 } else { 12 };
    while (prefix + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    if version == 1 {
        bytes.extend((header.len() as u16).to_le_bytes());
    } else {
        bytes.extend((header.len() as u32).to_le_bytes());
    }
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}
