//! A label column beside dense samples: whole numbers and text become categories, other numbers stay numbers.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::storage::{Storage, io_error};
use super::strided::{BLOCK_VALUES, StridedArray, ranges};
use super::{Element, Endian, Interner};
use crate::{Column, ColumnData, ColumnKind, Error, Result};

/// More distinct values than this are measurements or identifiers, not classes.
const MAX_CLASSES: usize = 256;

/// One value for each row.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    pub(super) column: Column,
    values: Values,
}

#[derive(Clone, Debug)]
enum Values {
    Numbers(StridedArray),
    Texts(TextArray),
}

/// Fixed-width text, one for each row.
#[derive(Clone, Debug)]
pub(super) struct TextArray {
    pub(super) path: PathBuf,
    pub(super) storage: Storage,
    pub(super) base: u64,
    pub(super) rows: usize,
    /// Bytes of one text.
    pub(super) bytes: usize,
    /// The order of UCS-4 bytes; `None` for UTF-8.
    pub(super) ucs4: Option<Endian>,
}

impl TextArray {
    fn read(&self, rows: Range<usize>) -> Result<Vec<String>> {
        let mut bytes = vec![0; rows.len() * self.bytes];
        let offset = self.base + rows.start as u64 * self.bytes as u64;
        self.storage.read_at(offset, &mut bytes).map_err(|e| io_error(&self.path, "cannot read labels", e))?;
        if self.bytes == 0 {
            return Ok(vec![String::new(); rows.len()]);
        }
        Ok(bytes.chunks_exact(self.bytes).map(|text| self.decode(text)).collect())
    }

    fn decode(&self, text: &[u8]) -> String {
        match self.ucs4 {
            None => String::from_utf8_lossy(text).trim_end_matches('\0').to_owned(),
            Some(endian) => text
                .as_chunks::<4>()
                .0
                .iter()
                .map(|unit| match endian {
                    Endian::Little => u32::from_le_bytes(*unit),
                    Endian::Big => u32::from_be_bytes(*unit),
                })
                .take_while(|&unit| unit != 0)
                .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        }
    }
}

impl Labels {
    /// Looks through all values once to decide what they are.
    pub(super) fn numbers(path: &Path, name: &str, array: StridedArray) -> Result<Self> {
        if array.dims() != [1] {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                found: format!("{name:?} has {:?} values for each row", array.dims()),
                advice: "a label is one value for each row".into(),
            });
        }
        let kind = if array.element() == Element::Bool { ColumnKind::Boolean } else { number_kind(&array)? };
        Ok(Self { column: Column::label(name, kind), values: Values::Numbers(array) })
    }

    /// Looks through all values once to decide whether they are categories.
    pub(super) fn texts(name: &str, array: TextArray) -> Result<Self> {
        let mut distinct = BTreeSet::new();
        let mut kind = ColumnKind::Category;
        for rows in ranges(array.rows, BLOCK_VALUES / array.bytes.max(1)) {
            distinct.extend(array.read(rows)?);
            if distinct.len() > MAX_CLASSES {
                kind = ColumnKind::Text;
                break;
            }
        }
        Ok(Self { column: Column::label(name, kind), values: Values::Texts(array) })
    }

    pub(super) fn rows(&self) -> usize {
        match &self.values {
            Values::Numbers(array) => array.rows(),
            Values::Texts(array) => array.rows,
        }
    }

    pub(super) fn read(&self, rows: Range<usize>) -> Result<ColumnData> {
        let mut texts = Interner::default();
        match &self.values {
            Values::Numbers(array) if self.column.kind == ColumnKind::Category => {
                for value in array.read_f64(rows)? {
                    let whole = value as i64;
                    texts.push((!value.is_nan()).then(|| whole.to_string()).as_deref());
                }
            }
            Values::Numbers(array) => return Ok(ColumnData::Numbers(array.read_f64(rows)?)),
            Values::Texts(array) => array.read(rows)?.iter().for_each(|text| texts.push(Some(text))),
        }
        Ok(ColumnData::Texts(texts.finish()))
    }
}

/// Whole numbers with few distinct values are classes.
fn number_kind(array: &StridedArray) -> Result<ColumnKind> {
    let mut distinct = BTreeSet::new();
    for rows in array.blocks() {
        for value in array.read_f64(rows)? {
            if value.is_nan() {
                continue;
            }
            let whole = value as i64;
            if whole as f64 != value {
                return Ok(ColumnKind::Number);
            }
            distinct.insert(whole);
            if distinct.len() > MAX_CLASSES {
                return Ok(ColumnKind::Number);
            }
        }
    }
    Ok(ColumnKind::Category)
}
