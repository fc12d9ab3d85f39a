//! What a data file holds: its rows, and for each column what its values are.

use std::collections::BTreeMap;
use std::sync::Arc;

use narrows_data::{Block, ColumnData, ColumnKind, Role, Sample, Source};
use serde::Serialize;

use crate::Result;

/// Levels of a column that are told apart.
const MAX_LEVELS: usize = 100_000;
/// Most frequent levels that are named.
const NAMED: usize = 5;
/// Widest array whose values are described one by one.
const MAX_PLACES: usize = 256;

/// What a data file holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Where the rows come from.
    pub data: String,
    /// Their number.
    pub rows: usize,
    /// What a row is.
    pub sample: Sample,
    /// Rows that the data's authors set aside for testing.
    pub test_rows: usize,
    /// Each column; for arrays each place in a row, or all of them together.
    pub columns: Vec<Described>,
    /// How the file was understood where that is not obvious.
    pub notes: Vec<String>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// What it is read for.
    pub role: Role,
    /// Cells without a value.
    pub missing: u64,
    /// Different values of a column of names; 100,000 stands for at least as many.
    pub levels: Option<usize>,
    /// The most frequent ones, with their number.
    pub common: Vec<(String, u64)>,
    /// The smallest number.
    pub min: Option<f64>,
    /// The mean of the numbers.
    pub mean: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
}

/// Reads all rows once. `progress` is called with the number of rows of each block.
///
/// # Errors
/// The data cannot be read.
pub fn describe(source: &dyn Source, mut progress: impl FnMut(usize)) -> Result<Description> {
    let schema = source.schema();
    let width = schema.sample.width().unwrap_or(0);
    let places =
        if width <= MAX_PLACES && matches!(schema.sample, Sample::Array { .. }) { width } else { width.min(1) };
    let mut dense = vec![Numbers::default(); places];
    let mut columns: Vec<Counts> = schema.columns.iter().map(|_| Counts::default()).collect();
    for index in 0..source.blocks().len() {
        let Block { rows, dense: values, columns: data } = source.read(index)?;
        for (place, numbers) in dense.iter_mut().enumerate() {
            numbers.extend(values.iter().skip(place).step_by(places).map(|value| f64::from(*value)));
        }
        for (counts, data) in columns.iter_mut().zip(&data) {
            counts.add(data);
        }
        progress(rows);
    }
    let name = |place: usize| if places == 1 && width != 1 { "all values".to_owned() } else { format!("x{place}") };
    let dense = dense.iter().enumerate().map(|(place, numbers)| {
        let of = narrows_data::Column::feature(name(place), ColumnKind::Number);
        Counts { numbers: *numbers, ..Counts::default() }.described(&of)
    });
    let named = columns.iter().zip(&schema.columns).map(|(counts, column)| counts.described(column));
    Ok(Description {
        data: source.origin().to_owned(),
        rows: source.rows(),
        sample: schema.sample.clone(),
        test_rows: source.fixed_test().map_or(0, |range| range.len()),
        columns: dense.chain(named).collect(),
        notes: source.notes().to_vec(),
    })
}

/// What is gathered of one column.
#[derive(Clone, Debug, Default)]
struct Counts {
    numbers: Numbers,
    levels: BTreeMap<Arc<str>, u64>,
    missing: u64,
}

impl Counts {
    fn add(&mut self, data: &ColumnData) {
        match data {
            ColumnData::Numbers(values) => self.numbers.extend(values.iter().copied()),
            ColumnData::Texts(texts) => {
                let mut counts = vec![0_u64; texts.levels.len()];
                for &code in &texts.codes {
                    match counts.get_mut(code as usize) {
                        Some(count) => *count += 1,
                        None => self.missing += 1,
                    }
                }
                for (level, count) in texts.levels.iter().zip(counts).filter(|(_, count)| *count > 0) {
                    if self.levels.len() < MAX_LEVELS || self.levels.contains_key(level) {
                        *self.levels.entry(level.clone()).or_default() += count;
                    }
                }
            }
        }
    }

    fn described(&self, column: &narrows_data::Column) -> Described {
        let texts = matches!(column.kind, ColumnKind::Category | ColumnKind::Text);
        let mut common: Vec<_> = self.levels.iter().map(|(level, count)| (level.to_string(), *count)).collect();
        common.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        common.truncate(NAMED);
        let number = |value: f64| Some(value).filter(|_| self.numbers.count > 0);
        Described {
            name: column.name.clone(),
            kind: column.kind,
            role: column.role,
            missing: self.missing + self.numbers.missing,
            levels: texts.then_some(self.levels.len()),
            common,
            min: number(self.numbers.min),
            mean: number(self.numbers.mean),
            max: number(self.numbers.max),
        }
    }
}

/// Count, running mean (Welford 1962) and range of numbers; NaN is missing.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    count: u64,
    missing: u64,
    mean: f64,
    min: f64,
    max: f64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { count: 0, missing: 0, mean: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Numbers {
    fn extend(&mut self, values: impl Iterator<Item = f64>) {
        for value in values {
            if value.is_nan() {
                self.missing += 1;
            } else {
                self.count += 1;
                self.mean += (value - self.mean) / self.count as f64;
                self.min = self.min.min(value);
                self.max = self.max.max(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn kinds_missing_cells_levels_and_ranges() {
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        file.write_all(b"n,kind,flag\n1,red,true\n3,blue,false\n,red,true\n").unwrap();
        let source =
            crate::places::open(file.path().to_str().unwrap(), None, &narrows_data::OpenOptions::default()).unwrap();
        let mut seen = 0;
        let found = describe(source.as_ref(), |rows| seen += rows).unwrap();
        assert_eq!((found.rows, seen, found.columns.len()), (3, 3, 3));
        let [number, kind, flag] = &found.columns[..] else { panic!("{found:?}") };
        assert_eq!((number.missing, number.min, number.mean, number.max), (1, Some(1.0), Some(2.0), Some(3.0)));
        assert_eq!((kind.levels, kind.common[0].clone()), (Some(2), ("red".to_owned(), 2)));
        assert_eq!((flag.kind, flag.levels), (ColumnKind::Boolean, None));
    }

    #[test]
    fn values_of_narrow_arrays_one_by_one_and_of_pictures_together() {
        let source = crate::places::open("digits", None, &narrows_data::OpenOptions::default()).unwrap();
        let found = describe(source.as_ref(), |_| ()).unwrap();
        assert_eq!((found.rows, found.columns[0].name.as_str()), (1797, "all values"));
        assert_eq!((found.columns[0].min, found.columns[0].max), (Some(0.0), Some(1.0)));
    }
}
