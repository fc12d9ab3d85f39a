//! `state.json`: what a checkpoint holds besides tensors.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::io;
use crate::{Best, Error, Result};

/// The version of the layout that this code writes and reads.
pub(crate) const VERSION: u32 = 1;

/// The small part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) version: u32,
    pub(crate) identity: String,
    pub(crate) step: u64,
    pub(crate) best: Option<BestRecord>,
    pub(crate) evaluations_since_best: u64,
}

/// [`Best`] as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BestRecord {
    pub(crate) step: u64,
    pub(crate) loss: f64,
}

impl From<Best> for BestRecord {
    fn from(best: Best) -> Self {
        Self { step: best.step, loss: best.loss }
    }
}

impl From<BestRecord> for Best {
    fn from(best: BestRecord) -> Self {
        Self { step: best.step, loss: best.loss }
    }
}

impl Record {
    pub(crate) fn to_bytes(&self, path: &Path) -> Result<Vec<u8>> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| Error::Damaged { path: path.into(), reason: error.to_string() })?;
        Ok(format!("{text}\n").into_bytes())
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(io(path, "cannot read"))?;
        let damaged = |reason| Error::Damaged { path: path.into(), reason };
        let record: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if record.version != VERSION {
            return Err(damaged(format!("it has layout version {}; this program reads {VERSION}", record.version)));
        }
        Ok(record)
    }
}
