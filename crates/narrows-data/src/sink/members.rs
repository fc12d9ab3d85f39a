//! The arrays of an archive in the making, each in a temporary file of its own until their lengths are known.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::is_text;
use super::npy::Matrix;
use crate::atomic::{check_target, directory, write_error};
use crate::{Block, ColumnData, Error, Result, Sample, Schema, Texts};

/// Longer texts do not become fixed-width arrays.
const MAX_TEXT: usize = 1 << 14;

/// Marks a missing text where its length would stand.
const MISSING: u32 = u32::MAX;

/// All arrays of one file.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) path: PathBuf,
    pub(super) rows: usize,
    pub(super) matrix: Option<(Matrix, BufWriter<File>)>,
    /// Columns beside the matrix: name, position among the columns of a block, values.
    columns: Vec<(String, usize, Spool)>,
}

/// One column.
#[derive(Debug)]
enum Spool {
    /// f64, little-endian.
    Numbers(BufWriter<File>),
    /// Length in bytes, then UTF-8.
    Texts { file: BufWriter<File>, longest: usize, whole: bool },
}

/// A finished column, ready to be copied.
pub(super) enum Finished {
    /// f64, little-endian.
    Numbers(File),
    /// Texts that are all whole numbers.
    Whole(TextReader),
    /// Texts of at most `longest` characters.
    Texts { texts: TextReader, longest: usize },
}

/// Finished columns with their names.
pub(super) type NamedColumns = Vec<(String, Finished)>;

/// Reads spooled texts one after the other.
pub(super) struct TextReader {
    file: BufReader<File>,
    rows: usize,
}

impl Members {
    pub(super) fn new(path: &Path, schema: &Schema, force: bool) -> Result<Self> {
        check_target(path, force)?;
        let spool = || {
            let file = tempfile::tempfile_in(directory(path)).map_err(|source| write_error(path, source))?;
            Ok::<_, Error>(BufWriter::with_capacity(1 << 18, file))
        };
        let matrix = match Matrix::of(schema) {
            Some(matrix) => Some((matrix, spool()?)),
            None => None,
        };
        let mut columns = Vec::new();
        for (position, column) in schema.columns.iter().enumerate() {
            if is_text(column.kind) {
                let texts = Spool::Texts { file: spool()?, longest: 1, whole: true };
                columns.push((column.name.clone(), position, texts));
            } else if schema.sample != Sample::Table {
                columns.push((column.name.clone(), position, Spool::Numbers(spool()?)));
            }
        }
        if let Some((name, ..)) = columns.iter().find(|(name, ..)| name == "X" && matrix.is_some()) {
            return Err(Error::Output {
                path: path.to_owned(),
                what: format!("a column called `{name}` beside the samples `X`"),
                advice: "rename the column",
            });
        }
        Ok(Self { path: path.to_owned(), rows: 0, matrix, columns })
    }

    pub(super) fn write(&mut self, block: &Block) -> Result<()> {
        self.rows += block.rows;
        let failed = |source| write_error(&self.path, source);
        if let Some((matrix, file)) = &mut self.matrix {
            file.write_all(&matrix.bytes(block)).map_err(failed)?;
        }
        for (name, position, spool) in &mut self.columns {
            match (spool, &block.columns[*position]) {
                (Spool::Numbers(file), ColumnData::Numbers(values)) => {
                    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                    file.write_all(&bytes).map_err(failed)?;
                }
                (Spool::Texts { file, longest, whole }, ColumnData::Texts(texts)) => {
                    let length = texts.levels.iter().map(|level| level.chars().count()).max().unwrap_or(0);
                    if length > MAX_TEXT {
                        return Err(Error::Output {
                            path: self.path.clone(),
                            what: format!("a text of {length} characters in column `{name}` to an array"),
                            advice: "write .csv, .parquet or .arrow",
                        });
                    }
                    *longest = length.max(*longest);
                    *whole &= !texts.codes.contains(&Texts::MISSING) && texts.levels.iter().all(|text| is_whole(text));
                    write_texts(file, texts).map_err(failed)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The matrix's values and the columns, each from its beginning.
    pub(super) fn finish(self) -> Result<(Option<(Matrix, File)>, NamedColumns)> {
        let Self { path, rows, matrix, columns } = self;
        let rewind = |file: BufWriter<File>| {
            let mut file = file.into_inner().map_err(|failure| write_error(&path, failure.into_error()))?;
            file.rewind().map_err(|source| write_error(&path, source))?;
            Ok::<File, Error>(file)
        };
        let matrix = match matrix {
            Some((matrix, file)) => Some((matrix, rewind(file)?)),
            None => None,
        };
        let mut finished = Vec::with_capacity(columns.len());
        for (name, _, spool) in columns {
            let column = match spool {
                Spool::Numbers(file) => Finished::Numbers(rewind(file)?),
                Spool::Texts { file, longest, whole } => {
                    let texts = TextReader { file: BufReader::new(rewind(file)?), rows };
                    if whole { Finished::Whole(texts) } else { Finished::Texts { texts, longest } }
                }
            };
            finished.push((name, column));
        }
        Ok((matrix, finished))
    }
}

/// Whether a text is a whole number in its usual spelling.
fn is_whole(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|value| value.to_string() == text)
}

fn write_texts(file: &mut BufWriter<File>, texts: &Texts) -> std::io::Result<()> {
    for row in 0..texts.codes.len() {
        match texts.get(row) {
            Some(text) => {
                file.write_all(&(text.len() as u32).to_le_bytes())?;
                file.write_all(text.as_bytes())?;
            }
            None => file.write_all(&MISSING.to_le_bytes())?,
        }
    }
    Ok(())
}

impl TextReader {
    /// Calls `each` with every text; missing ones are empty.
    pub(super) fn for_each(mut self, mut each: impl FnMut(&str) -> std::io::Result<()>) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        for _ in 0..self.rows {
            let mut length = [0; 4];
            self.file.read_exact(&mut length)?;
            let length = u32::from_le_bytes(length);
            bytes.resize(if length == MISSING { 0 } else { length as usize }, 0);
            self.file.read_exact(&mut bytes)?;
            each(&String::from_utf8_lossy(&bytes))?;
        }
        Ok(())
    }
}
