//! What one run has to show: plain figures, no tensor and no drawing. Every empty section is left out of the page.

use serde::{Deserialize, Serialize};

use crate::Reconstructions;

/// One run's figures, in the order in which the page shows them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Report {
    /// The page's heading, and the run's name where several stand side by side.
    pub title: String,
    /// One sentence below the heading: what was trained on which data.
    pub subtitle: String,
    /// The model's name in legends and table headers, e.g. `ae`.
    pub model: String,
    /// The name of what it is compared with, e.g. `PCA`.
    pub baseline: String,
    /// What a reader must know before trusting the figures.
    pub warnings: Vec<String>,
    /// The run's headline figures.
    pub summary: Vec<Card>,
    /// The model beside the baseline, metric by metric.
    pub comparison: Option<Comparison>,
    /// Losses and learning rate over the steps.
    pub training: Option<Training>,
    /// Samples beside what the model makes of them: worst, median and best.
    pub reconstructions: Option<Reconstructions>,
    /// Maps of the codes in two dimensions, e.g. by PCA and by t-SNE.
    pub code_maps: Vec<CodeMap>,
    /// How the error is spread over held-out samples.
    pub errors: Option<ErrorDistribution>,
    /// The error of each column of a table.
    pub column_errors: Option<ColumnErrors>,
    /// Remarks that explain the figures.
    pub notes: Vec<String>,
    /// The resolved configuration as TOML.
    pub config: String,
    /// Names and values: version, seed, threads, machine, time taken.
    pub environment: Vec<(String, String)>,
}

/// One headline figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Card {
    /// What the figure is.
    pub label: String,
    /// The figure, already formatted.
    pub value: String,
    /// Its unit, empty if it has none.
    pub unit: String,
    /// A few words of context below it, e.g. `PCA: 13.87`.
    pub note: String,
}

/// Several methods measured by several metrics: metrics are rows, methods are columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Comparison {
    /// What was measured, e.g. `10,000 held-out images, code size 30`.
    pub caption: String,
    /// Column headings, e.g. `ae`, `PCA`.
    pub methods: Vec<String>,
    /// One row a metric.
    pub metrics: Vec<Metric>,
}

/// One metric of every method in a [`Comparison`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Name with its reduction, e.g. `squared error per sample`.
    pub name: String,
    /// Unit, empty if it has none.
    #[serde(default)]
    pub unit: String,
    /// Which direction is better; the best value of the row is marked.
    pub better: Better,
    /// One value a method; `None` where the metric does not apply.
    pub values: Vec<Option<f64>>,
}

/// The direction in which a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Errors, sizes, times.
    Lower,
    /// Explained variance, PSNR.
    Higher,
    /// A property that is neither good nor bad, e.g. the number of parameters.
    Neither,
}

/// The course of training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// What the loss is, with its reduction and unit: the label of the vertical axis.
    pub loss: String,
    /// Logged steps in ascending order.
    pub points: Vec<TrainingPoint>,
    /// The step whose parameters were kept, marked in the chart.
    pub best_step: Option<u64>,
}

/// What was logged at one step; whatever was not measured there is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingPoint {
    /// Number of optimizer steps taken.
    pub step: u64,
    /// Loss on the training batches.
    pub train: Option<f64>,
    /// Loss on the validation split.
    pub validation: Option<f64>,
    /// Learning rate.
    pub rate: Option<f64>,
}

/// The codes of held-out samples, projected to the plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeMap {
    /// How the codes were projected, e.g. `PCA of the codes` or `t-SNE, perplexity 30`.
    pub title: String,
    /// Label of the horizontal axis; empty for a projection whose axes mean nothing.
    pub x_label: String,
    /// Label of the vertical axis.
    pub y_label: String,
    /// One point a sample.
    pub points: Vec<[f64; 2]>,
    /// What the points are coloured by.
    pub color: Coloring,
}

/// What tells the points of a [`CodeMap`] apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Coloring {
    /// Nothing: all points look alike.
    #[default]
    None,
    /// A class for every point, as an index into `levels`.
    Classes {
        /// What the classes are, e.g. the label column's name.
        name: String,
        /// Their names.
        levels: Vec<String>,
        /// One index a point.
        of: Vec<usize>,
    },
    /// A number for every point.
    Values {
        /// What the numbers are, with their unit.
        name: String,
        /// One number a point.
        of: Vec<f64>,
    },
}

/// One error a held-out sample, for the model and for the baseline. The page bins them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorDistribution {
    /// What the error is, with its reduction and unit: the label of the horizontal axis.
    pub metric: String,
    /// The model's errors.
    pub model: Vec<f64>,
    /// The baseline's errors; empty if there is none.
    pub baseline: Vec<f64>,
}

/// The error of each column of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnErrors {
    /// What the error is, with its reduction and unit.
    pub metric: String,
    /// One entry a column, in any order: the page sorts by the model's error.
    pub columns: Vec<ColumnError>,
}

/// The error of one column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnError {
    /// The column's name.
    pub name: String,
    /// The model's error.
    pub model: f64,
    /// The baseline's error, if there is a baseline.
    pub baseline: Option<f64>,
}
