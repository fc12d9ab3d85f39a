//! Options of verbs that read rows with a model and write rows.

use std::path::PathBuf;

use clap::Args;
use narrows::transform::Output;

/// Where rows go.
#[derive(Args, Clone, Debug)]
pub(crate) struct OutputOptions {
    /// The file to write: .csv .tsv .parquet .arrow .arrows .npy .npz .safetensors .jsonl .png; `-` is standard output.
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
    pub(crate) fn target(&self) -> Output<'_> {
        Output { path: &self.out, force: self.force, keep: &self.keep }
    }

    /// What was done, on stderr: stdout may be the data.
    pub(crate) fn done(&self, rows: usize, what: &str) {
        tracing::info!("{rows} {what} in {}", self.out.display());
    }
}
