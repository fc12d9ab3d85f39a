//! Writers of rows: each keeps one block in memory, and its file appears whole when it is finished.

mod columnar;
mod csv;
mod grid;
mod growing;
mod ipc;
mod jsonl;
mod members;
mod npy;
mod npz;
mod number;
mod output;
mod parquet;
mod picture;
mod rows;
mod safetensors;

use std::collections::BTreeSet;
use std::path::Path;

pub use growing::GrowingFile;
pub use number::time_text;
use output::Output;
pub use picture::write_picture;

use crate::{Block, ColumnData, ColumnKind, Error, Result, Sample, Schema};

/// Takes rows in order.
pub trait Sink: Send {
    /// Appends the rows of a block.
    ///
    /// # Errors
    /// The block does not follow the schema, or its values cannot be written.
    fn write(&mut self, block: &Block) -> Result<()>;

    /// Completes the file and gives it its name. Without this nothing is left behind.
    ///
    /// # Errors
    /// The file cannot be completed, or came into being meanwhile.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A format for rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkFormat {
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// Parquet.
    Parquet,
    /// Arrow IPC file.
    Arrow,
    /// Arrow IPC stream.
    ArrowStream,
    /// One NumPy array.
    Npy,
    /// NumPy arrays: `X`, and one for each further column.
    Npz,
    /// One tensor `X`, and one for each further column.
    Safetensors,
    /// One JSON object a line.
    Jsonl,
    /// Images: one, a grid, or numbered files.
    Png,
}

/// How rows are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkOptions {
    /// Whether an existing file is replaced.
    pub force: bool,
    /// The format, where the name does not tell.
    pub format: Option<SinkFormat>,
    /// Dense values become columns called this and their position: `z` gives `z0`, `z1`, ...
    pub prefix: String,
}

impl Default for SinkOptions {
    fn default() -> Self {
        Self { force: false, format: None, prefix: "c".into() }
    }
}

impl SinkFormat {
    const BY_EXTENSION: [(&str, Self); 11] = [
        ("csv", Self::Csv),
        ("tsv", Self::Tsv),
        ("parquet", Self::Parquet),
        ("arrow", Self::Arrow),
        ("feather", Self::Arrow),
        ("arrows", Self::ArrowStream),
        ("npy", Self::Npy),
        ("npz", Self::Npz),
        ("safetensors", Self::Safetensors),
        ("jsonl", Self::Jsonl),
        ("png", Self::Png),
    ];

    /// The format of a file name; standard output (`-`) is CSV, and folders hold pictures.
    pub fn of(path: &Path) -> Option<Self> {
        if grid::is_folder(path) {
            return Some(Self::Png);
        }
        if output::is_stdout(path) {
            return Some(Self::Csv);
        }
        let extension = path.extension()?.to_str()?;
        Self::BY_EXTENSION.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)).map(|(_, format)| *format)
    }

    fn streams(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::ArrowStream | Self::Jsonl)
    }
}

/// Starts a file of rows of `schema`; `-` is standard output.
///
/// # Errors
/// The file exists and may not be replaced, its directory cannot be written to, its format is unknown or cannot hold
/// these rows.
pub fn create(path: &Path, schema: &Schema, options: &SinkOptions) -> Result<Box<dyn Sink>> {
    let Some(format) = options.format.or_else(|| SinkFormat::of(path)) else {
        return Err(Error::Output {
            path: path.to_owned(),
            what: "rows: the extension names no format".into(),
            advice: "use .csv, .tsv, .parquet, .arrow, .arrows, .npy, .npz, .safetensors, .jsonl or .png",
        });
    };
    if output::is_stdout(path) && !format.streams() {
        return Err(Error::Output {
            path: path.to_owned(),
            what: format!("{format:?} to standard output"),
            advice: "standard output takes CSV, TSV, JSONL and Arrow streams",
        });
    }
    distinct(path, schema)?;
    let open = || Output::create(path, options.force);
    let prefix = &options.prefix;
    let inner: Box<dyn Sink> = match format {
        SinkFormat::Csv => Box::new(rows::RowSink::new(open()?, csv::Csv::new(schema, prefix, b','))?),
        SinkFormat::Tsv => Box::new(rows::RowSink::new(open()?, csv::Csv::new(schema, prefix, b'\t'))?),
        SinkFormat::Jsonl => Box::new(rows::RowSink::new(open()?, jsonl::Jsonl::new(path, schema, prefix)?)?),
        SinkFormat::Parquet => Box::new(parquet::ParquetSink::new(open()?, schema, prefix)?),
        SinkFormat::Arrow => Box::new(ipc::FileSink::new(open()?, schema, prefix)?),
        SinkFormat::ArrowStream => Box::new(ipc::StreamSink::new(open()?, schema, prefix)?),
        SinkFormat::Npy => Box::new(npy::NpySink::new(path, schema, options.force)?),
        SinkFormat::Npz => Box::new(npz::NpzSink::new(path, schema, options.force)?),
        SinkFormat::Safetensors => Box::new(safetensors::SafetensorsSink::new(path, schema, options.force)?),
        SinkFormat::Png => Box::new(grid::PngSink::new(path, schema, options.force)?),
    };
    Ok(Box::new(Checked { origin: path.display().to_string(), schema: schema.clone(), inner }))
}

/// Refuses columns of one name: who reads the file could not tell them apart.
fn distinct(path: &Path, schema: &Schema) -> Result<()> {
    let mut seen = BTreeSet::new();
    match schema.columns.iter().find(|column| !seen.insert(&column.name)) {
        None => Ok(()),
        Some(column) => Err(Error::Output {
            path: path.to_owned(),
            what: format!("two columns called `{}`", column.name),
            advice: "carry a column along once, and none that is called like a column of the output; rename it in the input",
        }),
    }
}

/// Names of dense values: `z0`, `z1`, ...
fn dense_names(schema: &Schema, prefix: &str) -> Vec<String> {
    (0..schema.sample.width().unwrap_or(0)).map(|index| format!("{prefix}{index}")).collect()
}

/// Whether the values of a column of this kind are text.
fn is_text(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Category | ColumnKind::Text)
}

/// Compares each block with the schema, so that no format needs to.
struct Checked {
    origin: String,
    schema: Schema,
    inner: Box<dyn Sink>,
}

impl Checked {
    fn check(&self, block: &Block) -> Result<()> {
        let fail = |what: String, found: usize, expected: usize| {
            Err(Error::Shape { origin: self.origin.clone(), what, found, expected })
        };
        let width = match self.schema.sample {
            Sample::Table => 0,
            _ => self.schema.sample.width().unwrap_or(0),
        };
        if block.dense.len() != block.rows * width {
            return fail("a block of samples".into(), block.dense.len(), block.rows * width);
        }
        if block.columns.len() != self.schema.columns.len() {
            return fail("the list of columns".into(), block.columns.len(), self.schema.columns.len());
        }
        for (column, data) in self.schema.columns.iter().zip(&block.columns) {
            if data.len() != block.rows {
                return fail(format!("column `{}`", column.name), data.len(), block.rows);
            }
            if is_text(column.kind) != matches!(data, ColumnData::Texts(_)) {
                let what = format!("column `{}` of kind {:?}, with values of another kind,", column.name, column.kind);
                return fail(what, data.len(), 0);
            }
        }
        Ok(())
    }
}

impl Sink for Checked {
    fn write(&mut self, block: &Block) -> Result<()> {
        self.check(block)?;
        self.inner.write(block)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.inner.finish()
    }
}
