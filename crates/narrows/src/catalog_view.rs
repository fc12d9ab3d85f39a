//! The catalogue of models as plain data: what listings and descriptions show.

use narrows_models::{About, Entry, ModelConfig, OptionDoc, catalog};
use serde::Serialize;

use crate::Result;

/// One variant with its options.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Card {
    /// Name, family, summary, paper and formula.
    #[serde(flatten)]
    pub about: &'static About,
    /// Its options by name.
    pub options: Vec<OptionDoc>,
}

/// All variants, in the order of listings.
pub fn cards() -> Vec<Card> {
    catalog().iter().map(Card::of).collect()
}

/// The variant called `name`.
///
/// # Errors
/// There is none; the error has the nearest name.
pub fn card(name: &str) -> Result<Card> {
    let config = ModelConfig::named(name)?;
    let unknown = || narrows_models::Error::UnknownModel { name: name.into(), nearest: None };
    let entry = catalog().iter().find(|entry| entry.about().name == config.name());
    Ok(Card::of(entry.ok_or_else(unknown)?))
}

impl Card {
    fn of(entry: &'static Entry) -> Self {
        Self { about: entry.about(), options: entry.options() }
    }
}

/// The JSON Schema of a run's configuration file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(crate::config::Partial).to_value()
}
