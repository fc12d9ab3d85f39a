//! A configuration file to start from, made from the configuration's JSON Schema: every option with its meaning and default.
//!
//! Explanations begin with `# `; options begin with `#` and no space, so that taking the `#` away sets them.

use std::fmt::Write as _;

use narrows_models::catalog::kind;
use serde_json::Value;

use crate::Result;
use crate::catalog_view::{FROM_THE_DATA, card, schema};

/// The longest line of an explanation.
const WIDTH: usize = 120;

/// The text of a configuration file; with `model`, of a run of that variant.
///
/// # Errors
/// There is no such variant.
pub fn starter(model: Option<&str>) -> Result<String> {
    let schema = schema();
    let mut file = File { schema: &schema, text: String::new() };
    file.explain(
        "A run of Narrows; use it with `narrows train --config FILE`. An option is written behind a # with its default, or with \
         an example where it has none: take the # away to set it. Flags and --set on the command line come after this file.",
    );
    file.section("data", &schema["properties"]["data"], true);
    if let Some(name) = model {
        let about = card(name)?.about;
        file.model(about.name, about.summary, true);
    } else {
        file.text.push('\n');
        file.explain("Without a model, one is chosen that fits the data. At most one of these sections can be used.");
        for card in crate::catalog_view::cards() {
            file.model(card.about.name, card.about.summary, false);
        }
    }
    file.section("train", &schema["properties"]["train"], true);
    Ok(file.text)
}

struct File<'a> {
    schema: &'a Value,
    text: String,
}

impl<'a> File<'a> {
    /// The section of one variant.
    fn model(&mut self, name: &str, summary: &str, active: bool) {
        let variants = self.schema["$defs"]["ModelConfig"]["oneOf"].as_array();
        let variant = variants.and_then(|all| all.iter().find_map(|variant| variant["properties"].get(name)));
        self.titled(&format!("model.{name}"), summary, variant.unwrap_or(&Value::Null), active);
    }

    /// A section with what its schema says of it.
    fn section(&mut self, path: &str, schema: &'a Value, active: bool) {
        self.titled(path, schema["description"].as_str().unwrap_or_default(), schema, active);
    }

    fn titled(&mut self, path: &str, title: &str, schema: &'a Value, active: bool) {
        self.text.push('\n');
        self.explain(title);
        self.line(if active { "" } else { "#" }, &format!("[{path}]"));
        let properties = self.resolve(schema)["properties"].as_object();
        let (sections, options): (Vec<_>, Vec<_>) =
            properties.into_iter().flatten().partition(|(_, option)| self.resolve(option)["properties"].is_object());
        for (name, option) in options {
            self.option(path, name, option);
        }
        for (name, inner) in sections {
            let optional = inner.get("default").is_none();
            self.section(&format!("{path}.{name}"), inner, active && !optional);
        }
    }

    fn option(&mut self, path: &str, name: &str, option: &'a Value) {
        let inner = self.resolve(option);
        let meaning = option["description"].as_str().unwrap_or_default();
        let default = option.get("default").filter(|default| !default.is_null());
        let alternatives = inner["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        let of = if alternatives.is_empty() { kind(inner) } else { "one of these".to_owned() };
        let origin = match default {
            _ if chosen(path, name) => "; from the data where absent",
            Some(_) => "",
            None => "; none by default",
        };
        self.explain(&format!("{meaning} ({of}{origin})"));
        for alternative in alternatives {
            let value = inline(&self.example(alternative));
            let meaning = alternative["description"].as_str().unwrap_or_default();
            self.explain(&format!("  {value}: {meaning}"));
        }
        let value = inline(&default.cloned().unwrap_or_else(|| self.example(inner)));
        self.line("#", &format!("{name} = {value}"));
    }

    /// A value that the schema allows.
    fn example(&self, schema: &'a Value) -> Value {
        if let Some(value) = schema.get("default").or_else(|| schema.get("const")) {
            return value.clone();
        }
        let schema = self.resolve(schema);
        if let Some(first) = schema["oneOf"].get(0) {
            return self.example(first);
        }
        if let Some(properties) = schema["properties"].as_object() {
            return properties.iter().map(|(name, inner)| (name.clone(), self.example(inner))).collect();
        }
        if let Some(items) = schema["prefixItems"].as_array() {
            return items.iter().map(|item| self.example(item)).collect();
        }
        match kind(schema).split(' ').next() {
            Some("integer") => 32.into(),
            Some("number") => 0.5.into(),
            Some("boolean") => true.into(),
            Some("list") => vec![self.example(&schema["items"])].into(),
            _ => "name".into(),
        }
    }

    /// Behind references and `or nothing`.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/"));
        match (target, schema["anyOf"].get(0)) {
            (Some(name), _) => self.resolve(&self.schema["$defs"][name]),
            (None, Some(first)) => self.resolve(first),
            (None, None) => schema,
        }
    }

