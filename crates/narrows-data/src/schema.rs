//! What one data file holds, before anything is fitted: the shape of a sample and the columns of a table.

use serde::{Deserialize, Serialize};

use crate::{Result, TableError};

/// The shape of one sample and, for tables, its columns in file order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// What one row of the file is.
    pub sample: Sample,
    /// The columns of a table in file order; empty for arrays and images without labels. An array or a set of images
    /// may carry named columns beside its values (a label, a file name).
    pub columns: Vec<Column>,
}

/// What one row of the file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sample {
    /// A row of named columns, each with a kind of its own.
    Table,
    /// An array of numbers without names; `dims` are the dimensions behind the row axis.
    Array {
        /// Dimensions of one sample, slowest first.
        dims: Vec<usize>,
    },
    /// A picture, stored channels last with values in 0..=1.
    Image {
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
        /// 1 (grey) or 3 (RGB).
        channels: usize,
    },
}

/// One named column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name from the header, or `c0`, `c1`, ... where the file has none.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// What it is read for.
    #[serde(default)]
    pub role: Role,
}

/// What a column is read for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Trained on and reconstructed.
    #[default]
    Feature,
    /// Kept aside for stratified splits and evaluation; never a feature.
    Label,
    /// Orders the rows; never a feature.
    Time,
    /// Carried along to outputs (an identifier, a file name); never a feature.
    Kept,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Real or whole numbers.
    Number,
    /// Two values: true and false, yes and no, or 0 and 1 stored as a boolean type.
    Boolean,
    /// A small set of names.
    Category,
    /// Dates and times, as seconds since 1970-01-01 UTC.
    Time,
    /// Free text or identifiers: carried along, never a feature.
    Text,
}

impl Sample {
    /// Whether a row is named columns and nothing else.
    #[must_use]
    pub const fn is_table(&self) -> bool {
        matches!(self, Self::Table)
    }

    /// The number of values in one sample; `None` for a table, where it depends on the fitted preparation.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        match self {
            Self::Table => None,
            Self::Array { dims } => Some(dims.iter().product()),
            Self::Image { height, width, channels } => Some(height * width * channels),
        }
    }
}

impl Column {
    /// A column to train on.
    pub fn feature(name: impl Into<String>, kind: ColumnKind) -> Self {
        Self { name: name.into(), kind, role: Role::Feature }
    }

    /// A column of labels.
    pub fn label(name: impl Into<String>, kind: ColumnKind) -> Self {
        Self { name: name.into(), kind, role: Role::Label }
    }

    /// A column that is only carried along.
    pub fn kept(name: impl Into<String>, kind: ColumnKind) -> Self {
        Self { name: name.into(), kind, role: Role::Kept }
    }
}

impl Schema {
    /// The position of the first column read for `role`.
    #[must_use]
    pub fn role(&self, role: Role) -> Option<usize> {
        self.columns.iter().position(|column| column.role == role)
    }

    /// The position of the column called `name`.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// As [`Schema::position`], for a column that has to be in `origin`.
    ///
    /// # Errors
    /// There is no such column; the error names those that there are.
    pub fn require(&self, origin: &str, name: &str) -> Result<usize> {
        let columns = || self.columns.iter().map(|column| column.name.clone()).collect();
        Ok(self.position(name).ok_or_else(|| TableError::unknown_column(origin, name, columns()))?)
    }
}
