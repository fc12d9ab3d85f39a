//! `SHA256SUMS`: the checksums of a checkpoint's files, in the form that `sha256sum --check` reads.
//!
//! The last line, a comment, is the checksum of the lines before it, so that a damaged manifest is told from a damaged
//! file.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use narrows_tensor::file::write_atomically;
use sha2::{Digest as _, Sha256};

use crate::error::io as failed;
use crate::{Error, Result};

const NAME: &str = "SHA256SUMS";

/// Writes the manifest of the files that lie in `directory`.
pub(crate) fn write(directory: &Path) -> Result<()> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(failed(directory, "cannot list"))?;
    let mut names: Vec<_> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut text = String::new();
    for name in names {
        let sum = sum_of(&directory.join(&name))?;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{sum}  {name}");
    }
    let own = hex(&Sha256::digest(&text));
    Ok(write_atomically(&directory.join(NAME), format!("{text}# {own}\n").as_bytes())?)
}

/// Verifies every file of the checkpoint in `directory`; returns their names.
///
/// # Errors
/// The manifest or a file is missing or damaged.
pub fn verify(directory: &Path) -> Result<Vec<String>> {
    let path = directory.join(NAME);
    let damaged = |path: &Path, reason: &str| Error::Damaged { path: path.into(), reason: reason.to_owned() };
    let text = fs::read(&path).map_err(failed(&path, "cannot read"))?;
    let text = std::str::from_utf8(&text).map_err(|_| damaged(&path, "it is not text"))?;
    let (sums, own) = text.rsplit_once("# ").ok_or_else(|| damaged(&path, "its last line is missing"))?;
    if own.strip_suffix('\n') != Some(&hex(&Sha256::digest(sums))) {
        return Err(damaged(&path, "its lines do not match its own checksum"));
    }
    let mut names = Vec::new();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").ok_or_else(|| damaged(&path, "a line is not `SUM  NAME`"))?;
        let file = directory.join(name);
        if !file.exists() {
            return Err(damaged(&file, "the file is missing"));
        }
        if sum_of(&file)? != sum {
            return Err(damaged(&file, "its content does not match its checksum"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Whether two checkpoints have the same manifest.
pub(crate) fn same(a: &Path, b: &Path) -> bool {
    matches!((fs::read(a.join(NAME)), fs::read(b.join(NAME))), (Ok(a), Ok(b)) if a == b)
}

fn sum_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(failed(path, "cannot read"))?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let length = file.read(&mut block).map_err(failed(path, "cannot read"))?;
        if length == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&block[..length]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
