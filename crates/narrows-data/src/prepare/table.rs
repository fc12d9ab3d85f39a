//! The columns of a table as features and back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::mass::Mass;
use super::number::Scale;
use crate::table::TableError;
use crate::{Column, ColumnData, ColumnKind, Error, Result, Schema, Texts};

/// The name of the level that rare levels share.
pub const OTHER: &str = "<other>";

/// One column that became features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableColumn {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
    pub(super) code: Code,
    /// Least and largest number of training rows, where all were whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) whole: Option<[f64; 2]>,
    /// The number that many training rows hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mass: Option<Mass>,
}

/// How a column becomes features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Code {
    /// One feature, and a second that is 1 where the value is missing if it ever was in training.
    Number { scale: Scale, fill: f32, indicator: bool },
    /// 0 or 1, and an indicator as for numbers.
    Boolean { fill: f32, indicator: bool },
    /// One feature for each level, one for all others if there were too many, one for missing if it occurred.
    Category { levels: Vec<String>, other: bool, missing: bool },
}

impl Code {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Number { indicator, .. } | Self::Boolean { indicator, .. } => 1 + usize::from(*indicator),
            Self::Category { levels, other, missing } => levels.len() + usize::from(*other) + usize::from(*missing),
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Number { scale, fill, .. } => scale.is_sound() && fill.is_finite(),
            Self::Boolean { fill, .. } => fill.is_finite(),
            Self::Category { .. } => self.width() > 0,
        }
    }
}

/// A window into the matrices that are being filled: the features of one column over all rows.
pub(super) struct Target<'a> {
    pub(super) features: &'a mut [f32],
    pub(super) observed: &'a mut Option<Vec<f32>>,
    pub(super) at: usize,
    pub(super) width: usize,
}

impl Target<'_> {
    fn hide(&mut self, row: usize, count: usize) {
        let total = self.features.len();
        let observed = self.observed.get_or_insert_with(|| vec![1.0; total]);
        let start = row * self.width + self.at;
        observed[start..start + count].fill(0.0);
    }
}

impl TableColumn {
    /// The place of this column in `schema`, whose column must hold values that it can take.
    pub(super) fn place(&self, schema: &Schema, origin: &str) -> Result<usize> {
        let Some(place) = schema.position(&self.name) else {
            let names = schema.columns.iter().map(|column| column.name.as_str());
            let nearest = crate::nearest(&self.name, names).map(str::to_owned);
            let (origin, name) = (origin.to_owned(), self.name.clone());
            return Err(TableError::MissingColumn { origin, name, nearest, others: Vec::new() }.into());
        };
        let found = schema.columns[place].kind;
        let numeric = |kind| matches!(kind, ColumnKind::Number | ColumnKind::Boolean);
        let textual = |kind| matches!(kind, ColumnKind::Category | ColumnKind::Text);
        if (numeric(self.kind) && numeric(found)) || (textual(self.kind) && textual(found)) {
            return Ok(place);
        }
        let (origin, name) = (origin.to_owned(), self.name.clone());
        Err(TableError::Kind { origin, name, found, expected: self.kind }.into())
    }

    /// Writes the features of `values` to `target`, which holds zeros.
    pub(super) fn apply(&self, values: &ColumnData, target: &mut Target<'_>, at: At<'_>) -> Result<()> {
        match (&self.code, values) {
            (Code::Number { scale, fill, indicator }, ColumnData::Numbers(values)) => {
                self.expected(values, scale, at)?;
                self.numbers(values, *fill, *indicator, target, at, |x| scale.apply(x) as f32)
            }
            (Code::Boolean { fill, indicator }, ColumnData::Numbers(values)) => {
                self.numbers(values, *fill, *indicator, target, at, |x| if x >= 0.5 { 1.0 } else { 0.0 })
            }
            (Code::Category { levels, other, missing }, ColumnData::Texts(texts)) => {
                category(texts, levels, *other, *missing, target);
                Ok(())
            }
            (_, values) => {
                let found = match values {
                    ColumnData::Numbers(_) => ColumnKind::Number,
                    ColumnData::Texts(_) => ColumnKind::Category,
                };
                let (origin, name) = (at.origin.to_owned(), self.name.clone());
                Err(TableError::Kind { origin, name, found, expected: self.kind }.into())
            }
        }
    }

