//! What rows at use time hold that no training row did: a new level of a category, another value in a column of which
//! training knew one value or none. Such cells have no feature that could say so, and rows without any value have none at
//! all, so both are told beside the features.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::array::ArrayScale;
use super::layout::Layout;
use super::table::{Code, TableColumn};
use crate::{Block, ColumnData, ColumnKind, Schema};

/// Relative difference from which a number is another than the one of training: their mean is rounded.
const ROUNDING: f64 = 1e-6;

/// What is remarkable about consecutive rows of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// Cells with a value that no training row had, in the order of rows.
    pub unseen: Vec<Unseen>,
    /// Rows of the source, from 0, that hold no value in any column that the model reads.
    pub blank: Vec<usize>,
    /// For each column of a table that the model reads, in the order of [`super::Preparation::output_schema`], whether it
    /// holds a value in any of the rows; empty for arrays.
    pub present: Vec<bool>,
}

/// A cell with a value that no training row had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unseen {
    /// The row of the source, from 0.
    pub row: usize,
    /// The column.
    pub column: Arc<str>,
}

/// A column that is no feature because training knew one value of it, or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
    pub(super) held: Held,
}

/// What a watched column held in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Held {
    Nothing,
    Number(f64),
    Level(String),
}

impl Held {
    /// The places of values that are present and others than this.
    fn others(&self, values: &ColumnData) -> Vec<usize> {
        match (self, values) {
            (Self::Level(level), ColumnData::Texts(texts)) => texts.places(|text| text != level),
            (Self::Number(number), ColumnData::Numbers(values)) => places(values, |value| value != *number),
            // Nothing was known, or another kind is: whatever is present is new.
            (_, ColumnData::Texts(texts)) => texts.places(|_| true),
            (_, ColumnData::Numbers(values)) => places(values, |_| true),
        }
    }
}

fn places(values: &[f64], new: impl Fn(f64) -> bool) -> Vec<usize> {
    let new = |(_, value): &(usize, &f64)| !value.is_nan() && new(**value);
    values.iter().enumerate().filter(new).map(|(place, _)| place).collect()
}

impl Watched {
    /// The place of the column in a schema, where it is there.
    pub(super) fn place(&self, schema: &Schema) -> Option<usize> {
        schema.position(&self.name)
    }

    /// The value of training as text.
    pub(super) fn text(&self) -> Option<String> {
        match &self.held {
            Held::Nothing => None,
            Held::Level(level) => Some(level.clone()),
            Held::Number(number) if self.kind == ColumnKind::Boolean => Some((*number >= 0.5).to_string()),
            Held::Number(number) => Some(number.to_string()),
        }
    }
}

