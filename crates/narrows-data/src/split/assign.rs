//! Splits that need a list: by label, by group, and around a fixed test part.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::subset::Members;
use super::{SplitBy, SplitConfig, Splits, sizes};
use crate::keyed::{Permutation, Stream, derive};
use crate::schema::Role;
use crate::{ColumnData, Error, Fractions, Result, Source};

const TRAIN: u8 = 0;
const VALIDATION: u8 = 1;
const TEST: u8 = 2;

/// Two bits for each row.
struct Parts(Vec<u8>);

impl Parts {
    fn new(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(4)])
    }

    /// Moves a training row to `part`.
    fn assign(&mut self, row: usize, part: u8) {
        self.0[row / 4] |= part << (row % 4 * 2);
    }

    fn splits(self, source: &Arc<dyn Source>) -> Splits {
        let parts: Arc<[u8]> = self.0.into();
        let of = |part| (Members::Assigned { parts: parts.clone(), part }, 0..source.rows());
        Splits::from_members(source, [of(TRAIN), of(VALIDATION), of(TEST)])
    }
}

/// Systematic sampling: walks the rows sorted by class, shuffled within each, and takes test and validation rows at
/// even distances. So the sizes are exact, and each class gets its share of each part to within one row.
pub(super) fn by_label(source: &Arc<dyn Source>, config: &SplitConfig) -> Result<Splits> {
    let rows = source.rows();
    let counts = sizes(source, rows, config.fractions)?;
    let (classes, totals) = classes(source)?;
    let smallest = counts.into_iter().filter(|count| *count > 0).min().unwrap_or(0);
    if totals.len() > smallest {
        let (origin, label) = (source.origin().to_owned(), label_name(source)?);
        return Err(Error::TooManyClasses { origin, label, classes: totals.len(), rows: smallest });
    }
    let mut places: Vec<(usize, Permutation)> = Vec::with_capacity(totals.len());
    let mut start = 0;
    for (class, total) in totals.iter().enumerate() {
        places.push((start, Permutation::new(*total, derive(config.seed, Stream::Split, class as u64))));
        start += total;
    }
    let mut parts = Parts::new(rows);
    let mut ranks = vec![0; totals.len()];
    for (row, class) in classes.into_iter().enumerate() {
        let (start, permutation) = places[class as usize];
        let place = start + permutation.forward(ranks[class as usize]);
        ranks[class as usize] += 1;
        parts.assign(row, systematic(place, rows, counts));
    }
    Ok(parts.splits(source))
}

/// The part of place `place` of `rows`: test at even distances, validation at even distances among the rest.
fn systematic(place: usize, rows: usize, [_, validation, test]: [usize; 3]) -> u8 {
    let taken = |place: usize, part: usize, of: usize| (place as u128 * part as u128 / of as u128) as usize;
    let before = taken(place, test, rows);
    if taken(place + 1, test, rows) > before {
        return TEST;
    }
    let (place, rest) = (place - before, rows - test);
    if taken(place + 1, validation, rest) > taken(place, validation, rest) { VALIDATION } else { TRAIN }
}

fn label_name(source: &Arc<dyn Source>) -> Result<String> {
    let schema = source.schema();
    let label = schema.role(Role::Label).and_then(|place| schema.columns.get(place));
    label.map(|column| column.name.clone()).ok_or_else(|| Error::NoLabel { origin: source.origin().to_owned() })
}

/// The class of each row, numbered in order of first appearance, and the rows of each class. Missing is a class.
fn classes(source: &Arc<dyn Source>) -> Result<(Vec<u32>, Vec<usize>)> {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Value {
        Missing,
        Number(u64),
        Text(Arc<str>),
    }
    let label = label_name(source)?;
    let place = source.schema().position(&label).unwrap_or(0);
    let mut known: BTreeMap<Value, u32> = BTreeMap::new();
    let mut totals: Vec<usize> = Vec::new();
    let mut classes = Vec::with_capacity(source.rows());
    for index in 0..source.blocks().len() {
        let block = source.read(index)?;
        let mut count = |value: Value| {
            let class = *known.entry(value).or_insert(totals.len() as u32);
            if class as usize == totals.len() {
                totals.push(0);
            }
            totals[class as usize] += 1;
            classes.push(class);
        };
        match block.columns.get(place) {
            Some(ColumnData::Numbers(values)) => values.iter().for_each(|value| {
                count(if value.is_nan() { Value::Missing } else { Value::Number((value + 0.0).to_bits()) });
            }),
            Some(ColumnData::Texts(texts)) => texts.codes.iter().for_each(|&code| {
                let text = texts.levels.get(code as usize);
                count(text.map_or(Value::Missing, |text| Value::Text(text.clone())));
            }),
            None => return Err(Error::NoLabel { origin: source.origin().to_owned() }),
        }
    }
    Ok((classes, totals))
}

/// Whole groups, shuffled.
pub(super) fn by_group(source: &Arc<dyn Source>, config: &SplitConfig, groups: &[Range<usize>]) -> Result<Splits> {
    let [train, validation, _] = sizes(source, groups.len(), config.fractions)?;
    let permutation = Permutation::new(groups.len(), derive(config.seed, Stream::Split, 0));
    let mut parts = Parts::new(source.rows());
    for (index, group) in groups.iter().enumerate() {
        let place = permutation.forward(index);
        let part = [train, train + validation].iter().filter(|bound| place >= **bound).count() as u8;
        group.clone().for_each(|row| parts.assign(row, part));
    }
    Ok(parts.splits(source))
}

/// The authors' test rows as the test part; training and validation share the others in their proportion, shuffled or
/// by label.
pub(super) fn around_fixed_test(source: &Arc<dyn Source>, config: &SplitConfig, fixed: Range<usize>) -> Result<Splits> {
    let rest: Vec<Range<usize>> = [0..fixed.start, fixed.end..source.rows()].to_vec();
    let count = rest.iter().map(ExactSizeIterator::len).sum();
    let [train, validation, _] = config.fractions.shares();
    let total = train + validation;
    let counts = sizes(source, count, Fractions::new(train / total, validation / total, 0.0)?)?;
    let mut parts = Parts::new(source.rows());
    fixed.clone().for_each(|row| parts.assign(row, TEST));
    let rows = rest.into_iter().flatten();
    match config.by {
        SplitBy::Label => {
            let (classes, totals) = classes(source)?;
            let mut of: Vec<Vec<usize>> = vec![Vec::new(); totals.len()];
            rows.for_each(|row| of[classes[row] as usize].push(row));
            let mut start = 0;
            for (class, members) in of.iter().enumerate().filter(|(_, members)| !members.is_empty()) {
                let permutation = Permutation::new(members.len(), derive(config.seed, Stream::Split, class as u64));
                for (rank, row) in members.iter().enumerate() {
                    parts.assign(*row, systematic(start + permutation.forward(rank), count, counts));
                }
                start += members.len();
            }
        }
        SplitBy::Shuffled | SplitBy::Time => {
            let permutation = Permutation::new(count, derive(config.seed, Stream::Split, 0));
            for (rank, row) in rows.enumerate() {
                let held_out = permutation.forward(rank) >= counts[0];
                parts.assign(row, if held_out { VALIDATION } else { TRAIN });
            }
        }
    }
    Ok(parts.splits(source))
}
