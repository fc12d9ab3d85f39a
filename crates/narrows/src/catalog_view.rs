//! The catalogue of models as plain data: what listings and descriptions show.

use narrows_models::{About, Entry, ModelConfig, OptionDoc, catalog};
use serde::Serialize;

use crate::Result;

/// Options that [`Plan`](crate::Plan) chooses from the data where a configuration leaves them out.
pub const FROM_THE_DATA: [&str; 3] = ["model.code", "train.batch", "train.epochs"];

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
        let mut options = entry.options();
        for option in &mut options {
            if FROM_THE_DATA.contains(&format!("model.{}", option.name).as_str()) {
                option.default = String::new();
            }
        }
        Self { about: entry.about(), options }
    }
}

/// The JSON Schema of a run's configuration file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(crate::config::Partial).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_says_what_its_variant_takes() {
        let options = card("ae").unwrap().options;
        let option = |name: &str| options.iter().find(|option| option.name == name).unwrap();
        assert_eq!(option("activation").default, "\"silu\"");
        assert_eq!(option("code").default, "", "the plan chooses it");
        assert!(card("aee").unwrap_err().to_string().contains("did you mean `ae`"));
    }
}
