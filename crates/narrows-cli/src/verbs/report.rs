//! `narrows report`: one HTML page of one or several runs.

use std::path::PathBuf;

use clap::Args;
use narrows::{Error, RunDirectory};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;

/// Options of `narrows report`.
#[derive(Args, Debug)]
pub(crate) struct Report {
    /// Run directories.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The page; report.html in the run where absent and there is one run.
    #[arg(long, short, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Adds a t-SNE map of the codes; reads the data again.
    #[arg(long)]
    t_sne: bool,
    /// Replaces the file that is there.
    #[arg(long)]
    force: bool,
}

impl Report {
    /// Draws and writes the page.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let runs: narrows::Result<Vec<RunDirectory>> = self.runs.iter().map(|run| RunDirectory::open(run)).collect();
        let runs = runs?;
        let (out, replace) = match (&self.out, runs.as_slice()) {
            (Some(out), _) => (out.clone(), self.force),
            (None, [run]) => (run.report(), true),
            (None, _) => return Err("several runs make one page: name it with -o FILE.html".into()),
        };
        if out.exists() && !replace {
            return Err(Error::OutputFileExists { path: out }.into());
        }
        let page = narrows::page(&runs, self.t_sne, shared.data_dir.as_deref())?;
        narrows::write_file(&out, page.as_bytes())?;
        if shared.json {
            say!("{}", serde_json::json!({ "report": out }))?;
        } else {
            say!("{}", out.display())?;
        }
        Ok(Outcome::Done)
    }
}
