//! The error of each column as a table with bars.

use serde::Serialize;

use super::number::significant;
use crate::ColumnErrors;

/// Rows shown at once; the others are folded away.
const OPEN_ROWS: usize = 24;

/// The table as the template places it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Columns {
    pub(crate) metric: String,
    pub(crate) rows: Vec<Row>,
    /// Rows behind a fold.
    pub(crate) folded: Vec<Row>,
    pub(crate) with_baseline: bool,
}

/// One column of the data.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) baseline: String,
    /// Lengths of the bars in per cent of the longest.
    pub(crate) model_bar: f64,
    pub(crate) baseline_bar: f64,
    /// `Some(true)`: the model's error is the smaller one.
    pub(crate) model_better: Option<bool>,
}

/// The rows with the model's largest error first, or `None` without columns.
pub(crate) fn table(errors: &ColumnErrors) -> Option<Columns> {
    if errors.columns.is_empty() {
        return None;
    }
    let mut columns: Vec<_> = errors.columns.iter().collect();
    columns.sort_by(|a, b| b.model.total_cmp(&a.model).then_with(|| a.name.cmp(&b.name)));
    let longest = columns.iter().flat_map(|c| [Some(c.model), c.baseline]).flatten().filter(|v| v.is_finite());
    let longest = longest.fold(f64::MIN_POSITIVE, f64::max);
    let bar = |value: f64| if value.is_finite() { (1000.0 * value.max(0.0) / longest).round() / 10.0 } else { 0.0 };
    let mut rows: Vec<Row> = columns
        .into_iter()
        .map(|column| Row {
            name: column.name.clone(),
            model: significant(column.model),
            baseline: column.baseline.map(significant).unwrap_or_default(),
            model_bar: bar(column.model),
            baseline_bar: column.baseline.map_or(0.0, bar),
            model_better: column.baseline.filter(|b| *b != column.model).map(|b| column.model < b),
        })
        .collect();
    let with_baseline = errors.columns.iter().any(|column| column.baseline.is_some());
    let folded = rows.split_off(rows.len().min(OPEN_ROWS));
    Some(Columns { metric: errors.metric.clone(), rows, folded, with_baseline })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ColumnError;

    #[test]
    fn largest_error_first_and_bars_relative_to_it() {
        let column = |name: &str, model, baseline| ColumnError { name: name.to_owned(), model, baseline };
        let columns = vec![column("a", 0.1, Some(0.4)), column("b", 0.2, Some(0.1)), column("c", 0.2, None)];
        let table = table(&ColumnErrors { metric: String::new(), columns }).unwrap();
        let names: Vec<_> = table.rows.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["b", "c", "a"]);
        assert_eq!((table.rows[0].model_bar, table.rows[2].baseline_bar), (50.0, 100.0));
        let better: Vec<_> = table.rows.iter().map(|r| r.model_better).collect();
        assert_eq!(better, [Some(false), None, Some(true)]);
    }
}
