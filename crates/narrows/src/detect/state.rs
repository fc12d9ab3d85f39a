//! Where following a stream stopped: what a restart needs to go on as if it had never stopped.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Rule;
use super::arriving::Place;
use super::clock::Clock;
use super::drift::Drift;
use super::followed::Followed;
use super::silent::Silent;
use crate::{Error, Result};

/// The version of the file.
const FORMAT: u32 = 2;

/// What decides which columns the output has and what they mean: it stays the same over all restarts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Columns that are carried along.
    pub(super) keep: Vec<String>,
    /// Whether alarms get their reasons.
    pub(super) explain: bool,
    /// What is an alarm, as far as that was said.
    pub(super) rule: Option<Rule>,
    pub(super) per_day: Option<f64>,
}

impl Asked {
    /// In which of the options this differs from `other`.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let options = [
            ("the columns to keep", self.keep == other.keep),
            ("reasons", self.explain == other.explain),
            ("what is an alarm", (self.rule, self.per_day) == (other.rule, other.per_day)),
        ];
        options.into_iter().filter_map(|(what, same)| (!same).then_some(what)).collect()
    }
}

/// What stands in the file beside the output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) format: u32,
    /// Digest of the model's document, and the input.
    pub(super) model: String,
    pub(super) input: String,
    pub(super) asked: Asked,
    /// The first line of the input.
    pub(super) first: Option<String>,
    /// Behind the last line that was read, and its number.
    pub(super) place: Place,
    pub(super) line: u64,
    /// Behind what was written of the output.
    pub(super) output: Place,
    pub(super) counts: Followed,
    /// The last rows, of which the first `written` are in the output: what the score of the next one depends on.
    pub(super) tail: Vec<String>,
    pub(super) written: usize,
    pub(super) clock: Clock,
    pub(super) drift: Drift,
    pub(super) silent: Silent,
}

impl State {
    /// The file of the state beside an output.
    pub(super) fn path(out: &Path) -> PathBuf {
        let mut name = out.as_os_str().to_owned();
        name.push(".state");
        name.into()
    }

    /// A state in which nothing was read.
    pub(super) fn new(model: &str, input: &str, asked: Asked) -> Self {
        Self { format: FORMAT, model: model.into(), input: input.into(), asked, ..Self::default() }
    }

    /// The state beside `out`, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or belongs to another model or input, or other columns were asked for.
    pub(super) fn read(out: &Path, model: &str, input: &str, asked: &Asked) -> Result<Option<Self>> {
        let path = Self::path(out);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path, action: "cannot read", source }),
        };
        let refuse = |reason: String| Error::Stream { path: path.clone(), reason };
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        let format = value["format"].as_u64();
        if format != Some(FORMAT.into()) {
            let found = format.map_or("of no format".to_owned(), |format| format!("of format {format}"));
            return Err(refuse(format!("{found}, expected {FORMAT}")));
        }
        let state: Self = serde_json::from_value(value).map_err(|error| refuse(error.to_string()))?;
        if state.written > state.tail.len() {
            return Err(refuse("more rows are written than there are".into()));
        }
        if state.model != model {
            return Err(refuse("it was written with another model".into()));
        }
        if state.input != input {
            return Err(refuse(format!("it belongs to {}, not to {input}", state.input)));
        }
        let Ok(mut output) = std::fs::File::open(out) else {
            return Err(refuse(format!("{}, the output that it belongs to, is gone", out.display())));
        };
        if !state.output.is_in(&mut output).unwrap_or(false) {
            return Err(refuse(format!("{} is no longer what was written", out.display())));
        }
        let other = state.asked.differences(asked);
        if !other.is_empty() {
            let reason = format!("it was begun with other options ({}): give the same ones", other.join(", "));
            return Err(refuse(reason));
        }
        Ok(Some(state))
    }

    /// Writes the state beside `out`.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self, out: &Path) -> Result<()> {
        let path = Self::path(out);
        let text = serde_json::to_vec(self)
            .map_err(|error| Error::Stream { path: path.clone(), reason: error.to_string() })?;
        Ok(narrows_data::atomic::write(&path, &text, true)?)
    }
}
