//! `cargo xtask data`: datasets for tests and benchmarks, through the same code as `narrows data fetch`.

use clap::Args;

use crate::Result;
use crate::process::{cargo, run as execute};

/// Which datasets.
#[derive(Args, Debug)]
pub struct Options {
    /// Names in the catalogue (see `narrows data list`)
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Further options of `narrows data fetch`, e.g. `-- --data-dir DIR`
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Fetches every named dataset.
///
/// # Errors
///
/// When one cannot be fetched or does not match its checksum.
pub fn run(options: &Options) -> Result {
    for name in &options.names {
        let mut fetch = cargo(&["run", "--release", "--quiet", "--package", "narrows-cli", "--", "data", "fetch"]);
        execute(fetch.arg(name).args(&options.rest))?;
    }
    Ok(())
}