    /// Refuses values that are not what the scale says they are.
    fn expected(&self, values: &[f64], scale: &Scale, at: At<'_>) -> Result<()> {
        let Scale::Itself { reals } = scale else { return Ok(()) };
        for (row, &value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            if let Some(expected) = reals.expects(value) {
                let (origin, column) = (at.origin.to_owned(), format!("`{}`", self.name));
                return Err(Error::Unexpected { origin, row: at.first_row + row, column, value, expected });
            }
        }
        Ok(())
    }

    fn numbers(
        &self,
        values: &[f64],
        fill: f32,
        indicator: bool,
        target: &mut Target<'_>,
        at: At<'_>,
        feature: impl Fn(f64) -> f32,
    ) -> Result<()> {
        for (row, &value) in values.iter().enumerate() {
            let place = row * target.width + target.at;
            if value.is_finite() {
                target.features[place] = feature(value);
            } else if value.is_nan() {
                target.features[place] = fill;
                target.hide(row, 1);
                if indicator {
                    target.features[place + 1] = 1.0;
                }
            } else {
                let column = format!("`{}`", self.name);
                return Err(Error::Infinite { origin: at.origin.to_owned(), row: at.first_row + row, column });
            }
        }
        Ok(())
    }

    /// The column's values from rows of `width` features, of which its own start at `at`.
    pub(super) fn invert(&self, features: &[f32], at: usize, width: usize) -> ColumnData {
        let rows = features.chunks_exact(width);
        match &self.code {
            Code::Number { scale, .. } => ColumnData::Numbers(rows.map(|row| scale.value(row[at])).collect()),
            Code::Boolean { .. } => ColumnData::Numbers(rows.map(|row| f64::from(u8::from(row[at] >= 0.5))).collect()),
            Code::Category { levels, other, .. } => {
                let mut names: Vec<Arc<str>> = levels.iter().map(|level| level.as_str().into()).collect();
                if *other {
                    names.push(OTHER.into());
                }
                let end = at + self.code.width();
                let code = |row: &[f32]| match largest(&row[at..end]) {
                    place if place < names.len() => place as u32,
                    _ => Texts::MISSING,
                };
                ColumnData::Texts(Texts { codes: rows.map(code).collect(), levels: names })
            }
        }
    }

    /// Makes numbers whole, and no less or larger than in training, where those of training rows were whole.
    pub(super) fn settle(&self, values: &mut ColumnData) {
        if let (Some([least, largest]), ColumnData::Numbers(values)) = (self.whole, values) {
            for value in values.iter_mut() {
                *value = value.round().clamp(least, largest);
            }
        }
    }

    /// The column as a feature column of a schema.
    pub(super) fn column(&self) -> Column {
        Column::feature(self.name.clone(), self.kind)
    }
}

/// Where the rows at hand come from, for messages.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) origin: &'a str,
    pub(super) first_row: usize,
}

fn category(texts: &Texts, levels: &[String], other: bool, missing: bool, target: &mut Target<'_>) {
    let width = levels.len() + usize::from(other) + usize::from(missing);
    let unseen = other.then_some(levels.len());
    let places: Vec<Option<usize>> =
        texts.levels.iter().map(|text| levels.iter().position(|level| **level == **text).or(unseen)).collect();
    let absent = missing.then_some(levels.len() + usize::from(other));
    for (row, &code) in texts.codes.iter().enumerate() {
        match places.get(code as usize).copied().unwrap_or(absent) {
            Some(place) => target.features[row * target.width + target.at + place] = 1.0,
            None => target.hide(row, width),
        }
    }
}

/// The place of the largest value; of equal ones the first.
fn largest(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, place| if values[place] > values[best] { place } else { best })
}
