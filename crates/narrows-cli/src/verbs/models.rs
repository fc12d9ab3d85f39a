//! `narrows models`: the catalogue.

use clap::Args;

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::terminal::table::Table;

/// Options of `narrows models`.
#[derive(Args, Debug)]
pub(crate) struct Models {}

impl Models {
    /// Prints all variants.
    #[allow(clippy::unused_self, reason = "verbs have one form")]
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let models = narrows::catalog_view::cards();
        if shared.json {
            say!("{}", serde_json::json!({ "models": models }))?;
            return Ok(Outcome::Done);
        }
        let mut table = Table::new(["model", "family", "what it is"]);
        for model in &models {
            table.row([model.about.name, super::describe::family(model.about.kind), model.about.summary]);
        }
        table.print()?;
        tracing::info!("`narrows describe NAME` shows one with its options");
        Ok(Outcome::Done)
    }
}
