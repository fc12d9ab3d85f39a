//! `narrows decode`: from codes back to rows in the data's units.

use std::path::PathBuf;

use clap::Args;
use narrows::narrows_data::OpenOptions;
use narrows::{Model, places, transform};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::OutputOptions;
use crate::terminal::progress;

/// Options of `narrows decode`.
#[derive(Args, Debug)]
pub(crate) struct Decode {
    /// A model file or a run directory.
    model: PathBuf,
    /// A file of codes: columns z0, z1, ..., or an array.
    codes: String,
    #[command(flatten)]
    output: OutputOptions,
    /// The array to read of a file that holds several.
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,
}

impl Decode {
    /// Reads, computes and writes.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let model = Model::load(&self.model)?;
        let options =
            OpenOptions { keep: self.output.keep.clone(), tensor: self.tensor.clone(), ..OpenOptions::default() };
        let codes = places::open(&self.codes, shared.data_dir.as_deref(), &options)?;
        let bar = progress::rows(codes.rows() as u64, shared.quiet);
        let written = transform::decode(&model, &codes, self.output.target(&self.codes)?, |rows| bar.inc(rows as u64))?;
        progress::end(&bar);
        self.output.done(written, "row");
        Ok(Outcome::Done)
    }
}
