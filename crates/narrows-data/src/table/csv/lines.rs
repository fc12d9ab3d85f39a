//! Rows that come line by line: delimited text below a header, or JSON objects. A row is one line, so that a line that is no
//! row can be skipped and the next one is read.

use serde_json::{Map, Value};

use super::{Reading, TableError, dialect, objects, row};
use crate::schema::Role;
use crate::smoothed::Smoothed;
use crate::table::faults::{Faults, Seen};
use crate::table::select;
use crate::{Block, Column, ColumnData, ColumnKind, Error, Memory, OpenOptions, Result, Sample, Schema, Source};

/// How lines become rows: made from the first line, and the same for all that follow.
#[derive(Debug)]
pub struct Lines {
    reading: Reading,
    schema: Schema,
    smooth: Option<usize>,
    /// The names in the order of a row's cells, where lines are JSON objects.
    keys: Option<Vec<String>>,
}

/// One line that is a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The row as delimited text, with its line ending.
    pub text: String,
    /// The value of the column that orders rows, in seconds since 1970 for times; NaN where it is missing.
    pub time: f64,
    /// The cells that cannot be read and count as missing: where each is and why.
    pub unreadable: Vec<String>,
}

impl Lines {
    /// What the first line of `origin` tells: the names of columns, or that lines are JSON objects.
    ///
    /// # Errors
    /// The line is no text, or columns that the options name or a model expects are missing.
    pub fn new(origin: &str, first: &str, options: &OpenOptions) -> Result<Self> {
        let first = first.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
        // A stream that is joined in the midst of an object shows its end only.
        let end_of_object = options.expected.is_some() && first.trim_end().ends_with('}') && first.contains("\":");
        let objects = objects::are(first.as_bytes()) || objects::are_named(origin) || end_of_object;
        let (delimiter, names) = if objects {
            (b',', expected_names(options))
        } else {
            dialect::byte_order_mark(origin, first.as_bytes(), true)?;
            let delimiter = dialect::delimiter(first.as_bytes(), true);
            let cells = row::cells(first.as_bytes(), delimiter);
            let names: Vec<String> = cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            headed(origin, &names, options)?;
            (delimiter, names)
        };
        let names = select::names(origin, names)?;
        let roles = select::roles(origin, &names, options)?;
        let (mut columns, mut slots) = (Vec::new(), Vec::with_capacity(names.len()));
        for (name, role) in names.iter().zip(roles) {
            slots.push(role.map(|_| columns.len()));
            // What only goes along is written as it stands.
            let kind = select::prescribed(name, options).unwrap_or(ColumnKind::Text);
            columns.extend(role.map(|role| Column { name: name.clone(), kind, role }));
        }
        let schema = Schema { sample: Sample::Table, columns: columns.clone() };
        let reading =
            Reading { origin: origin.to_owned(), delimiter, objects, slots, columns, faults: Some(Seen::default()) };
        Ok(Self { reading, schema, smooth: options.smooth, keys: objects.then_some(names) })
    }

    /// What a row is.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether lines are JSON objects: then the first line is a row, too.
    #[must_use]
    pub const fn are_objects(&self) -> bool {
        self.keys.is_some()
    }

