//! Options of every verb that reads data.

use clap::{Args, ValueEnum};
use narrows::{Draft, Part, Result};

/// What is read of the data, and how.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Reading")]
pub(crate) struct ReadOptions {
    /// Train on these columns only.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Leave these columns out.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// The column of labels: kept aside, and seen in training only by `conditional-vae`.
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Option<String>,
    /// The column that orders the rows.
    #[arg(long, value_name = "NAME")]
    pub(crate) time: Option<String>,
    /// Make samples of this many consecutive rows.
    #[arg(long, value_name = "ROWS")]
    pub(crate) window: Option<u32>,
    /// Rows from the start of one window to the start of the next.
    #[arg(long, value_name = "ROWS", requires = "window")]
    pub(crate) stride: Option<u32>,
    /// Average each number over this many rows up to its own.
    #[arg(long, value_name = "ROWS")]
    pub(crate) smooth: Option<u32>,
    /// The array to read of a file that holds several.
    #[arg(long, value_name = "NAME")]
    pub(crate) tensor: Option<String>,
    /// Cut pictures into square patches of this side; 0 leaves them whole.
    #[arg(long, value_name = "PIXELS")]
    pub(crate) patch: Option<u32>,
    /// Scale pictures to this size first.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub(crate) resize: Option<(u32, u32)>,
}

/// A part of a split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    /// Rows that the model was trained on.
    Train,
    /// Rows that chose the best step.
    Validation,
    /// Rows that were kept aside.
    Test,
    /// All rows.
    #[default]
    All,
}

impl SplitName {
    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::All => "all",
        }
    }
}

impl From<SplitName> for Part {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Validation => Self::Validation,
            SplitName::Test => Self::Test,
            SplitName::All => Self::All,
        }
    }
}

impl ReadOptions {
    /// Puts what was given into the draft.
    pub(crate) fn apply(&self, draft: &mut Draft) -> Result<()> {
        let list = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect::<Vec<toml::Value>>();
        if !self.columns.is_empty() {
            draft.put("data.columns", list(&self.columns))?;
        }
        if !self.exclude.is_empty() {
            draft.put("data.exclude", list(&self.exclude))?;
        }
        for (key, value) in [("data.label", &self.label), ("data.time", &self.time), ("data.tensor", &self.tensor)] {
            if let Some(value) = value {
                draft.put(key, value.as_str())?;
            }
        }
        let numbers = [
            ("data.prepare.window.length", self.window),
            ("data.prepare.window.stride", self.stride),
            ("data.patch", self.patch),
            ("data.smooth", self.smooth),
        ];
        for (key, value) in numbers {
            if let Some(value) = value {
                draft.put(key, i64::from(value))?;
            }
        }
        if self.window.is_some() || self.smooth.is_some() {
            draft.put_default("data.split.by", "time")?;
        }
        if let Some((width, height)) = self.resize {
            draft.put("data.resize", vec![toml::Value::from(i64::from(width)), i64::from(height).into()])?;
        }
        Ok(())
    }
}

/// Parses a picture's size, such as 64x48.
pub(crate) fn size(text: &str) -> std::result::Result<(u32, u32), String> {
    let parsed = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    parsed.filter(|(width, height)| *width > 0 && *height > 0).ok_or_else(|| "expected e.g. 64x64".into())
}
