//! Options of verbs that read rows with a model and write rows.

use std::path::{Path, PathBuf};

use clap::Args;
use narrows::detect::counted;
use narrows::transform::Output;

use crate::verbs::Result;

/// Where rows go.
#[derive(Args, Clone, Debug)]
pub(crate) struct OutputOptions {
    /// The file to write: .csv .tsv .parquet .arrow .arrows .npy .npz .safetensors .jsonl, and .png for pictures (a grid
    /// of up to 256, else numbered files; FOLDER/ for separate ones); `-` is standard output.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Carry these columns of the input along.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) keep: Vec<String>,
    /// Replace the file that is there.
    #[arg(long)]
    force: bool,
}

impl OutputOptions {
    /// For the facade.
    ///
    /// # Errors
    /// The file is the one called `data` that is read.
    pub(crate) fn target(&self, data: &str) -> Result<Output<'_>> {
        not_the_input(&self.out, data)?;
        Ok(Output { path: &self.out, force: self.force, keep: &self.keep })
    }

    /// Whether rows go to standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        self.out == Path::new("-")
    }

    /// How many rows of `what` were written, on stderr: stdout may be the data.
    pub(crate) fn done(&self, rows: usize, what: &str) {
        tracing::info!("{} in {}", counted(rows, what), place(&self.out));
    }
}

/// Where rows went, for people: many pictures are numbered beside the file's name.
pub(crate) fn place(out: &Path) -> String {
    if out.extension().is_none_or(|extension| extension != "png") || out.exists() {
        return out.display().to_string();
    }
    out.with_file_name(format!("{}-*.png", out.file_stem().unwrap_or_default().to_string_lossy())).display().to_string()
}

/// Refuses to write over a file or folder that is read, by whatever name. Terminals and pipes may be both.
pub(crate) fn not_the_input(out: &Path, data: &str) -> Result<()> {
    match (out.canonicalize(), Path::new(data).canonicalize()) {
        (Ok(out), Ok(input)) if out == input && (out.is_file() || out.is_dir()) => {
            Err(format!("{data}: both read and written; choose another file for the output").into())
        }
        _ => Ok(()),
    }
}
