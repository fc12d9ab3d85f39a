//! What fitting decided about a column that its owner may want to know.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// A remark on one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The column.
    pub column: String,
    /// The remark.
    pub remark: Remark,
}

/// What fitting decided about a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Remark {
    /// Left out: no cell of the training rows holds a value.
    AllMissing,
    /// Left out: all training rows hold the same value.
    Constant,
    /// Left out: nearly every training row holds another text.
    Identifier,
    /// Left out: free text.
    FreeText,
    /// Left out: a point in time.
    Time,
    /// Scaled by its bulk, because a few values are extreme.
    HeavyTails,
    /// Its rarer levels share one feature.
    Pooled {
        /// Levels that have a feature of their own.
        kept: usize,
    },
}

impl Remark {
    /// Whether the column became no feature.
    #[must_use]
    pub fn drops(&self) -> bool {
        !matches!(self, Self::HeavyTails | Self::Pooled { .. })
    }
}

impl Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.column;
        match &self.remark {
            Remark::AllMissing => write!(f, "column `{name}` left out: all values are missing"),
            Remark::Constant => write!(f, "column `{name}` left out: it holds one value only"),
            Remark::Identifier => write!(f, "column `{name}` left out: nearly every row holds another text"),
            Remark::FreeText => write!(f, "column `{name}` left out: free text"),
            Remark::Time => write!(f, "column `{name}` left out: a point in time (--time {name} orders windows by it)"),
            Remark::HeavyTails => {
                write!(f, "column `{name}` has a few extreme values: scaled by the other 99 %, logarithmic beyond")
            }
            Remark::Pooled { kept } => {
                write!(f, "column `{name}`: the {kept} most frequent levels are told apart, the others share <other>")
            }
        }
    }
}
