//! Delimited text (CSV, TSV and relatives) as a source, and lines of JSON objects.

mod dialect;
mod index;
mod kind;
mod lines;
mod number;
mod objects;
mod parse;
mod row;

use std::ops::Range;

use super::faults::{Faults, Seen};
use super::{TableError, select};
use crate::format::storage::Storage;
use crate::schema::Role;
use crate::{Block, Column, ColumnKind, Error, OpenOptions, Result, Sample, Schema, Source};
use index::{Index, Text};
pub(crate) use kind::boolean;
pub(super) use kind::{Cells, is_missing};
pub use lines::{Line, Lines};
use parse::Reading;

/// Bytes at the start of the file from which delimiter and header are told.
const HEAD: u64 = 1 << 20;

/// Bytes from which it is told whether lines are JSON objects.
const FIRST: u64 = 256;

/// Blocks, and rows of each, from which the kinds of columns are told.
const SAMPLED: (usize, usize) = (16, 4096);

/// A file of delimited text: an index of its blocks, which are read and parsed one at a time.
#[derive(Debug)]
pub(crate) struct Csv {
    storage: Storage,
    length: u64,
    schema: Schema,
    index: Index,
    reading: Reading,
}

/// First rows of a file.
struct Head {
    delimiter: u8,
    /// Where the rows of values begin, and on which line.
    start: u64,
    line: u64,
    names: Vec<String>,
    /// Whether rows were JSON objects.
    objects: bool,
}

impl Csv {
    /// Finds delimiter, header, rows and kinds. Lines of JSON objects are rows of their values by name.
    pub(crate) fn new(origin: String, storage: Storage, length: u64, options: &OpenOptions) -> Result<Self> {
        let text = Text { storage: &storage, length, origin: &origin };
        let mut first = vec![0; length.min(FIRST) as usize];
        text.read(0, &mut first)?;
        if objects::are(&first) || (options.lenient && objects::are_named(&origin)) {
            let (names, storage, length) = objects::delimited(text, !options.lenient)?;
            let names = select::names(&origin, names)?;
            let head = Head { delimiter: objects::DELIMITER, start: 0, line: 1, names, objects: true };
            return Self::below(head, origin, storage, length, options);
        }
        let head = Head::read(text, options)?;
        Self::below(head, origin, storage, length, options)
    }

    /// Finds rows and kinds below a header.
    fn below(head: Head, origin: String, storage: Storage, length: u64, options: &OpenOptions) -> Result<Self> {
        let text = Text { storage: &storage, length, origin: &origin };
        let roles = select::roles(&origin, &head.names, options)?;
        let place = (head.start, head.line);
        let index = Index::new(text, place, head.delimiter, head.names.len(), options.lenient)?;
        if index.rows.is_empty() && !options.lenient {
            return Err(TableError::HeaderOnly { origin, columns: head.names.len() }.into());
        }
        let mut kinds: Vec<Option<ColumnKind>> =
            head.names.iter().map(|name| select::prescribed(name, options)).collect();
        for (kind, role) in kinds.iter_mut().zip(&roles) {
            if options.verbatim && *role == Some(Role::Kept) {
                kind.get_or_insert(ColumnKind::Text);
            }
        }
        let unknown = kinds.iter().zip(&roles).any(|(kind, role)| kind.is_none() && role.is_some());
        if unknown {
            let seen = sample(text, &index, &head)?;
            kinds.iter_mut().zip(seen).for_each(|(kind, cells)| *kind = kind.or_else(|| Some(cells.kind())));
        }
        let mut columns = Vec::new();
        let mut slots = Vec::with_capacity(roles.len());
        for ((name, role), kind) in head.names.into_iter().zip(roles).zip(kinds) {
            slots.push(role.map(|_| columns.len()));
            columns.extend(role.map(|role| Column { name, kind: kind.unwrap_or(ColumnKind::Category), role }));
        }
        if let Some(column) = columns.iter().find(|column| column.role == Role::Time) {
            numeric_time(&origin, column)?;
        }
        let schema = Schema { sample: Sample::Table, columns: columns.clone() };
        let faults = options.lenient.then(Seen::default);
        let reading = Reading { origin, delimiter: head.delimiter, objects: head.objects, slots, columns, faults };
        Ok(Self { storage, length, schema, index, reading })
    }
}

impl Csv {
    /// The line on which row `row` begins, from 1.
    fn line_of(&self, row: usize) -> Option<u64> {
        let index = self.index.rows.partition_point(|rows| rows.end <= row);
        let (rows, (bytes, line)) = (self.index.rows.get(index)?, self.index.places.get(index)?);
        let mut buffer = vec![0; (bytes.end - bytes.start) as usize];
        let text = Text { storage: &self.storage, length: self.length, origin: &self.reading.origin };
        text.read(bytes.start, &mut buffer).ok()?;
        let (start, _) = row::rows(&buffer, self.reading.delimiter).nth(row - rows.start)?;
        Some(line + memchr::memchr_iter(b'\n', &buffer[..start]).count() as u64)
    }
}

