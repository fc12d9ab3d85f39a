//! The catalogue of variants: one line each, from which everything else that needs a list of variants is made.

use narrows_core::Trainable;
use narrows_tensor::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{nearest, suggestion};
use crate::variant::{About, OptionDoc, Variant};
use crate::variants::{
    aae::Aae, ae::Ae, batch_top_k::BatchTopK, beta_tc_vae::BetaTcVae, beta_vae::BetaVae,
    conditional_vae::ConditionalVae, contractive::Contractive, conv_ae::ConvAe, dae::Dae, factor_vae::FactorVae,
    fsq::Fsq, gated::Gated, iaf_vae::IafVae, info_vae::InfoVae, iwae::Iwae, jump_relu::JumpRelu, kl_sae::KlSae,
    l1_sae::L1Sae, ladder_vae::LadderVae, linear_ae::LinearAe, maf_vae::MafVae, matryoshka::Matryoshka, rae::Rae,
    rq_vae::RqVae, stacked::Stacked, svdd::Svdd, top_k::TopK, vae::Vae, vae_gan::VaeGan, vamp_vae::VampVae,
    vq_vae::VqVae, wae_mmd::WaeMmd,
};
use crate::{DataSpec, Error, Result};

/// Declares the configuration enum and the catalogue from lines `Type = "name"`.
macro_rules! catalogue {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// The configuration of a model: one table, named after the variant (`[model.ae]`).
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub enum ModelConfig {
            $(
                #[doc = concat!("`", $name, "`")]
                #[serde(rename = $name)]
                $variant($variant),
            )+
        }

        static ENTRIES: &[Entry] = &[$(Entry {
            about: <$variant as Variant>::ABOUT,
            config: || ModelConfig::$variant(<$variant>::default()),
            schema: || schemars::schema_for!($variant),
        }),+];

        impl ModelConfig {
            /// What is known of the variant.
            pub fn about(&self) -> &'static About {
                match self {
                    $(Self::$variant(_) => const { &<$variant as Variant>::ABOUT },)+
                }
            }

            /// Whether the model looks at a condition beside each sample, such as a label.
            pub fn conditional(&self) -> bool {
                match self {
                    $(Self::$variant(_) => <$variant as Variant>::CONDITIONAL,)+
                }
            }

            /// The number of values in a code.
            pub fn code(&self) -> usize {
                match self {
                    $(Self::$variant(config) => config.code(),)+
                }
            }

            /// Sets the number of values in a code.
            ///
            /// # Errors
            /// The number cannot work.
            pub fn set_code(&mut self, code: usize) -> Result<()> {
                match self {
                    $(Self::$variant(config) => config.set_code(code),)+
                }
            }

            /// The number of values in a code where nobody asks for one.
            pub fn default_code(&self, data: &DataSpec) -> usize {
                match self {
                    $(Self::$variant(config) => config.default_code(data),)+
                }
            }

            /// Whether weights learnt at one size of pictures or windows work at every other.
            pub fn any_size(&self) -> bool {
                match self {
                    $(Self::$variant(config) => config.any_size(),)+
                }
            }

            /// Whether the model can work on this data, before anything is built.
            ///
            /// # Errors
            /// An option does not fit; the error names it and a way out.
            pub fn check(&self, data: &DataSpec) -> Result<()> {
                match self {
                    $(Self::$variant(config) => config.check(data),)+
                }
            }

            pub(crate) fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
                match self {
                    $(Self::$variant(config) => config.build(data, scope),)+
                }
            }
        }
    };
}

catalogue! {
    LinearAe = "linear-ae",
    Ae = "ae",
    ConvAe = "conv-ae",
    Stacked = "stacked",
    L1Sae = "l1-sae",
    KlSae = "kl-sae",
    TopK = "top-k",
    BatchTopK = "batch-top-k",
    Matryoshka = "matryoshka",
    JumpRelu = "jump-relu",
    Gated = "gated",
    Dae = "dae",
    Vae = "vae",
    ConditionalVae = "conditional-vae",
    BetaVae = "beta-vae",
    BetaTcVae = "beta-tc-vae",
    FactorVae = "factor-vae",
    InfoVae = "info-vae",
    WaeMmd = "wae-mmd",
    Iwae = "iwae",
    VampVae = "vamp-vae",
    LadderVae = "ladder-vae",
    IafVae = "iaf-vae",
    MafVae = "maf-vae",
    VqVae = "vq-vae",
    RqVae = "rq-vae",
    Fsq = "fsq",
    Contractive = "contractive",
    Rae = "rae",
    Aae = "aae",
    VaeGan = "vae-gan",
    Svdd = "svdd",
}

/// One variant in the catalogue.
pub struct Entry {
    about: About,
    config: fn() -> ModelConfig,
    schema: fn() -> schemars::Schema,
}

/// All variants, in the order of listings.
pub fn catalog() -> &'static [Entry] {
    ENTRIES
}

/// Whether the catalogue has a variant of this name.
pub fn is_variant(name: &str) -> bool {
    catalog().iter().any(|entry| entry.about.name == name)
}

impl ModelConfig {
    /// The variant called `name`, all options at their defaults.
    ///
    /// # Errors
    /// There is no such variant; the error has the nearest name.
    pub fn named(name: &str) -> Result<Self> {
        let names = || catalog().iter().map(|entry| entry.about.name);
        catalog()
            .iter()
            .find(|entry| entry.about.name == name)
            .map(Entry::config)
            .ok_or_else(|| Error::UnknownModel { name: name.into(), nearest: nearest(name, names()).map(Into::into) })
    }

