//! Collects the text values of a block into codes and distinct levels.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Texts;

/// Builds [`Texts`] one row at a time.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: Texts,
    codes: BTreeMap<Arc<str>, u32>,
}

impl Interner {
    /// Appends one row.
    pub(crate) fn push(&mut self, value: Option<&str>) {
        let code = match value {
            None => Texts::MISSING,
            Some(value) => self.codes.get(value).copied().unwrap_or_else(|| {
                let code = self.texts.levels.len() as u32;
                let level: Arc<str> = Arc::from(value);
                self.texts.levels.push(Arc::clone(&level));
                self.codes.insert(level, code);
                code
            }),
        };
        self.texts.codes.push(code);
    }

    /// The rows so far.
    pub(crate) fn finish(self) -> Texts {
        self.texts
    }
}