/// Whether rows can be ordered by `column`.
pub(super) fn numeric_time(origin: &str, column: &Column) -> Result<(), TableError> {
    match column.kind {
        ColumnKind::Number | ColumnKind::Time => Ok(()),
        found => {
            let (origin, name) = (origin.to_owned(), column.name.clone());
            Err(TableError::Kind { origin, name, found, expected: ColumnKind::Time })
        }
    }
}

impl Head {
    fn read(text: Text<'_>, options: &OpenOptions) -> Result<Self> {
        let Text { length, origin, .. } = text;
        let mut head = vec![0; length.min(HEAD) as usize];
        text.read(0, &mut head)?;
        let mark = dialect::byte_order_mark(origin, &head, options.lenient)?;
        let body = &head[mark..];
        let complete = length <= HEAD;
        let delimiter = dialect::delimiter(body, complete);
        let mut rows = row::rows(body, delimiter);
        let Some((place, first)) = rows.next() else {
            return Err(Error::Empty { path: origin.into(), expected: "a table: a header and rows of values" });
        };
        let cells = row::cells(first, delimiter);
        let given: Vec<String> = cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
        let expected = options.expected.as_ref();
        let known = |name: &String| expected.is_some_and(|expected| expected.position(name).is_some());
        let is_header = || {
            let mut below: Vec<Cells> = cells.iter().map(|_| Cells::default()).collect();
            for (_, row) in rows.take(SAMPLED.1) {
                row::cells(row, delimiter).iter().zip(&mut below).for_each(|(cell, cells)| cells.add(cell));
            }
            kind::is_header(&cells, &below)
        };
        if given.iter().any(known) || is_header() {
            let end = place + first.len();
            let lines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count() as u64;
            let start = (mark as u64 + end as u64 + 1).min(length);
            let names = select::names(origin, given)?;
            return Ok(Self { delimiter, start, line: lines(&body[..end]) + 2, names, objects: false });
        }
        let names = unnamed(origin, given.len(), expected)?;
        Ok(Self { delimiter, start: mark as u64, line: 1, names, objects: false })
    }
}

/// Names for the columns of a file without header: `c0`, `c1`, ..., or those of training where as many are expected.
fn unnamed(origin: &str, count: usize, expected: Option<&Schema>) -> Result<Vec<String>, TableError> {
    let own: Vec<String> = (0..count).map(|place| format!("c{place}")).collect();
    let Some(expected) = expected else { return Ok(own) };
    let mut features = expected.columns.iter().filter(|column| column.role == Role::Feature);
    if features.all(|column| own.contains(&column.name)) {
        return Ok(own);
    }
    match expected.columns.len() {
        columns if columns == count => Ok(expected.columns.iter().map(|column| column.name.clone()).collect()),
        expected => Err(TableError::ColumnCount { origin: origin.to_owned(), found: count, expected }),
    }
}

/// Cells of rows from all parts of the file.
fn sample(text: Text<'_>, index: &Index, head: &Head) -> Result<Vec<Cells>> {
    let blocks = index.places.len();
    let mut seen: Vec<Cells> = head.names.iter().map(|_| Cells::default()).collect();
    for part in 0..blocks.min(SAMPLED.0) {
        let (bytes, _) = &index.places[part * blocks / blocks.min(SAMPLED.0)];
        let mut buffer = vec![0; (bytes.end - bytes.start) as usize];
        text.read(bytes.start, &mut buffer)?;
        for (_, row) in row::rows(&buffer, head.delimiter).take(SAMPLED.1) {
            row::cells(row, head.delimiter).iter().zip(&mut seen).for_each(|(cell, cells)| cells.add(cell));
        }
    }
    Ok(seen)
}

impl Source for Csv {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.index.rows.last().map_or(0, |rows| rows.end)
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.index.rows
    }

    fn read(&self, index: usize) -> Result<Block> {
        let (Some((bytes, line)), Some(rows)) = (self.index.places.get(index), self.index.rows.get(index)) else {
            return Err(super::no_block(self, index));
        };
        let text = Text { storage: &self.storage, length: self.length, origin: &self.reading.origin };
        let mut buffer = vec![0; (bytes.end - bytes.start) as usize];
        text.read(bytes.start, &mut buffer)?;
        let block = self.reading.parse(&buffer, rows.len(), *line)?;
        if block.rows == rows.len() { Ok(block) } else { Err(super::changed(self, index, block.rows)) }
    }

    fn origin(&self) -> &str {
        &self.reading.origin
    }

    fn faults(&self) -> Faults {
        let empty = Faults { empty: self.index.empty, ..Faults::default() };
        self.reading.faults.as_ref().map(|seen| seen.total().and(empty)).unwrap_or_default()
    }

    fn place(&self, row: usize) -> String {
        match self.line_of(row) {
            Some(line) => format!("line {line}"),
            None => format!("row {}", row + 1),
        }
    }
}