    /// The row on line `number`; none where the line is empty.
    ///
    /// # Errors
    /// The line is no row: another number of cells, a quote that never closes, or no JSON object.
    pub fn row(&self, line: &[u8], number: u64) -> Result<Option<Line>> {
        let mut unreadable = Vec::new();
        let line = match (std::str::from_utf8(line), &self.keys) {
            (Ok(line), _) => line.to_owned(),
            (Err(_), None) => self.legible(line, number, &mut unreadable),
            (Err(_), Some(_)) => return Err(self.stray(number, "not UTF-8 text")),
        };
        let line = line.trim_end_matches(['\n', '\r']);
        if row::is_empty(line.as_bytes()) {
            return Ok(None);
        }
        let mut text = match &self.keys {
            None => line.to_owned(),
            Some(keys) => self.object(line, keys, number)?,
        };
        text.push('\n');
        if row::end_of_row(text.as_bytes(), 0, self.reading.delimiter) != Some(text.len() - 1) {
            return Err(self.stray(number, "a quoted cell that opens and never closes"));
        }
        let (block, faults) = self.parse(&text, 1, number)?;
        if faults.lines > 0 {
            return Err(self.reading.ragged(text.as_bytes(), 0, number).into());
        }
        let time = match self.schema.role(Role::Time).and_then(|place| block.columns.get(place)) {
            Some(ColumnData::Numbers(values)) => values.first().copied().unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        unreadable.extend(faults.first);
        Ok(Some(Line { text, time, unreadable }))
    }

    /// Rows whose texts [`Lines::row`] gave, in one block.
    ///
    /// # Errors
    /// A text is no row.
    pub fn source(&self, rows: &[String]) -> Result<Box<dyn Source>> {
        let text = rows.concat();
        let (block, _) = self.parse(&text, rows.len(), 1)?;
        let memory = Memory::new(self.reading.origin.clone(), self.schema.clone(), block)?.with_block_rows(rows.len());
        match self.smooth {
            None => Ok(Box::new(memory)),
            Some(over) => Ok(Box::new(Smoothed::new(Box::new(memory), over)?)),
        }
    }

    /// Rows, and what could not be read of them.
    fn parse(&self, text: &str, rows: usize, line: u64) -> Result<(Block, Faults)> {
        let block = self.reading.parse(text.as_bytes(), rows, line)?;
        Ok((block, self.reading.faults.as_ref().map(Seen::take).unwrap_or_default()))
    }

    fn object(&self, line: &str, keys: &[String], number: u64) -> Result<String> {
        let object: Map<String, Value> = objects::parsed(line.as_bytes())
            .map_err(|error| self.stray(number, &format!("no JSON object ({error})")))?;
        let mut text = String::new();
        for (place, key) in keys.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            objects::lenient_cell(object.get(key), &mut text);
        }
        Ok(text)
    }

    /// A line of delimited text, without the cells that are no UTF-8 text.
    fn legible(&self, line: &[u8], number: u64, unreadable: &mut Vec<String>) -> String {
        let mut text = String::new();
        let line = line.trim_ascii_end();
        for (place, cell) in row::cells(line, self.reading.delimiter).into_iter().enumerate() {
            if place > 0 {
                text.push(char::from(self.reading.delimiter));
            }
            match std::str::from_utf8(&cell) {
                Ok(cell) => {
                    objects::cell(Some(&Value::String(cell.to_owned())), &mut text);
                }
                Err(_) => {
                    let slot = self.reading.slots.get(place).copied().flatten();
                    let name = slot.map_or_else(
                        || (place + 1).to_string(),
                        |slot| format!("`{}`", self.schema.columns[slot].name),
                    );
                    unreadable.push(format!("{}: line {number}, column {name}: not UTF-8 text", self.reading.origin));
                }
            }
        }
        text
    }

    fn stray(&self, number: u64, found: &str) -> Error {
        let (origin, found) = (self.reading.origin.clone(), found.to_owned());
        TableError::Line { origin, line: number, found }.into()
    }
}

/// Refuses a first line that holds none of the names that a model knows.
fn headed(origin: &str, names: &[String], options: &OpenOptions) -> Result<()> {
    let known = |expected: &Schema| names.iter().any(|name| expected.position(name).is_some());
    if options.expected.as_ref().is_none_or(known) {
        return Ok(());
    }
    let found = "the first line is no header: it names none of the model's columns".to_owned();
    Err(TableError::Line { origin: origin.to_owned(), line: 1, found }.into())
}