    /// The variant's name in the catalogue.
    pub fn name(&self) -> &'static str {
        self.about().name
    }

    /// Reads a document with one table, such as `[ae]`.
    ///
    /// # Errors
    /// It is not TOML, or names an unknown variant or option, or a value cannot work; the error has line and column.
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
            Error::Config {
                line: before.matches('\n').count() + 1,
                column: before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1,
                message: error.message().to_owned(),
                nearest: suggestion(error.message()).map(Into::into),
            }
        })
    }

    /// Writes the document that [`ModelConfig::from_toml`] reads, with every option that has a value.
    ///
    /// # Errors
    /// TOML cannot hold a value.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::Unwritable { model: self.name(), reason: error.to_string() })
    }
}

impl Entry {
    /// What is known of the variant.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Its configuration with all options at their defaults.
    pub fn config(&self) -> ModelConfig {
        (self.config)()
    }

    /// The JSON schema of its table.
    pub fn schema(&self) -> schemars::Schema {
        (self.schema)()
    }

    /// Its options, by name, as its schema describes them.
    pub fn options(&self) -> Vec<OptionDoc> {
        let defaults = serde_json::to_value(self.config()).unwrap_or_default();
        let schema = self.schema();
        let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) else {
            return Vec::new();
        };
        let option = |(name, schema): (&String, &serde_json::Value)| OptionDoc {
            name: name.clone(),
            kind: kind(schema),
            meaning: schema.get("description").and_then(|text| text.as_str()).unwrap_or_default().replace('\n', " "),
            default: defaults[self.about.name].get(name).map(inline).unwrap_or_default(),
        };
        properties.iter().map(option).collect()
    }

    /// A configuration to start from, as a section of a run's configuration file.
    pub fn example(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("# {}: {}\n[model.{}]\n", self.about.title, self.about.summary, self.about.name);
        for option in self.options() {
            let OptionDoc { name, kind, meaning, default } = option;
            let line = if default.is_empty() { format!("# {name} =") } else { format!("{name} = {default}") };
            // Writing to a string cannot fail.
            let _ = write!(text, "# {meaning} ({kind})\n{line}\n");
        }
        text
    }
}

/// A value as TOML on one line.
fn inline(value: &serde_json::Value) -> String {
    toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default()
}

/// A JSON schema's type in words, such as `integer from 1 to 64`.
pub fn kind(schema: &serde_json::Value) -> String {
    let text = |key: &str| schema.get(key).map(ToString::to_string);
    if let Some(values) = schema.get("enum").and_then(|values| values.as_array()) {
        let names: Vec<&str> = values.iter().filter_map(|value| value.as_str()).collect();
        return format!("one of {}", names.join(", "));
    }
    if let Some(choices) = schema.get("oneOf").and_then(|list| list.as_array()) {
        return format!("one of {}", choices.iter().filter_map(alternative).collect::<Vec<_>>().join(", "));
    }
    let alternatives = schema.get("anyOf").and_then(|list| list.as_array());
    if let Some(first) = alternatives.and_then(|list| list.first()) {
        return kind(first);
    }
    let types = schema.get("type");
    let name = types.and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str())).unwrap_or("value");
    let name = match (name, schema.get("items")) {
        ("array", Some(items)) => return format!("list of {}", kind(items)),
        (name, _) => name,
    };
    match (text("minimum"), text("maximum").or_else(|| text("exclusiveMaximum"))) {
        (Some(low), Some(high)) => format!("{name} from {low} to {high}"),
        (Some(low), None) => format!("{name} from {low} on"),
        (None, _) if schema.get("exclusiveMinimum").is_some() => {
            format!("{name} above {}", schema["exclusiveMinimum"])
        }
        _ => name.to_owned(),
    }
}

/// One of several names, or of several tables as the path to its fields, such as `gaussian.level`.
fn alternative(schema: &serde_json::Value) -> Option<String> {
    if let Some(name) = schema.get("const") {
        return name.as_str().map(Into::into);
    }
    let (name, inner) = schema.get("properties")?.as_object()?.iter().next()?;
    let fields = inner.get("properties")?.as_object()?.keys();
    Some(fields.map(|field| format!("{name}.{field}")).collect::<Vec<_>>().join(" with "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_tables_show_their_fields_and_choices_their_names() {
        let kind = |model: &str, option: &str| {
            let entry = catalog().iter().find(|entry| entry.about().name == model).unwrap();
            entry.options().into_iter().find(|known| known.name == option).unwrap().kind
        };
        let corruption = kind("dae", "corruption");
        assert!(corruption.starts_with("one of gaussian.level, random-gaussian.level, masking.share"), "{corruption}");
        assert_eq!(kind("iwae", "estimator"), "one of reparameterised, doubly-reparameterised");
    }

    #[test]
    fn a_typing_error_is_reported_with_its_place_and_the_nearest_name() {
        let error = ModelConfig::from_toml("[ae]\ncode = 4\nwidht = [3]\n").unwrap_err();
        assert!(
            matches!(&error, Error::Config { line: 3, column: 1, nearest: Some(near), .. } if near == "widths"),
            "{error}"
        );
        let error = ModelConfig::from_toml("[ae]\ncode = 0\n").unwrap_err().to_string();
        assert!(error.starts_with("line 2, column 8: code = 0"), "{error}");
        assert!(matches!(ModelConfig::named("linear-a"), Err(Error::UnknownModel { nearest: Some(near), .. })
            if near == "linear-ae"));
    }
}
