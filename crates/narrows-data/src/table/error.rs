//! What can be wrong with a table: one cause each, with file, line or row, and column.

use std::path::PathBuf;

use crate::ColumnKind;

/// A table that cannot be read, or not as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A row has more or fewer cells than the table has columns.
    #[error(
        "{origin}: line {line}: {found} cells, expected {expected}; mend the line, or check the delimiter {delimiter:?}"
    )]
    Ragged {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// Cells on the line.
        found: usize,
        /// Columns of the table.
        expected: usize,
        /// What separates cells.
        delimiter: char,
    },
    /// A line of a stream is no row.
    #[error("{origin}: line {line}: {found}; expected a row on one line")]
    Line {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// What it is.
        found: String,
    },
    /// A line among JSON objects is none.
    #[error(
        "{origin}: line {line}: no JSON object ({found}); mend or remove the line: each holds one object, such as {{\"a\": 1}}"
    )]
    Object {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        found: String,
    },
    /// A value of a JSON object is a list or an object itself.
    #[error(
        "{origin}: line {line}, `{column}`: a list or an object; give each of its values a name of its own in the object \
         of the line, or remove it"
    )]
    Nested {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// The name of the value.
        column: String,
    },
    /// A cell is not of its column's kind.
    #[error(
        "{origin}: line {line}, column `{column}`: {text:?} is not {}; mend the cell, leave it empty where the value is \
         missing, or leave the column out (--exclude {column})", expected.noun()
    )]
    Cell {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What the cell holds, shortened.
        text: String,
        /// What it should hold.
        expected: ColumnKind,
    },
    /// A number is infinite.
    #[error(
        "{origin}: line {line}, column `{column}`: infinite; replace it, or leave it empty where the value is missing"
    )]
    Infinite {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
    },
    /// A quoted cell is never closed.
    #[error("{origin}: line {line}: a quoted cell opens in this row and never closes; close or remove the quote")]
    OpenQuote {
        /// The file.
        origin: String,
        /// The line where its row begins, from 1.
        line: u64,
    },
    /// A cell is not UTF-8.
    #[error("{origin}: line {line}, column `{column}`: not UTF-8 text; convert the file to UTF-8")]
    NotText {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
    },
    /// There is a header but no row below it.
    #[error("{origin}: a header of {columns} columns and no rows; expected at least one row of values")]
    HeaderOnly {
        /// The file.
        origin: String,
        /// Columns named in the header.
        columns: usize,
    },
    /// Two columns have the same name.
    #[error("{origin}: columns {first} and {second} are both called `{name}`; rename one")]
    DuplicateName {
        /// The file.
        origin: String,
        /// The name.
        name: String,
        /// Place of the first, from 1.
        first: usize,
        /// Place of the second, from 1.
        second: usize,
    },
    /// A column that was asked for is not there.
    #[error("{origin}: no column `{name}`{}; it has {}", nearest.as_ref().map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default(), shorten(columns))]
    UnknownColumn {
        /// The file.
        origin: String,
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
        /// All names.
        columns: Vec<String>,
    },
    /// A column that the model was trained on is not there.
    #[error(
        "{origin}: column `{name}`, which the model needs, is missing{}{}",
        if others.is_empty() { String::new() } else { format!("; so are `{}`", others.join("`, `")) },
        nearest.as_ref().map_or("; add it, without values if there are none".to_owned(), |n| {
            format!("; is it called `{n}` here? Rename it")
        })
    )]
    MissingColumn {
        /// The file.
        origin: String,
        /// The model's name for it.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
        /// Further columns that are missing.
        others: Vec<String>,
    },
    /// A column is asked for and left out.
    #[error("{origin}: column `{name}` is both {uses}; name it once")]
    Contradiction {
        /// The file.
        origin: String,
        /// The column.
        name: String,
        /// What it is to be and not to be.
        uses: &'static str,
    },
    /// A table without header has another number of columns than the model was trained on.
    #[error(
        "{origin}: {found} columns and no header, expected {expected} in the order of training, or a header with their names"
    )]
    ColumnCount {
        /// The file.
        origin: String,
        /// Columns found.
        found: usize,
        /// Columns of the model's data.
        expected: usize,
    },
    /// A column has another kind of values than the model was trained on.
    #[error("{origin}: column `{name}` holds {}, the model was trained on {}", found.plural(), expected.plural())]
    Kind {
        /// The file.
        origin: String,
        /// The column.
        name: String,
        /// What it holds.
        found: ColumnKind,
        /// What it should hold.
        expected: ColumnKind,
    },
    /// A columnar file stores a column in a type that has no place in a table of values.
    #[error(
        "{origin}: column `{column}` is of type {found}, which is no number, boolean, time or text; leave it out (--exclude {column})"
    )]
    ColumnType {
        /// The file.
        origin: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// A Parquet or Arrow file is damaged.
    #[error("{}: damaged, or no {format} file: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// The reader's reason.
        reason: String,
    },
    /// A part of a columnar file that must be read at once is too large.
    #[error("{}: record batch {batch} holds {bytes} bytes, at most {limit} are read at once; write it in smaller batches", path.display())]
    BatchTooLarge {
        /// The file.
        path: PathBuf,
        /// The record batch, from 0.
        batch: usize,
        /// Its size.
        bytes: u64,
        /// The largest accepted.
        limit: u64,
    },
}

impl TableError {
    /// A column that was asked for is not among `columns`.
    pub(crate) fn unknown_column(origin: &str, name: &str, columns: Vec<String>) -> Self {
        let nearest = crate::nearest(name, columns.iter().map(String::as_str)).map(str::to_owned);
        Self::UnknownColumn { origin: origin.into(), name: name.into(), nearest, columns }
    }
}

/// The first names, and how many more there are.
fn shorten(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl ColumnKind {
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Category => "a category",
            Self::Time => "a time",
            Self::Text => "text",
        }
    }

    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Number => "numbers",
            Self::Boolean => "booleans",
            Self::Category => "categories",
            Self::Time => "times",
            Self::Text => "free text",
        }
    }
}
