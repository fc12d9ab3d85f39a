//! Samples beside their reconstructions, as pictures, as rows of a table or as windows of a series.

use serde::{Deserialize, Serialize};

/// Chosen samples beside what the model makes of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reconstructions {
    /// Pictures.
    Pictures {
        /// What the samples' errors are.
        metric: String,
        /// In the order of drawing within each rank.
        examples: Vec<Example<Picture>>,
    },
    /// Rows of a table.
    Rows {
        /// What the samples' errors are.
        metric: String,
        /// Names of the cells of every example.
        columns: Vec<String>,
        /// In the order of drawing within each rank.
        examples: Vec<Example<Vec<Cell>>>,
    },
    /// Windows of one or several series.
    Windows {
        /// What the samples' errors are.
        metric: String,
        /// Names of the series.
        channels: Vec<String>,
        /// `[channel][time]`, in the order of drawing within each rank.
        examples: Vec<Example<Vec<Vec<f64>>>>,
    },
}

/// One sample beside its reconstruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example<T> {
    /// Its place among all held-out samples.
    pub rank: Rank,
    /// Which sample it is, e.g. `row 1,204` or a file name.
    pub name: String,
    /// Its error.
    pub error: f64,
    /// The sample itself.
    pub observed: T,
    /// The model's reconstruction of it.
    pub reconstructed: T,
    /// The baseline's reconstruction of it.
    #[serde(default = "none")]
    pub baseline: Option<T>,
}

/// Where an [`Example`] stands when samples are ordered by their error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rank {
    /// Among the largest errors.
    Worst,
    /// Around the median.
    Median,
    /// Among the smallest errors.
    Best,
}

/// A picture, stored channels last: `pixels[(row * width + column) * channels + channel]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Intensities in 0..=1; whatever lies outside is clamped.
    pub pixels: Vec<f32>,
}

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// A number in the column's own unit.
    Number(f64),
    /// A category, a boolean or a time, as it reads in the file.
    Text(String),
    /// No value.
    Missing,
}

/// `Option`'s own default asks for `T: Default`.
fn none<T>() -> Option<T> {
    None
}