    /// A comment, wrapped.
    fn explain(&mut self, text: &str) {
        let indent = text.len() - text.trim_start().len();
        let mut line = format!("# {}", " ".repeat(indent));
        for word in text.split_whitespace() {
            if line.chars().count() + word.chars().count() + 1 > WIDTH {
                self.line("", line.trim_end());
                line = format!("# {}", " ".repeat(if indent == 0 { 0 } else { indent + 2 }));
            }
            line.push_str(word);
            line.push(' ');
        }
        self.line("", line.trim_end());
    }

    fn line(&mut self, mark: &str, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{mark}{text}");
    }
}

fn chosen(path: &str, name: &str) -> bool {
    let path = if path.starts_with("model.") { "model" } else { path };
    FROM_THE_DATA.contains(&format!("{path}.{name}").as_str())
}

/// A JSON value on one line of TOML.
fn inline(value: &Value) -> String {
    toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use narrows_models::{ModelConfig, catalog};
    use narrows_train::TrainConfig;

    use super::*;
    use crate::config::{DataConfig, Partial};

    /// The file with options set: those with a default, or all of them.
    fn set(text: &str, examples: bool) -> String {
        let (mut example, mut idle) = (false, false);
        let (mut set, mut comment) = (String::new(), String::new());
        for line in text.lines() {
            idle = !examples && (line.starts_with("#[") || idle && !line.starts_with('['));
            let option = line.strip_prefix('#').filter(|option| !option.starts_with([' ', '[']) && !option.is_empty());
            let section = line.strip_prefix('#').filter(|section| section.starts_with('[') && examples);
            if line.starts_with("# ") && !line.starts_with("#   ") {
                comment.push_str(line.trim_start_matches('#'));
                example = comment.ends_with("none by default)");
            } else if !line.starts_with("#   ") {
                comment.clear();
            }
            set.push_str(option.filter(|_| !idle && (examples || !example)).or(section).unwrap_or(line));
            set.push('\n');
        }
        set
    }

    #[test]
    fn every_option_is_shown_with_its_true_default() {
        for entry in catalog() {
            let name = entry.about().name;
            let text = starter(Some(name)).unwrap();
            let parsed: Partial = toml::from_str(&text).unwrap();
            assert_eq!(parsed.model, Some(ModelConfig::named(name).unwrap()));
            let parsed: Partial = toml::from_str(&set(&text, false)).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(parsed.model, Some(ModelConfig::named(name).unwrap()));
            assert_eq!(parsed.data, Some(DataConfig::default()));
            assert_eq!(parsed.train, Some(TrainConfig::default()));
        }
    }

    #[test]
    fn every_example_is_a_valid_value_and_no_option_is_left_out() {
        for entry in catalog() {
            let text = set(&starter(Some(entry.about().name)).unwrap(), true);
            let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
            crate::Draft::from_text(&text, Path::new("starter")).unwrap_or_else(|error| panic!("{error}\n{text}"));
            for option in entry.options() {
                assert!(table["model"][entry.about().name].get(&option.name).is_some(), "{} in {text}", option.name);
            }
            assert!(table["data"]["prepare"]["window"].get("length").is_some());
            assert!(table["train"].get("checkpoint-every").is_some());
        }
    }

    #[test]
    fn without_a_model_none_is_chosen() {
        let parsed: Partial = toml::from_str(&starter(None).unwrap()).unwrap();
        assert!(parsed.model.is_none() && parsed.data.is_some());
        assert!(starter(Some("aa")).is_err());
    }

    #[test]
    fn alternatives_are_shown_with_their_own_defaults() {
        let text = starter(Some("ae")).unwrap();
        assert!(
            text.contains("#   { sgd = { momentum = 0.9, nesterov = false } }: Stochastic gradient descent."),
            "{text}"
        );
    }
}
