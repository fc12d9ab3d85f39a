//! `narrows schema`: the JSON Schema of a configuration file, for editors that complete and check TOML.

use clap::Args;

use super::Result;
use crate::exit::Outcome;

/// Options of `narrows schema`.
#[derive(Args, Debug)]
pub(crate) struct Schema {}

impl Schema {
    /// Prints the schema.
    #[allow(clippy::unused_self, reason = "verbs have one form")]
    pub(crate) fn run(&self) -> Result {
        say!("{}", serde_json::to_string_pretty(&narrows::catalog_view::schema())?)?;
        Ok(Outcome::Done)
    }
}
