//! Lines of JSON objects as delimited text, line for line.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use tempfile::{SpooledData, SpooledTempFile};

use super::index::Text;
use crate::format::storage::Storage;
use crate::table::TableError;
use crate::{Error, Result};

/// Bytes of delimited text that stay in memory.
const MEMORY: usize = 48 << 20;

/// What separates cells.
pub(super) const DELIMITER: u8 = b',';

/// Whether a text whose first bytes are `head` holds an object on each line.
pub(super) fn are(head: &[u8]) -> bool {
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    head.trim_ascii_start().starts_with(b"{")
}

/// Whether a file is called like one of such lines.
pub(super) fn are_named(origin: &str) -> bool {
    let name = origin.to_lowercase();
    let ending = Path::new(name.strip_suffix(".gz").unwrap_or(&name)).extension();
    ending.is_some_and(|ending| ending == "jsonl" || ending == "ndjson")
}

/// Names of values in the order of their appearance, and the objects as rows of them: on line `n` the object of line `n`. A
/// line that is no object has no cells at all; `strict`, it is an error, as is a value that is a list or an object.
pub(super) fn delimited(text: Text<'_>, strict: bool) -> Result<(Vec<String>, Storage, u64)> {
    let names = names(text, strict)?;
    let io = |action| move |source| Error::Io { path: text.origin.into(), action, source };
    let failed = io("cannot write its rows to a temporary file");
    let mut rows = SpooledTempFile::new(MEMORY);
    let mut row = String::new();
    let mut length = 0;
    each(text, |number, line| {
        row.clear();
        if !line.is_empty() {
            match parsed(line) {
                Ok(object) => write(&mut row, &object, &names, strict, text.origin, number)?,
                Err(_) => row.extend(std::iter::repeat_n(char::from(DELIMITER), names.len())),
            }
        }
        row.push('\n');
        length += row.len() as u64;
        rows.write_all(row.as_bytes()).map_err(&failed)
    })?;
    let storage = match rows.into_inner() {
        SpooledData::InMemory(bytes) => Storage::Memory(Arc::new(bytes.into_inner())),
        SpooledData::OnDisk(file) => Storage::File(Arc::new(file)),
    };
    Ok((names, storage, length))
}

/// Writes a value as a cell; whether it can be one.
pub(super) fn cell(value: Option<&Value>, row: &mut String) -> bool {
    // Writing to memory does not fail.
    match value {
        None | Some(Value::Null) => {}
        Some(Value::String(value)) => {
            let _ = write!(row, "\"{}\"", value.replace('"', "\"\""));
        }
        Some(value @ (Value::Bool(_) | Value::Number(_))) => {
            let _ = write!(row, "{value}");
        }
        Some(_) => return false,
    }
    true
}

/// Writes a value as a cell, a list or an object as its text.
pub(super) fn lenient_cell(value: Option<&Value>, row: &mut String) {
    if !cell(value, row) {
        let text = value.map(Value::to_string).unwrap_or_default();
        cell(Some(&Value::String(text)), row);
    }
}

fn write(
    row: &mut String,
    object: &Map<String, Value>,
    names: &[String],
    strict: bool,
    origin: &str,
    line: u64,
) -> Result<()> {
    for (place, name) in names.iter().enumerate() {
        if place > 0 {
            row.push(char::from(DELIMITER));
        }
        let value = object.get(name);
        if !strict {
            lenient_cell(value, row);
        } else if !cell(value, row) {
            return Err(TableError::Nested { origin: origin.to_owned(), line, column: name.clone() }.into());
        }
    }
    Ok(())
}

/// The names of all values.
fn names(text: Text<'_>, strict: bool) -> Result<Vec<String>> {
    let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
    each(text, |number, line| {
        match parsed::<Names>(line) {
            _ if line.is_empty() => {}
            Ok(Names(found)) => names.extend(found.into_iter().filter(|name| seen.insert(name.clone()))),
            Err(error) if strict => {
                let (origin, found) = (text.origin.to_owned(), error.to_string());
                return Err(TableError::Object { origin, line: number, found }.into());
            }
            Err(_) => {}
        }
        Ok(())
    })?;
    if names.is_empty() {
        let expected = "objects with a value for each column, one on each line";
        return Err(Error::Empty { path: text.origin.into(), expected });
    }
    Ok(names)
}

/// The object on a line. `NaN`, `Infinity` and numbers beyond all range, which JSON does not know and many programs write, are
/// read as texts, which a column of numbers takes for a missing value and for one that is infinite.
pub(super) fn parsed<T: DeserializeOwned>(line: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(line).or_else(|error| {
        let quoted = words_quoted(line).ok_or(error)?;
        serde_json::from_slice(&quoted)
    })
}

/// `line` with quotes around what stands for a number and is none; `None` where there is nothing of that kind.
fn words_quoted(line: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let (mut out, mut at, mut within, mut found) = (Vec::with_capacity(line.len() + 8), 0, false, false);
    while let Some(&byte) = line.get(at) {
        let word = WORDS.into_iter().find(|word| !within && line[at..].starts_with(word));
        let word = word.or_else(|| (!within).then(|| beyond(&line[at..])).flatten());
        let length = match (byte, word) {
            (_, Some(word)) => {
                found = true;
                out.extend([b"\"", word, b"\""].concat());
                at += word.len();
                continue;
            }
            (b'\\', _) if within => 2,
            (b'"', _) => {
                within = !within;
                1
            }
            _ => 1,
        };
        out.extend(&line[at..(at + length).min(line.len())]);
        at += length;
    }
    found.then_some(out)
}

/// The number at the start of `text`, if it is too large for any.
fn beyond(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)).count();
    let number = std::str::from_utf8(&text[..length]).ok()?.parse::<f64>().ok()?;
    number.is_infinite().then_some(&text[..length])
}

/// The names in an object, in its order.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Names;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Calls `take` with the number of each line, from 1, and the line; an empty slice where it is blank.
fn each(text: Text<'_>, mut take: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let mut reader = BufReader::with_capacity(1 << 20, At { text, place: 0 });
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let io = |source| Error::Io { path: Path::new(text.origin).into(), action: "cannot read", source };
        if reader.read_until(b'\n', &mut line).map_err(io)? == 0 {
            break;
        }
        let bare = if number == 1 { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line) } else { &line };
        take(number, bare.trim_ascii())?;
    }
    Ok(())
}

/// A text read from front to back.
struct At<'a> {
    text: Text<'a>,
    place: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (self.text.length - self.place).min(buffer.len() as u64) as usize;
        self.text.storage.read_at(self.place, &mut buffer[..count])?;
        self.place += count as u64;
        Ok(count)
    }
}
