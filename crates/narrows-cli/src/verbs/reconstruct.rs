//! `narrows reconstruct`: rows on their way through the bottleneck.

use std::path::PathBuf;

use clap::Args;
use narrows::{Model, transform};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::{OutputOptions, SplitName};
use crate::terminal::progress;

/// Options of `narrows reconstruct`.
#[derive(Args, Debug)]
pub(crate) struct Reconstruct {
    /// A model file or a run directory.
    model: PathBuf,
    /// A file, a directory, `-` for standard input, or a dataset's name.
    data: String,
    #[command(flatten)]
    output: OutputOptions,
    /// Which rows; a split other than `all` divides the data as in training.
    #[arg(long, value_enum, default_value_t)]
    split: SplitName,
    /// The first rows only.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Reconstruct {
    /// Reads, computes and writes.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let model = Model::load(&self.model)?;
        super::warn_of_reconstruction(&model);
        let source = model.open(&self.data, shared.data_dir.as_deref(), &self.output.keep)?;
        let rows = narrows::rows(&model, source, self.split.into(), self.limit)?;
        let bar = progress::rows(rows.rows() as u64, shared.quiet);
        let written =
            transform::reconstruct(&model, &rows, self.output.target(&self.data)?, |rows| bar.inc(rows as u64))?;
        progress::end(&bar);
        self.output.done(written, "row");
        Ok(Outcome::Done)
    }
}
