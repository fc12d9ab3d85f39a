//! Columns that stop giving values in the midst of a file or stream: a sensor that died, which no single row can tell from a
//! sample that is missing.

use std::collections::BTreeMap;

use narrows_data::{Block, ColumnKind, Role, Schema};
use serde::{Deserialize, Serialize};

/// Rows without a value after which a column is silent.
const SILENT: usize = 100;

/// How many rows each column has had no value for, after it had some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Silent(BTreeMap<String, usize>);

impl Silent {
    /// Takes the next rows; the columns that have just become silent. `needed` says which columns a model reads.
    pub(super) fn add(&mut self, schema: &Schema, block: &Block, needed: impl Fn(&str) -> bool) -> Vec<String> {
        let mut fallen = Vec::new();
        for (column, values) in schema.columns.iter().zip(&block.columns) {
            if column.role != Role::Feature || column.kind == ColumnKind::Text || !needed(&column.name) {
                continue;
            }
            let rows = self.0.entry(column.name.clone()).or_default();
            // A long run of missing values holds one of these rows.
            let mut looked_at = (0..block.rows).step_by(SILENT).chain(block.rows.checked_sub(1));
            if *rows == 0 && !looked_at.any(|row| values.is_missing(row)) {
                continue;
            }
            for row in 0..block.rows {
                *rows = if values.is_missing(row) { *rows + 1 } else { 0 };
                if *rows == SILENT {
                    fallen.push(column.name.clone());
                }
            }
        }
        fallen
    }

    /// The columns that are silent, each with the rows since its last value.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().filter(|(_, rows)| **rows >= SILENT).map(|(name, rows)| (name.as_str(), *rows))
    }
}

#[cfg(test)]
mod tests {
    use narrows_data::{Column, ColumnData, Sample};

    use super::*;

    #[test]
    fn a_column_is_silent_after_many_rows_and_speaks_again_with_one_value() {
        let columns = vec![Column::feature("a", ColumnKind::Number), Column::feature("b", ColumnKind::Number)];
        let schema = Schema { sample: Sample::Table, columns };
        let rows = |count: usize, a: f64, b: f64| Block {
            rows: count,
            dense: Vec::new(),
            columns: vec![ColumnData::Numbers(vec![a; count]), ColumnData::Numbers(vec![b; count])],
        };
        let mut silent = Silent::default();
        let mut add = |block: Block| silent.add(&schema, &block, |name| name != "b");
        assert_eq!(add(rows(SILENT - 1, f64::NAN, f64::NAN)), Vec::<String>::new());
        assert_eq!(add(rows(1, f64::NAN, f64::NAN)), ["a"]);
        assert_eq!(add(rows(7, f64::NAN, f64::NAN)), Vec::<String>::new());
        assert_eq!(silent.columns().collect::<Vec<_>>(), [("a", SILENT + 7)]);
        assert_eq!(silent.add(&schema, &rows(1, 3.0, 3.0), |_| true), Vec::<String>::new());
        assert_eq!(silent.columns().count(), 0);
    }
}
