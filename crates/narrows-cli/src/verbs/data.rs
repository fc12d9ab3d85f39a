//! `narrows data`: datasets of the catalogue, and what any file holds.

use clap::{Args, Subcommand};
use narrows::config::DataConfig;
use narrows::description::{Described, Description, describe};
use narrows::narrows_data::{ColumnKind, Role, Sample, catalog, sink};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::terminal::progress;
use crate::terminal::table::Table;

/// Options of `narrows data`.
#[derive(Args, Debug)]
pub(crate) struct Data {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists the datasets: licence, size, and whether they are on this machine.
    List,
    /// Downloads a dataset and verifies its checksums.
    Fetch {
        /// Its name, as `narrows data list` shows it.
        name: String,
    },
    /// Shows rows, columns and what their values are.
    Describe(DescribeData),
}

/// Options of `narrows data describe`.
#[derive(Args, Debug)]
struct DescribeData {
    /// A file, a directory, `-` for standard input, or a dataset's name.
    data: String,
    /// The array to read of a file that holds several.
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,
    /// Cut pictures into square patches of this side; 0 leaves them whole.
    #[arg(long, value_name = "PIXELS")]
    patch: Option<usize>,
    /// Scale pictures to this size first.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = crate::options::size)]
    resize: Option<(u32, u32)>,
}

impl Data {
    /// Does what is asked for.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        match &self.verb {
            Verb::List => list(shared),
            Verb::Fetch { name } => fetch(name, shared),
            Verb::Describe(verb) => verb.run(shared),
        }
    }
}

fn list(shared: &Shared) -> Result {
    let directory = catalog::data_directory(shared.data_dir.as_deref()).map_err(narrows::Error::from)?;
    if shared.json {
        let datasets = catalog::datasets().map(|dataset| {
            serde_json::json!({
                "name": dataset.name, "about": dataset.about, "licence": dataset.licence, "citation": dataset.citation,
                "homepage": dataset.homepage, "bytes": dataset.bytes(), "here": catalog::is_present(dataset, &directory),
            })
        });
        let datasets: Vec<_> = datasets.collect();
        say!("{}", serde_json::json!({ "directory": directory, "datasets": datasets }))?;
        return Ok(Outcome::Done);
    }
    let mut table = Table::new(["dataset", "here", "download", "licence", "what it holds"]);
    for dataset in catalog::datasets() {
        let here = if catalog::is_present(dataset, &directory) { "yes" } else { "" };
        let licence = dataset.licence.split(" (").next().unwrap_or_default();
        table.row([dataset.name, here, &size(dataset.bytes()), licence, dataset.about]);
    }
    table.print()?;
    tracing::info!("datasets lie in {}; `narrows data fetch NAME` gets one", directory.display());
    Ok(Outcome::Done)
}

fn fetch(name: &str, shared: &Shared) -> Result {
    let dataset = catalog::find(name).map_err(narrows::Error::from)?;
    let directory = catalog::data_directory(shared.data_dir.as_deref()).map_err(narrows::Error::from)?;
    let template = "{bar:32} {bytes} of {total_bytes}  {bytes_per_sec}  {msg}";
    let bar = progress::bar(dataset.bytes(), template, shared.quiet);
    let fetched = catalog::fetch(dataset, &directory, &mut |progress| {
        bar.set_position(progress.done);
        bar.set_message(progress.file.path);
    });
    progress::end(&bar);
    let fetched = fetched.map_err(narrows::Error::from)?;
    if shared.json {
        say!("{}", serde_json::json!({ "name": name, "directory": directory, "files": fetched }))?;
    } else if dataset.files.is_empty() {
        tracing::info!("{name} is part of this program");
    } else {
        tracing::info!("{fetched} files fetched and all {} verified, in {}", dataset.files.len(), directory.display());
    }
    Ok(Outcome::Done)
}

impl DescribeData {
    fn run(&self, shared: &Shared) -> Result {
        let config =
            DataConfig { tensor: self.tensor.clone(), patch: self.patch, resize: self.resize, ..DataConfig::default() };
        let source = narrows::places::open(&self.data, shared.data_dir.as_deref(), &config.open_options())?;
        let bar = progress::rows(source.rows() as u64, shared.quiet);
        let found = describe(source.as_ref(), |rows| bar.inc(rows as u64));
        progress::end(&bar);
        let found = found?;
        if shared.json {
            say!("{}", serde_json::to_string(&found)?)?;
        } else {
            print(&found)?;
        }
        Ok(Outcome::Done)
    }
}

fn print(found: &Description) -> std::io::Result<()> {
    let sample = match &found.sample {
        Sample::Table => "a table".to_owned(),
        Sample::Array { dims } => format!("arrays {dims:?}"),
        Sample::Image { height, width, channels } => format!("pictures {height} x {width} x {channels}"),
    };
    let test = if found.test_rows > 0 { format!(", the last {} for testing", found.test_rows) } else { String::new() };
    say!("{}: {sample}, {} rows{test}", found.data, found.rows)?;
    for note in &found.notes {
        say!("{note}")?;
    }
    say!()?;
    let mut table = Table::new(["column", "kind", "missing", "min", "mean", "max", "levels", "most frequent"]);
    for column in &found.columns {
        let value = |value: Option<f64>| value.map(|value| shown(value, column.kind)).unwrap_or_default();
        let label = if column.role == Role::Label { " (label)" } else { "" };
        table.row([
            format!("{}{label}", column.name),
            kind(column).to_owned(),
            column.missing.to_string(),
            value(column.min),
            value(column.mean),
            value(column.max),
            column.levels.map(|levels| levels.to_string()).unwrap_or_default(),
            common(column),
        ]);
    }
    table.print()
}

fn common(column: &Described) -> String {
    let name = |(level, count): &(String, u64)| {
        let short: String = level.chars().take(24).collect();
        format!("{short} ({count})")
    };
    // Free text has no frequent values worth naming.
    let levels = if column.kind == ColumnKind::Category { column.common.as_slice() } else { &[] };
    levels.iter().take(3).map(name).collect::<Vec<_>>().join(", ")
}

fn kind(column: &Described) -> &'static str {
    match column.kind {
        ColumnKind::Number => "number",
        ColumnKind::Boolean => "yes or no",
        ColumnKind::Category => "category",
        ColumnKind::Time => "time",
        ColumnKind::Text => "text",
    }
}

fn shown(value: f64, kind: ColumnKind) -> String {
    match kind {
        ColumnKind::Time => sink::time_text(value),
        _ if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => super::evaluate::number(value),
    }
}

/// A number of bytes as users read it.
fn size(bytes: u64) -> String {
    match bytes {
        0 => "embedded".into(),
        1..1_000_000 => format!("{:.0} kB", (bytes as f64 / 1e3).max(1.0)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