impl Notices {
    /// Looks at the rows of a table, `numbers` of the source.
    pub(super) fn of_table<'a>(
        block: &Block,
        numbers: &[usize],
        columns: impl Iterator<Item = (&'a TableColumn, usize)>,
        watched: impl Iterator<Item = (&'a Watched, Option<usize>)>,
    ) -> Self {
        let mut notices = Self::default();
        let mut blank: Option<Vec<usize>> = None;
        for (column, place) in columns {
            let Some(values) = block.columns.get(place) else { continue };
            if let (Code::Category { levels, other: false, .. }, ColumnData::Texts(texts)) = (&column.code, values) {
                let new = texts.places(|text| !levels.iter().any(|level| level == text));
                notices.add(&column.name, numbers, new);
            }
            let still = |row: &usize| values.is_missing(*row);
            blank = Some(match blank {
                None => (0..block.rows).filter(still).collect(),
                Some(rows) => rows.into_iter().filter(still).collect(),
            });
            notices.present.push(!(0..block.rows).all(|row| values.is_missing(row)));
        }
        for (column, place) in watched {
            if let Some(values) = place.and_then(|place| block.columns.get(place)) {
                notices.add(&column.name, numbers, column.held.others(values));
            }
        }
        notices.blank = blank.unwrap_or_default().into_iter().map(|row| numbers[row]).collect();
        notices.unseen.sort();
        notices
    }

    /// Looks at the rows of an array.
    pub(super) fn of_array(block: &Block, numbers: &[usize], scale: &ArrayScale, layout: &Layout) -> Self {
        let mut notices = Self::default();
        let width = layout.row_width();
        let named = layout.fields.len() == width;
        let constant: Vec<(usize, f64)> = scale.constants(&layout.weights).filter(|_| named).collect();
        for (values, &row) in block.dense.chunks_exact(width.max(1)).zip(numbers) {
            if values.iter().all(|value| value.is_nan()) {
                notices.blank.push(row);
            }
            for &(feature, held) in &constant {
                let off = (f64::from(values[feature]) - held).abs();
                if off > ROUNDING * held.abs() {
                    let column = layout.fields[feature].name.as_str().into();
                    notices.unseen.push(Unseen { row, column });
                }
            }
        }
        notices
    }

    fn add(&mut self, column: &str, numbers: &[usize], places: Vec<usize>) {
        if !places.is_empty() {
            let column: Arc<str> = column.into();
            self.unseen.extend(places.into_iter().map(|place| Unseen { row: numbers[place], column: column.clone() }));
        }
    }

    /// Those of the rows `first..=last` of the source.
    pub(crate) fn within(&self, first: usize, last: usize) -> Self {
        let inside = |row: usize| (first..=last).contains(&row);
        Self {
            unseen: self.unseen.iter().filter(|unseen| inside(unseen.row)).cloned().collect(),
            blank: self.blank.iter().copied().filter(|row| inside(*row)).collect(),
            present: self.present.clone(),
        }
    }

    /// Adds those of further rows.
    pub fn extend(&mut self, other: Self) {
        self.unseen.extend(other.unseen);
        self.blank.extend(other.blank);
        if self.present.is_empty() {
            self.present = other.present;
        } else {
            self.present.iter_mut().zip(other.present).for_each(|(present, other)| *present |= other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Texts;

    fn texts(values: &[Option<&str>]) -> ColumnData {
        let mut texts = Texts::default();
        for value in values {
            texts.codes.push(value.map_or(Texts::MISSING, |_| texts.levels.len() as u32));
            texts.levels.extend(value.map(Arc::from));
        }
        ColumnData::Texts(texts)
    }

    #[test]
    fn new_levels_and_changed_constants_are_unseen_and_missing_cells_are_not() {
        let code = Code::Category { levels: vec!["on".into(), "off".into()], other: false, missing: false };
        let mode = TableColumn { name: "mode".into(), kind: ColumnKind::Category, code, whole: None, mass: None };
        let watched = |name: &str, kind, held| Watched { name: name.into(), kind, held };
        let known = [
            watched("unit", ColumnKind::Number, Held::Number(7.0)),
            watched("site", ColumnKind::Category, Held::Level("a".into())),
            watched("note", ColumnKind::Number, Held::Nothing),
            watched("gone", ColumnKind::Number, Held::Number(0.0)),
        ];
        let columns = vec![
            texts(&[Some("on"), Some("new"), None, None]),
            ColumnData::Numbers(vec![7.0, 7.5, f64::NAN, 7.0]),
            texts(&[Some("a"), Some("a"), Some("b"), None]),
            ColumnData::Numbers(vec![f64::NAN, f64::NAN, f64::NAN, 1.0]),
        ];
        let block = Block { rows: 4, dense: Vec::new(), columns };
        let places = [Some(1), Some(2), Some(3), None];
        let found = Notices::of_table(&block, &[10, 11, 12, 13], [(&mode, 0)].into_iter(), known.iter().zip(places));
        let cells: Vec<(usize, &str)> = found.unseen.iter().map(|cell| (cell.row, cell.column.as_ref())).collect();
        assert_eq!(cells, [(11, "mode"), (11, "unit"), (12, "site"), (13, "note")]);
        assert_eq!((found.blank.as_slice(), found.present.as_slice()), ([12, 13].as_slice(), [true].as_slice()));
        assert_eq!(found.within(12, 13).unseen.len(), 2);
    }
}
