//! A run's configuration while it is being put together: file, then `--set`, then flags, as one TOML table.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::plan::{in_words, suggestion};
use crate::{Error, Result};

/// The sections of a configuration.
const SECTIONS: [&str; 5] = ["data", "model", "train", "detect", "flow"];

/// A partial configuration; what it leaves out is chosen from the data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    table: Table,
    /// Options of a model that is not chosen yet.
    waiting: Vec<(String, Value)>,
}

impl Draft {
    /// Reads a configuration file. Everything in it is checked, so that a typing error is reported with its line.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or has an unknown key or an invalid value.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Config { origin: path.into(), message: format!("cannot read: {error}") })?;
        Self::from_text(&text, path)
    }

    /// Parses a configuration's text; `origin` is named in errors.
    ///
    /// # Errors
    /// It is not TOML, or has an unknown key or an invalid value.
    pub fn from_text(text: &str, origin: &Path) -> Result<Self> {
        let config = |error: toml::de::Error| {
            let message = format!("{}{}", in_words(error.to_string().trim_end()), suggestion(error.message()));
            Error::Config { origin: origin.into(), message }
        };
        toml::from_str::<crate::config::Partial>(text).map_err(config)?;
        Ok(Self { table: text.parse().map_err(config)?, waiting: Vec::new() })
    }

    /// Applies one `key.path=value`; the value is TOML, or a string where it is not.
    ///
    /// # Errors
    /// There is no `=`, or the path leads through a value that is no table.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let (path, value) = assignment.split_once('=').ok_or_else(|| Error::Assignment {
            text: assignment.into(),
            reason: "it has no `=`; write e.g. train.steps=200".into(),
        })?;
        let (path, value) = (path.trim(), value.trim());
        let parsed = format!("v = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
        self.put(path, parsed.unwrap_or_else(|| Value::String(value.into())))
    }

    /// Puts a value at a dotted path, making tables on the way.
    ///
    /// # Errors
    /// The path does not begin with a section, or leads through a value that is no table.
    pub fn put(&mut self, path: &str, value: impl Into<Value>) -> Result<()> {
        let section = path.split('.').next().unwrap_or_default();
        if !SECTIONS.contains(&section) {
            let nearest = narrows_models::config::nearest(section, SECTIONS);
            let nearest = nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            let reason = format!("there is no section `{section}`, only {}{nearest}", SECTIONS.join(", "));
            return Err(Error::Assignment { text: path.into(), reason });
        }
        let path = self.resolve(path);
        if let Some(option) =
            path.strip_prefix("model.").filter(|option| self.model().is_none() && !is_of_variant(option))
        {
            self.waiting.push((option.to_owned(), value.into()));
            return Ok(());
        }
        let mut table = &mut self.table;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                table.insert(part.into(), value.into());
                return Ok(());
            }
            let entry = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
            table = entry.as_table_mut().ok_or_else(|| Error::Assignment {
                text: path.clone(),
                reason: format!("`{part}` is a value, not a section"),
            })?;
        }
        Ok(())
    }

    /// The model that is configured so far.
    pub fn model(&self) -> Option<&str> {
        self.table.get("model")?.as_table()?.keys().next().map(String::as_str)
    }

    /// Chooses the model. Options that were put for another one are dropped with it.
    ///
    /// # Errors
    /// The catalogue has no such model.
    pub fn choose(&mut self, model: &str) -> Result<()> {
        narrows_models::ModelConfig::named(model)?;
        if self.model() != Some(model) {
            let chosen = Table::from_iter([(model.to_owned(), Value::Table(Table::new()))]);
            self.table.insert("model".into(), Value::Table(chosen));
        }
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().try_for_each(|(option, value)| self.put(&format!("model.{model}.{option}"), value))
    }

    /// `model.code` means the option `code` of the one model that is configured.
    fn resolve(&self, path: &str) -> String {
        match (path.strip_prefix("model."), self.model()) {
            (Some(option), Some(name)) if !is_of_variant(option) => format!("model.{name}.{option}"),
            _ => path.to_owned(),
        }
    }

    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(None, |found: Option<&Value>, part| {
            let table = found.map_or(Some(&self.table), Value::as_table)?;
            table.get(part).map(Some)
        })?
    }

    /// An option of the model that is configured.
    pub fn get_of_model(&self, option: &str) -> Option<&Value> {
        self.get(&self.resolve(&format!("model.{option}")))
    }

    /// Puts `value` at `path` unless something stands there; whether it did.
    ///
    /// # Errors
    /// The path leads through a value that is no table.
    pub fn put_default(&mut self, path: &str, value: impl Into<Value>) -> Result<bool> {
        if self.get(&self.resolve(path)).is_some() {
            return Ok(false);
        }
        self.put(path, value).map(|()| true)
    }

    /// Whether the model that is configured has an option of this name.
    pub fn model_has(&self, option: &str) -> bool {
        let entry = narrows_models::catalog().iter().find(|entry| Some(entry.about().name) == self.model());
        entry.is_some_and(|entry| entry.options().iter().any(|known| known.name == option))
    }

    /// Everything so far.
    pub fn table(&self) -> &Table {
        &self.table
    }
}

/// Whether a path below `model` begins with the name of a variant.
fn is_of_variant(path: &str) -> bool {
    path.split('.').next().is_some_and(narrows_models::is_variant)
}

/// Where a draft that came from no file is said to come from.
pub(crate) fn command_line() -> PathBuf {
    PathBuf::from("the command line")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_layers_win_and_model_options_wait_for_their_model() {
        let mut draft = Draft::from_text("[train]\nepochs = 3\n", Path::new("c.toml")).unwrap();
        draft.set("model.code=5").unwrap();
        draft.set("train.epochs = 4").unwrap();
        assert!(draft.get("model").is_none());
        draft.choose("ae").unwrap();
        assert_eq!(draft.get("model.ae.code"), Some(&Value::Integer(5)));
        assert_eq!(draft.get("train.epochs"), Some(&Value::Integer(4)));
        draft.put("model.code", 6).unwrap();
        assert_eq!(draft.get("model.ae.code"), Some(&Value::Integer(6)));
    }

    #[test]
    fn a_typing_error_in_a_file_is_told_with_its_line() {
        let error = Draft::from_text("[train]\nepohcs = 3\n", Path::new("c.toml")).unwrap_err().to_string();
        assert!(error.starts_with("c.toml: ") && error.contains("line 2") && error.contains("epohcs"), "{error}");
        assert!(error.ends_with("did you mean `epochs`?"), "{error}");
    }

    #[test]
    fn an_assignment_without_a_value_is_refused() {
        assert!(matches!(Draft::default().set("train.steps"), Err(Error::Assignment { .. })));
        let error = Draft::default().set("tarin.steps=3").unwrap_err().to_string();
        assert!(
            error
                .ends_with("there is no section `tarin`, only data, model, train, detect, flow; did you mean `train`?"),
            "{error}"
        );
    }
}
