//! The kind of a column from a sample of its cells, and whether the first row is a header.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::number;
use crate::ColumnKind;
use crate::table::time;

/// Pairs of words that stand for true and false.
const WORDS: [[&str; 2]; 4] = [["true", "false"], ["yes", "no"], ["t", "f"], ["y", "n"]];

/// Texts that stand for a missing value, whatever their case.
const MISSING: [&str; 6] = ["na", "nan", "n/a", "?", "null", "none"];

/// Distinct texts that are remembered of a column.
const REMEMBERED: usize = 4096;

/// Whether a trimmed cell stands for a missing value.
#[inline]
pub(in crate::table) fn is_missing(cell: &[u8]) -> bool {
    match cell {
        [] | b"?" => true,
        [b'N' | b'n', ..] if cell.len() <= 4 => MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word.as_bytes())),
        _ => false,
    }
}

/// The boolean that a word stands for.
pub(crate) fn boolean(cell: &[u8]) -> Option<f64> {
    let stands = |words: &[&str; 2]| words.iter().position(|word| cell.eq_ignore_ascii_case(word.as_bytes()));
    match cell {
        b"1" | b"1.0" => Some(1.0),
        b"0" | b"0.0" => Some(0.0),
        _ => WORDS.iter().find_map(stands).map(|place| if place == 0 { 1.0 } else { 0.0 }),
    }
}

/// What the cells of a column looked like so far.
#[derive(Debug, Default)]
pub(in crate::table) struct Cells {
    present: usize,
    numbers: usize,
    times: usize,
    bytes: usize,
    distinct: BTreeSet<Vec<u8>>,
}

impl Cells {
    pub(super) fn add(&mut self, cell: &[u8]) {
        if is_missing(cell) {
            return;
        }
        if number::whole(cell).is_some() {
            self.numbers += 1;
        } else if time::seconds(cell).is_some() {
            self.times += 1;
        }
        self.add_text(cell);
    }

    /// A cell that is text whatever it looks like.
    pub(in crate::table) fn add_text(&mut self, cell: &[u8]) {
        if is_missing(cell) {
            return;
        }
        self.present += 1;
        self.bytes += cell.len();
        if self.distinct.len() < REMEMBERED && !self.distinct.contains(cell) {
            self.distinct.insert(cell.to_vec());
        }
    }

    /// The kind: numbers or times where nearly all cells are (a stray text is then an error when it is read), booleans
    /// where all are words of one pair, text where most cells are different or long, else categories.
    pub(in crate::table) fn kind(&self) -> ColumnKind {
        let nearly_all = |count: usize| {
            let strays = self.present - count;
            count > 0 && (strays * 10 <= self.present || (strays <= 2 && count > strays))
        };
        let one_pair = |words: &[&str; 2]| {
            self.distinct.iter().all(|cell| words.iter().any(|word| cell.eq_ignore_ascii_case(word.as_bytes())))
        };
        if nearly_all(self.numbers) {
            ColumnKind::Number
        } else if nearly_all(self.times) {
            ColumnKind::Time
        } else if self.present > 0 && WORDS.iter().any(one_pair) {
            ColumnKind::Boolean
        } else if self.is_text() {
            ColumnKind::Text
        } else {
            ColumnKind::Category
        }
    }

    fn is_text(&self) -> bool {
        let different = self.present >= 100 && self.distinct.len() * 2 > self.present.min(REMEMBERED);
        let long = self.present > 0 && self.bytes > 64 * self.present;
        different || long
    }

    /// Whether `cell` looks like the name of this column rather than one of its values.
    fn is_named_by(&self, cell: &[u8]) -> Naming {
        let kind = self.kind();
        match kind {
            _ if number::whole(cell).is_some() || time::seconds(cell).is_some() => Naming::Value,
            ColumnKind::Number | ColumnKind::Time | ColumnKind::Boolean => Naming::Name,
            _ if self.distinct.contains(cell) => Naming::Value,
            _ => Naming::Either,
        }
    }
}

/// What a cell of the first row looks like.
#[derive(PartialEq, Eq)]
enum Naming {
    Name,
    Value,
    Either,
}

/// Whether `first` is a header, given the cells below it: no cell looks like a value, and either a column of numbers,
/// times or booleans has a name, or all cells differ from each other and from those below.
pub(super) fn is_header(first: &[Cow<'_, [u8]>], below: &[Cells]) -> bool {
    let naming: Vec<Naming> = first.iter().zip(below).map(|(cell, cells)| cells.is_named_by(cell)).collect();
    let distinct = first.iter().collect::<BTreeSet<_>>().len() == first.len();
    let values =
        naming.iter().zip(first).filter(|(naming, cell)| **naming == Naming::Value && !cell.is_empty()).count();
    let all_missing = first.iter().all(|cell| is_missing(cell));
    values == 0 && !all_missing && (naming.contains(&Naming::Name) || distinct)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(cells: &[&str]) -> ColumnKind {
        let mut seen = Cells::default();
        for cell in cells {
            seen.add(cell.as_bytes());
        }
        seen.kind()
    }

    #[test]
    fn kinds_follow_the_cells() {
        assert_eq!(kind(&["1", "2.5", "", "NA", "-3e2"]), ColumnKind::Number);
        assert_eq!(kind(&["1", "2", "oops"]), ColumnKind::Number);
        assert_eq!(kind(&["yes", "No", "?"]), ColumnKind::Boolean);
        assert_eq!(kind(&["true", "no"]), ColumnKind::Category);
        assert_eq!(kind(&["2020-01-01", "2020-01-02 10:00:00"]), ColumnKind::Time);
        assert_eq!(kind(&["red", "blue", "7", "green"]), ColumnKind::Category);
        assert_eq!(kind(&["", "nan"]), ColumnKind::Category);
        let names: Vec<String> = (0..200).map(|i| format!("person {i}")).collect();
        assert_eq!(kind(&names.iter().map(String::as_str).collect::<Vec<_>>()), ColumnKind::Text);
    }
}
