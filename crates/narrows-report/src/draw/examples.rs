//! Samples beside their reconstructions, grouped by rank.

use serde::Serialize;

use super::chart::{Chart, Key, polyline};
use super::number::{count, significant};
use super::picture::{Image, image};
use crate::{Cell, Error, Example, Rank, Reconstructions, Result};

/// Series of one window that are drawn: those with the largest error.
const MOST_SERIES: usize = 6;

/// All examples as the template places them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Examples {
    pub(crate) metric: String,
    pub(crate) groups: Vec<Group>,
    pub(crate) legend: Vec<Key>,
    pub(crate) kind: &'static str,
}

/// The examples of one rank.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) examples: Vec<View>,
}

/// One example: pictures, or a table of cells, or charts.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) error: String,
    pub(crate) images: Vec<Image>,
    pub(crate) headings: Vec<String>,
    pub(crate) rows: Vec<CellRow>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) note: String,
}

/// One column of the data in one example.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CellRow {
    pub(crate) name: String,
    pub(crate) observed: String,
    /// The model's cell, then the baseline's.
    pub(crate) reconstructed: Vec<CellView>,
}

/// One reconstructed cell.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CellView {
    pub(crate) text: String,
    /// A text or a missing cell that came back as something else.
    pub(crate) differs: bool,
}

/// The view, or `None` without examples.
pub(crate) fn view(all: &Reconstructions, model: &str, baseline: &str, id: &str) -> Result<Option<Examples>> {
    let names = Names { model, baseline };
    let (kind, metric, groups) = match all {
        Reconstructions::Pictures { metric, examples } => {
            ("pictures", metric, grouped(examples, |_, example| pictures(example, names))?)
        }
        Reconstructions::Rows { metric, columns, examples } => {
            ("rows", metric, grouped(examples, |_, example| rows(example, columns, names))?)
        }
        Reconstructions::Windows { metric, channels, examples } => {
            ("windows", metric, grouped(examples, |i, example| windows(example, channels, &format!("{id}-{i}")))?)
        }
    };
    if groups.is_empty() {
        return Ok(None);
    }
    let mut legend = Vec::new();
    if let Reconstructions::Windows { examples, .. } = all {
        legend.push(Key::line("original", "line quiet"));
        legend.push(Key::line(model, "line model"));
        if examples.iter().any(|example| example.baseline.is_some()) {
            legend.push(Key::line(baseline, "line baseline dash2"));
        }
    }
    Ok(Some(Examples { metric: metric.clone(), groups, legend, kind }))
}

#[derive(Clone, Copy)]
struct Names<'a> {
    model: &'a str,
    baseline: &'a str,
}

fn grouped<T>(examples: &[Example<T>], draw: impl Fn(usize, &Example<T>) -> Result<View>) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for (rank, title) in [(Rank::Worst, "Worst"), (Rank::Median, "Median"), (Rank::Best, "Best")] {
        let of_rank = examples.iter().enumerate().filter(|(_, example)| example.rank == rank);
        let examples = of_rank
            .map(|(i, example)| {
                Ok(View { name: example.name.clone(), error: significant(example.error), ..draw(i, example)? })
            })
            .collect::<Result<Vec<_>>>()?;
        if !examples.is_empty() {
            groups.push(Group { title, examples });
        }
    }
    Ok(groups)
}

fn pictures(example: &Example<crate::Picture>, names: Names) -> Result<View> {
    let mut images = vec![
        image(&example.observed, &example.name, "original")?,
        image(&example.reconstructed, &example.name, names.model)?,
    ];
    if let Some(baseline) = &example.baseline {
        images.push(image(baseline, &example.name, names.baseline)?);
    }
    Ok(View { images, ..View::default() })
}

fn rows(example: &Example<Vec<Cell>>, columns: &[String], names: Names) -> Result<View> {
    let mut headings = vec![names.model.to_owned()];
    let mut reconstructions = vec![&example.reconstructed];
    if let Some(baseline) = &example.baseline {
        headings.push(names.baseline.to_owned());
        reconstructions.push(baseline);
    }
    for (cells, what) in [(&example.observed, "original")]
        .into_iter()
        .chain(reconstructions.iter().copied().zip([names.model, names.baseline]))
    {
        check(cells.len(), columns.len(), &example.name, what, "column")?;
    }
    let rows = columns
        .iter()
        .enumerate()
        .map(|(i, name)| CellRow {
            name: name.clone(),
            observed: text(&example.observed[i]),
            reconstructed: reconstructions
                .iter()
                .map(|cells| CellView { text: text(&cells[i]), differs: differs(&example.observed[i], &cells[i]) })
                .collect(),
        })
        .collect();
    Ok(View { headings, rows, ..View::default() })
}

fn windows(example: &Example<Vec<Vec<f64>>>, channels: &[String], id: &str) -> Result<View> {
    let lines = [Some(&example.observed), Some(&example.reconstructed), example.baseline.as_ref()];
    for (series, what) in lines.iter().zip(["original", "reconstruction", "baseline"]) {
        if let Some(series) = series {
            check(series.len(), channels.len(), &example.name, what, "channel")?;
        }
    }
    let squared_error = |c: usize| -> f64 {
        let pairs = example.observed[c].iter().zip(&example.reconstructed[c]);
        pairs.map(|(a, b)| (a - b).powi(2)).filter(|e| e.is_finite()).sum()
    };
    let mut order: Vec<usize> = (0..channels.len()).collect();
    order.sort_by(|a, b| squared_error(*b).total_cmp(&squared_error(*a)).then(a.cmp(b)));
    let hidden = order.split_off(order.len().min(MOST_SERIES)).len();
    let mut charts = Vec::new();
    for c in order {
        charts.extend(window(lines.map(|l| l.map(|l| l[c].as_slice())), &channels[c], format!("{id}-{c}")));
    }
    let note =
        if hidden > 0 { format!("{} series with smaller errors are not shown.", count(hidden)) } else { String::new() };
    Ok(View { charts, note, ..View::default() })
}

fn window(lines: [Option<&[f64]>; 3], channel: &str, id: String) -> Option<Chart> {
    let all = || lines.iter().flatten().flat_map(|line| line.iter().copied()).filter(|v| v.is_finite());
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return None;
    }
    let length = lines.iter().flatten().map(|line| line.len()).max()?;
    let (mut chart, x, y) = Chart::small(id, channel, (0.0, length.saturating_sub(1) as f64), (low, high));
    for (line, class) in lines.into_iter().zip(["line quiet", "line model", "line baseline dash2"]) {
        let points = line.into_iter().flatten().enumerate().map(|(t, v)| (t as f64, *v));
        chart.draw(polyline(points, &x, &y), class);
    }
    chart.description.push(format!("{length} steps, between {} and {}", significant(low), significant(high)));
    Some(chart)
}

fn check(found: usize, expected: usize, name: &str, what: &str, each: &'static str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let what = format!("{what} of `{name}`");
    Err(Error::Length { section: "reconstructions", what, found, expected, each })
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Number(value) => significant(*value),
        Cell::Text(text) => text.clone(),
        Cell::Missing => "missing".to_owned(),
    }
}

fn differs(observed: &Cell, reconstructed: &Cell) -> bool {
    !matches!((observed, reconstructed), (Cell::Number(_), Cell::Number(_)) | (Cell::Missing, _))
        && observed != reconstructed
}
