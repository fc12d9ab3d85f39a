//! Methods side by side, the best value of each row marked; and what differs between runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::number::significant;
use crate::{Better, Comparison, Error, Report, Result};

/// A table as the template places it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// One metric.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: String,
    /// `lower is better` or `higher is better`.
    pub(crate) better: &'static str,
    pub(crate) cells: Vec<Cell>,
}

/// One value.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) best: bool,
}

/// The comparison of one run, or `None` without metrics.
pub(crate) fn table(comparison: &Comparison) -> Result<Option<Table>> {
    for metric in &comparison.metrics {
        let (found, expected) = (metric.values.len(), comparison.methods.len());
        if found != expected {
            let what = format!("metric `{}`", metric.name);
            return Err(Error::Length { section: "comparison", what, found, expected, each: "method" });
        }
    }
    if comparison.metrics.is_empty() {
        return Ok(None);
    }
    let rows = comparison.metrics.iter().map(|m| row(&m.name, &m.unit, m.better, &m.values)).collect();
    Ok(Some(Table { caption: comparison.caption.clone(), columns: comparison.methods.clone(), rows }))
}

/// The first method of every run, metric by metric, in the order in which metrics first appear.
pub(crate) fn across(reports: &[Report]) -> Option<Table> {
    let mut kinds: Vec<(&str, &str, Better)> = Vec::new();
    for metric in reports.iter().filter_map(|r| r.comparison.as_ref()).flat_map(|c| &c.metrics) {
        if !kinds.iter().any(|(name, unit, _)| *name == metric.name && *unit == metric.unit) {
            kinds.push((&metric.name, &metric.unit, metric.better));
        }
    }
    let value = |report: &Report, name: &str, unit: &str| {
        let metrics = &report.comparison.as_ref()?.metrics;
        *metrics.iter().find(|m| m.name == name && m.unit == unit)?.values.first()?
    };
    let rows: Vec<Row> = kinds
        .into_iter()
        .map(|(name, unit, better)| {
            let values: Vec<_> = reports.iter().map(|report| value(report, name, unit)).collect();
            row(name, unit, better, &values)
        })
        .collect();
    let columns = reports.iter().map(|report| report.title.clone()).collect();
    (!rows.is_empty()).then(|| Table { caption: "Every run's model on its held-out data".to_owned(), columns, rows })
}

/// The configuration keys in which runs differ, or `None` where they agree or a configuration is not TOML.
pub(crate) fn differences(reports: &[Report]) -> Option<Table> {
    let mut settings = Vec::new();
    for report in reports {
        let mut flat = BTreeMap::new();
        flatten("", &toml::from_str::<toml::Table>(&report.config).ok()?, &mut flat);
        settings.push(flat);
    }
    let keys: BTreeSet<&String> = settings.iter().flat_map(BTreeMap::keys).collect();
    let rows: Vec<Row> = keys
        .into_iter()
        .filter(|key| settings.iter().any(|flat| flat.get(*key) != settings[0].get(*key)))
        .map(|key| {
            let text = |flat: &BTreeMap<String, String>| flat.get(key).cloned().unwrap_or_else(|| "–".to_owned());
            let cells = settings.iter().map(|flat| Cell { text: text(flat), best: false }).collect();
            Row { name: key.clone(), unit: String::new(), better: "", cells }
        })
        .collect();
    let columns = reports.iter().map(|report| report.title.clone()).collect();
    (!rows.is_empty()).then(|| Table { caption: "Settings in which the runs differ".to_owned(), columns, rows })
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) if !inner.is_empty() => flatten(&path, inner, into),
            other => {
                into.insert(path, other.to_string());
            }
        }
    }
}

fn row(name: &str, unit: &str, better: Better, values: &[Option<f64>]) -> Row {
    let finite = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let best = match better {
        Better::Lower => finite().min_by(f64::total_cmp),
        Better::Higher => finite().max_by(f64::total_cmp),
        Better::Neither => None,
    };
    // Among equal values, a mark would tell nothing.
    let best = best.filter(|b| values.len() > 1 && values.iter().any(|v| *v != Some(*b)));
    let cell = |v: &Option<f64>| Cell {
        text: v.map_or_else(|| "–".to_owned(), significant),
        best: best.is_some() && *v == best,
    };
    Row {
        name: name.to_owned(),
        unit: unit.to_owned(),
        better: match better {
            Better::Lower => "lower is better",
            Better::Higher => "higher is better",
            Better::Neither => "",
        },
        cells: values.iter().map(cell).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metric;

    fn marks(better: Better, values: &[Option<f64>]) -> Vec<bool> {
        row("m", "", better, values).cells.iter().map(|cell| cell.best).collect()
    }

    #[test]
    fn the_best_is_marked_in_the_metrics_own_direction() {
        assert_eq!(marks(Better::Lower, &[Some(3.6), Some(13.9)]), [true, false]);
        assert_eq!(marks(Better::Higher, &[Some(0.9), Some(0.8), None]), [true, false, false]);
        assert_eq!(marks(Better::Neither, &[Some(1.0), Some(2.0)]), [false, false]);
        assert_eq!(marks(Better::Lower, &[Some(2.0), Some(2.0)]), [false, false]);
        assert_eq!(marks(Better::Lower, &[Some(f64::NAN), Some(2.0)]), [false, true]);
    }

    #[test]
    fn every_metric_needs_one_value_a_method() {
        let metric = Metric { name: "e".to_owned(), unit: String::new(), better: Better::Lower, values: vec![None] };
        let two = vec!["ae".to_owned(), "PCA".to_owned()];
        let error = table(&Comparison { caption: String::new(), methods: two, metrics: vec![metric] }).unwrap_err();
        assert!(error.to_string().contains("1 entries; expected 2, one for each method"), "{error}");
    }

    #[test]
    fn only_differing_settings_are_listed() {
        let run = |config: &str| Report { config: config.to_owned(), ..Report::default() };
        let runs = [run("seed = 0\n[train]\nrate = 0.1\nepochs = 3"), run("seed = 0\n[train]\nrate = 0.2\nclip = 1.0")];
        let table = differences(&runs).unwrap();
        let rows: Vec<_> =
            table.rows.iter().map(|r| (r.name.as_str(), r.cells[0].text.as_str(), r.cells[1].text.as_str())).collect();
        assert_eq!(rows, [("train.clip", "–", "1.0"), ("train.epochs", "3", "–"), ("train.rate", "0.1", "0.2")]);
        assert!(differences(&[run("a = 1"), run("not toml")]).is_none());
    }
}
