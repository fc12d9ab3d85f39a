//! Where following a stream stopped: what a restart needs to go on as if it had never stopped.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::drift::Drift;
use super::follow::Followed;
use crate::{Error, Result};

/// The version of the file.
const FORMAT: u32 = 1;

/// What stands in the file beside the output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) format: u32,
    /// Digest of the model's document, and the input.
    pub(super) model: String,
    pub(super) input: String,
    /// The first line of the input.
    pub(super) first: Option<String>,
    /// The byte behind the last line that was read, and its number.
    pub(super) offset: u64,
    pub(super) line: u64,
    /// Bytes of the output.
    pub(super) length: u64,
    pub(super) counts: Followed,
    /// The last rows, of which the first `written` are in the output: what the score of the next one depends on.
    pub(super) tail: Vec<String>,
    pub(super) written: usize,
    pub(super) clock: Clock,
    pub(super) drift: Drift,
}

impl State {
    /// The file of the state beside an output.
    pub(super) fn path(out: &Path) -> PathBuf {
        let mut name = out.as_os_str().to_owned();
        name.push(".state");
        name.into()
    }

    /// A state in which nothing was read.
    pub(super) fn new(model: &str, input: &str) -> Self {
        Self { format: FORMAT, model: model.into(), input: input.into(), ..Self::default() }
    }

    /// The state beside `out`, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or belongs to another model or input.
    pub(super) fn read(out: &Path, model: &str, input: &str) -> Result<Option<Self>> {
        let path = Self::path(out);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path, action: "cannot read", source }),
        };
        let refuse = |reason: String| Error::Stream { path: path.clone(), reason };
        let state: Self = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        if state.format != FORMAT || state.written > state.tail.len() {
            return Err(refuse(format!("of format {}, expected {FORMAT}", state.format)));
        }
        if state.model != model {
            return Err(refuse("it was written with another model".into()));
        }
        if state.input != input {
            return Err(refuse(format!("it belongs to {}, not to {input}", state.input)));
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