/// The names that objects are asked for: those of the model, the column that orders rows, and what goes along.
fn expected_names(options: &OpenOptions) -> Vec<String> {
    let expected = options.expected.iter().flat_map(|schema| schema.columns.iter().map(|column| &column.name));
    let mut names: Vec<String> = Vec::new();
    for name in expected.chain(&options.time).chain(&options.keep) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> OpenOptions {
        let columns = vec![
            Column { name: "t".into(), kind: ColumnKind::Time, role: Role::Time },
            Column::feature("a", ColumnKind::Number),
            Column::feature("kind", ColumnKind::Category),
        ];
        let expected = Some(Schema { sample: Sample::Table, columns });
        OpenOptions { time: Some("t".into()), keep: vec!["id".into()], expected, ..OpenOptions::default() }
    }

    #[test]
    fn objects_and_delimited_text_are_the_same_rows() {
        let text = Lines::new("x", "id;kind;a;t\r\n", &options()).unwrap();
        let row = text.row(b"7;on;1.5;1970-01-01 00:01:00\r\n", 2).unwrap().unwrap();
        assert_eq!(row.time, 60.0);
        let line = br#"{"a":1.5,"t":"1970-01-01T00:01:00Z","id":7,"kind":"on","more":[1]}"#;
        let objects = Lines::new("x", std::str::from_utf8(line).unwrap(), &options()).unwrap();
        assert!(objects.are_objects() && !text.are_objects());
        let other = objects.row(line, 1).unwrap().unwrap();
        let read = |lines: &Lines, row: &Line| {
            let block = lines.source(&[row.text.clone(), row.text.clone()]).unwrap().read(0).unwrap();
            let place = |name| lines.schema().position(name).unwrap();
            let ColumnData::Texts(kind) = &block.columns[place("kind")] else { panic!("text") };
            let ColumnData::Texts(id) = &block.columns[place("id")] else { panic!("text") };
            (
                block.rows,
                block.columns[place("a")].clone(),
                kind.get(1).map(str::to_owned),
                id.get(0).map(str::to_owned),
            )
        };
        assert_eq!(read(&text, &row), read(&objects, &other));
        assert_eq!(read(&text, &row).3.as_deref(), Some("7"));
    }

    #[test]
    fn a_line_that_is_no_row_is_refused_by_its_number() {
        let text = Lines::new("x", "id,kind,a,t", &options()).unwrap();
        for line in ["only", "1,\"on,2,3", "1,on,2,3,4"] {
            let error = text.row(line.as_bytes(), 9).unwrap_err().to_string();
            assert!(error.contains("line 9"), "{error}");
        }
        let row = text.row(b"\xff,on,1,1970-01-01", 9).unwrap().unwrap();
        assert!(row.text.starts_with(',') && row.unreadable[0].contains("line 9, column `id`"), "{row:?}");
        assert_eq!(text.row(b" \r\n", 9).unwrap(), None);
        for (line, column) in [("1,on,much,1970-01-01", "a"), ("1,on,1e999,1970-01-01", "a"), ("1,on,2,soon", "t")] {
            let row = text.row(line.as_bytes(), 9).unwrap().unwrap();
            let [reason] = &row.unreadable[..] else { panic!("{row:?}") };
            assert!(reason.contains("line 9") && reason.contains(&format!("`{column}`")), "{reason}");
            assert_eq!(row.time.is_nan(), column == "t");
            let block = text.source(&[row.text]).unwrap().read(0).unwrap();
            let ColumnData::Numbers(values) = &block.columns[text.schema().position(column).unwrap()] else { panic!() };
            assert!(values[0].is_nan());
        }
        let objects = Lines::new("x", "{}", &options()).unwrap();
        for line in ["{", "[1]"] {
            let error = objects.row(line.as_bytes(), 4).unwrap_err().to_string();
            assert!(error.contains("line 4"), "{error}");
        }
        let row = objects.row(b"{\"a\":[1]}", 4).unwrap().unwrap();
        assert!(row.unreadable[0].contains("line 4, column `a`"), "{row:?}");
        assert_eq!(objects.row(b"{\"b\":1}", 4).unwrap().unwrap().unreadable, Vec::<String>::new());
        assert!(Lines::new("x", "id,kind,t", &options()).is_err());
    }
}
