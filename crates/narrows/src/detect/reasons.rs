//! Why a row is an alarm: the columns in the order of their share of the score, with what was observed and expected.

use std::collections::BTreeMap;
use std::sync::Arc;

use narrows_data::sink::time_text;
use narrows_data::{Block, Column, ColumnData, ColumnKind, Schema, Texts};

/// Reasons that are written for each alarm.
pub(super) const REASONS: usize = 3;

/// One column of one alarm.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reason {
    pub(super) column: String,
    pub(super) share: f64,
    pub(super) observed: Option<String>,
    pub(super) expected: Option<String>,
}

/// The columns that hold the reasons of a file.
pub(super) fn schema() -> Vec<Column> {
    let of = |rank: usize| {
        [
            Column::kept(format!("reason_{rank}"), ColumnKind::Text),
            Column::kept(format!("share_{rank}"), ColumnKind::Number),
            Column::kept(format!("observed_{rank}"), ColumnKind::Text),
            Column::kept(format!("expected_{rank}"), ColumnKind::Text),
        ]
    };
    (1..=REASONS).flat_map(of).collect()
}

/// The reasons of some rows as the columns of [`schema`]; rows without are missing.
pub(super) fn columns(reasons: &[Vec<Reason>]) -> Vec<ColumnData> {
    let texts = |of: &dyn Fn(&Reason) -> Option<String>, rank: usize| {
        let values: Vec<Option<String>> = reasons.iter().map(|all| all.get(rank).and_then(of)).collect();
        ColumnData::Texts(interned(&values))
    };
    let mut columns = Vec::with_capacity(4 * REASONS);
    for rank in 0..REASONS {
        columns.push(texts(&|reason| Some(reason.column.clone()), rank));
        let share = |all: &Vec<Reason>| all.get(rank).map_or(f64::NAN, |reason| reason.share);
        columns.push(ColumnData::Numbers(reasons.iter().map(share).collect()));
        columns.push(texts(&|reason| reason.observed.clone(), rank));
        columns.push(texts(&|reason| reason.expected.clone(), rank));
    }
    columns
}

fn interned(values: &[Option<String>]) -> Texts {
    let mut known: BTreeMap<&str, u32> = BTreeMap::new();
    let mut texts = Texts::default();
    for value in values {
        texts.codes.push(match value {
            None => Texts::MISSING,
            Some(text) => *known.entry(text).or_insert_with(|| {
                texts.levels.push(Arc::from(text.as_str()));
                texts.levels.len() as u32 - 1
            }),
        });
    }
    texts
}

/// The `count` strongest columns of a row with their shares, in falling order; those without any left out.
pub(super) fn strongest(shares: &[f64], count: usize) -> Vec<(usize, f64)> {
    let mut order: Vec<usize> = (0..shares.len()).filter(|&column| shares[column] > 0.0).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]).then(a.cmp(&b)));
    order.truncate(count);
    order.into_iter().map(|column| (column, shares[column])).collect()
}

/// The value of a column in a row of a block, as text; `None` where it is missing or no single value.
pub(super) fn text(schema: &Schema, block: &Block, row: usize, name: &str, place: usize) -> Option<String> {
    if let Some(width) = schema.sample.width() {
        let value = f64::from(*block.dense.get(row * width + place)?);
        return (!value.is_nan()).then(|| number(value));
    }
    let position = schema.position(name)?;
    match block.columns.get(position)? {
        ColumnData::Texts(texts) => texts.get(row).map(str::to_owned),
        ColumnData::Numbers(values) => {
            let value = values.get(row).copied().filter(|value| !value.is_nan())?;
            Some(match schema.columns[position].kind {
                ColumnKind::Time => time_text(value),
                ColumnKind::Boolean => (value >= 0.5).to_string(),
                _ => number(value),
            })
        }
    }
}

/// Six significant digits, without trailing zeros.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-9..1e15).contains(&value.abs()) {
        return format!("{value:.5e}");
    }
    let digits = (5 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [number(812.5), number(0.001_234_567), number(-3.0), number(1e9), number(-1e300), number(1e-12)],
            ["812.5", "0.00123457", "-3", "1000000000", "-1.00000e300", "1.00000e-12"]
        );
    }

    #[test]
    fn rows_without_an_alarm_have_no_reasons() {
        let reason = Reason { column: "a".into(), share: 0.7, observed: Some("3".into()), expected: None };
        let columns = columns(&[vec![], vec![reason]]);
        assert_eq!(columns.len(), schema().len());
        let ColumnData::Texts(names) = &columns[0] else { panic!("names are text") };
        assert_eq!((names.get(0), names.get(1)), (None, Some("a")));
        let ColumnData::Numbers(shares) = &columns[1] else { panic!("shares are numbers") };
        assert!(shares[0].is_nan() && shares[1] == 0.7);
    }
}
