//! From raw values to features and back, fitted on training rows only.
//!
//! What happens to a value at use time:
//!
//! | column | value | features | observed |
//! |---|---|---|---|
//! | number | present | scaled; linear within 5 units (as `tails` says), logarithmic beyond | 1 |
//! | number | missing | that of the training mean; indicator 1 if training had missing cells | 0; indicator 1 |
//! | number | infinite | error naming row and column | |
//! | boolean | present | 0 or 1 | 1 |
//! | boolean | missing | the training mean; indicator as for numbers | 0; indicator 1 |
//! | category | known level | 1 for the level, 0 for the others | 1 |
//! | category | unseen level, `<other>` exists | 1 for `<other>` | 1 |
//! | category | unseen level, no `<other>` | all 0 | 0 |
//! | category | missing, seen in training | 1 for the level of missing | 1 |
//! | category | missing, never in training | all 0 | 0 |
//! | time, text, label, carried column | any | none | |
//! | array | NaN | 0 (the training mean) | 0 |
//! | image | any | itself, in 0..=1 | 1 |
//!
//! Columns are matched by name; more columns than in training are ignored, a missing one is an error. Back in the
//! data's units a category is its largest feature, a boolean is true from 0.5, a number never comes back missing.

mod array;
mod condition;
mod config;
mod encoder;
mod layout;
mod mass;
mod note;
mod notices;
mod number;
mod plan;
mod rows;
mod statistics;
pub(crate) mod sweep;
mod table;

use serde::{Deserialize, Serialize};

pub use condition::{Condition, Given};
pub use config::{ArrayScaling, MaxLevels, NumberScaling, PrepareConfig, Tails, Window};
pub use encoder::Encoder;
pub use layout::{Family, Field, Layout, Reals};
pub use mass::Masses;
pub use note::{Note, Remark};
pub use notices::{Notices, Unseen};
pub use rows::Rows;
pub use table::OTHER;

use crate::keyed::{Stream, derive, mix};
use crate::schema::Role;
use crate::{Block, ColumnData, ColumnKind, Error, Result, Sample, Schema, Subset, Train};
use array::ArrayScale;
use notices::Watched;
use plan::Plan;
use statistics::{Levels, Numbers, Statistics};
use sweep::sweep;
use table::TableColumn;

/// How raw values become features and features become values: fitted once, stored in the model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    schema: Schema,
    transform: Transform,
    layout: Layout,
    window: Option<Window>,
    rows: usize,
    notes: Vec<Note>,
    /// Columns of which training knew one value or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    watched: Vec<Watched>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    condition: Option<Condition>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Transform {
    Table(Vec<TableColumn>),
    Array(ArrayScale),
}

impl Preparation {
    /// Fits on the training rows in one pass that holds a few blocks and, of each numeric column, a sample.
    ///
    /// # Errors
    /// The source cannot be read, holds an infinite value, has fewer than two training rows (or rows than a window is
    /// long), or no column that varies.
    pub fn fit(subset: &Subset<Train>, config: &PrepareConfig) -> Result<Self> {
        let needed = config.window.map_or(2, |window| window.length().max(2));
        subset.require(needed, "fitting the preparation", "collect more rows, or use a shorter window")?;
        let schema = subset.source().schema().clone();
        let mut watched = Vec::new();
        let (transform, mut layout, notes) = match &schema.sample {
            Sample::Table => fit_table(subset, config, &mut watched)?,
            Sample::Array { dims } => {
                let (scale, weights) = ArrayScale::fit(subset, config.arrays, config.tails)?;
                let layout = array_layout(dims.clone(), weights, scale.reals());
                (Transform::Array(scale), layout, Vec::new())
            }
            Sample::Image { height, width, channels } => {
                let weights = vec![1.0; height * width * channels];
                let fields = vec![Field { name: "pixels".into(), range: 0..weights.len(), family: Family::Gaussian }];
                let dims = vec![*height, *width, *channels];
                let layout = Layout { dims, steps: 1, fields, weights, unit_interval: true, reals: Reals::Any };
                (Transform::Array(ArrayScale::identity()), layout, Vec::new())
            }
        };
        if let Some(window) = config.window {
            layout.dims = vec![window.length(), layout.row_width()];
            layout.steps = window.length();
        }
        let (rows, condition) = (subset.rows(), None);
        Ok(Self { schema, transform, layout, window: config.window, rows, notes, watched, condition })
    }

    /// The same, with the label column of the training rows as a condition; without one where there is no such column.
    ///
    /// # Errors
    /// The label has too many values or none, rows form windows, or the source cannot be read.
    pub fn with_condition(self, subset: &Subset<Train>, config: &PrepareConfig) -> Result<Self> {
        let schema = subset.source().schema();
        let Some(place) = schema.role(Role::Label) else { return Ok(self) };
        if let Some(window) = self.window {
            let value = window.length().to_string();
            let expected =
                "no windows: their rows may have different labels, so a window has no condition; leave --window out";
            return Err(Error::Setting { name: "window", value, expected });
        }
        let statistics = gather(subset, &[place])?.pop().unwrap_or(Statistics::Skipped);
        let origin = subset.source().origin();
        let condition = Condition::fit(&schema.columns[place], statistics, config, origin)?;
        Ok(Self { condition: Some(condition), ..self })
    }

    /// What samples are known to be before they are looked at, if anything.
    #[must_use]
    pub const fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// What the features mean.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The schema of the data that it was fitted on; what files at use time are opened with.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The rows that form one sample, if several do.
    #[must_use]
    pub const fn window(&self) -> Option<Window> {
        self.window
    }

    /// The number of rows that it was fitted on.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// What was decided about single columns: which were left out and why, which were scaled specially.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Columns that are no features because training knew one value of them or none, each with that value as text.
    pub fn watched(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.watched.iter().map(|column| (column.name.as_str(), column.text()))
    }

    /// The schema of what [`Self::invert`] gives: the columns that are features, in file order.
    #[must_use]
    pub fn output_schema(&self) -> Schema {
        let columns = match &self.transform {
            Transform::Table(columns) => columns.iter().map(TableColumn::column).collect(),
            Transform::Array(_) => Vec::new(),
        };
        Schema { sample: self.schema.sample.clone(), columns }
    }

    /// Values in the data's units from features `[rows, row_width]`; a window gives as many rows as it is long.
    ///
    /// # Errors
    /// [`Error::FeatureCount`] when `features` is no whole number of rows.
    pub fn invert(&self, features: &[f32]) -> Result<Block> {
        let width = self.layout.row_width();
        if width == 0 || !features.len().is_multiple_of(width) {
            return Err(Error::FeatureCount { found: features.len(), expected: width });
        }
        let rows = features.len() / width;
        match &self.transform {
            Transform::Array(scale) => Ok(Block { rows, dense: scale.invert(features, width), columns: Vec::new() }),
            Transform::Table(columns) => {
                let mut at = 0;
                let columns = columns.iter().map(|column| {
                    let start = at;
                    at += column.code.width();
                    column.invert(features, start, width)
                });
                Ok(Block { rows, dense: Vec::new(), columns: columns.collect() })
            }
        }
    }

    /// Whether training rows hold one number in so many rows that draws would lack it.
    #[must_use]
    pub fn has_masses(&self) -> bool {
        matches!(&self.transform, Transform::Table(columns) if columns.iter().any(|column| column.mass.is_some()))
    }

    /// Which numbers stand for a value that many training rows share, by features that were drawn as those to come.
    ///
    /// # Errors
    /// As [`Self::invert`].
    pub fn masses(&self, drawn: &[f32]) -> Result<Masses> {
        let Transform::Table(columns) = &self.transform else { return Ok(Masses::default()) };
        let block = self.invert(drawn)?;
        let band = |(column, values): (&TableColumn, ColumnData)| match (column.mass, values) {
            (Some(mass), ColumnData::Numbers(values)) => Some(mass.band(values)),
            _ => None,
        };
        Ok(Masses(columns.iter().zip(block.columns).map(band).collect()))
    }

    /// What [`Self::invert`] gives of features that were drawn or denoised: where the numbers of training rows
    /// were whole these are too, and within their range; and numbers that stand for a value of `masses` are that value.
    ///
    /// # Errors
    /// As [`Self::invert`].
    pub fn drawn(&self, features: &[f32], masses: &Masses) -> Result<Block> {
        let mut block = self.invert(features)?;
        masses.settle(&mut block.columns);
        if let Transform::Table(columns) = &self.transform {
            for (column, values) in columns.iter().zip(&mut block.columns) {
                column.settle(values);
            }
        }
        Ok(block)
    }
}

fn array_layout(dims: Vec<usize>, weights: Vec<f32>, reals: Reals) -> Layout {
    let width = weights.len();
    let fields = if dims.len() == 1 && width <= 256 {
        (0..width).map(|at| Field { name: format!("c{at}"), range: at..at + 1, family: Family::Gaussian }).collect()
    } else {
        vec![Field { name: "values".into(), range: 0..width, family: Family::Gaussian }]
    };
    Layout { dims, steps: 1, fields, weights, unit_interval: reals == Reals::UnitInterval, reals }
}

fn fit_table(
    subset: &Subset<Train>,
    config: &PrepareConfig,
    watched: &mut Vec<Watched>,
) -> Result<(Transform, Layout, Vec<Note>)> {
    let schema = subset.source().schema();
    let features: Vec<usize> =
        (0..schema.columns.len()).filter(|&place| schema.columns[place].role == Role::Feature).collect();
    let statistics = gather(subset, &features)?;
    let (mut columns, mut fields, mut weights, mut notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (&place, statistics) in features.iter().zip(statistics) {
        let column = &schema.columns[place];
        let plan = Plan::of(column, statistics, config);
        watched.extend(plan.held.map(|held| Watched { name: column.name.clone(), kind: column.kind, held }));
        notes.extend(plan.remark.map(|remark| Note { column: column.name.clone(), remark }));
        if let Some(column) = plan.column {
            fields.extend(plan::fields(&column, weights.len()));
            weights.extend(plan.weights);
            columns.push(column);
        }
    }
    if columns.is_empty() {
        let reasons: Vec<String> = notes.iter().map(ToString::to_string).collect();
        let reasons = if reasons.is_empty() { "none was selected".into() } else { reasons.join("; ") };
        return Err(Error::NoFeatures { origin: subset.source().origin().to_owned(), reasons });
    }
    let reals = config.numbers.reals();
    let layout = Layout { dims: vec![weights.len()], steps: 1, fields, weights, unit_interval: false, reals };
    Ok((Transform::Table(columns), layout, notes))
}

/// The statistics of the columns at the places `features`.
fn gather(subset: &Subset<Train>, features: &[usize]) -> Result<Vec<Statistics>> {
    /// Rows, and values of all columns together, that are kept for quantiles.
    const SAMPLE: (usize, usize) = (1 << 16, 1 << 23);
    let source = subset.source();
    let kept = SAMPLE.0.min(SAMPLE.1 / features.len().max(1));
    let key = derive(0, Stream::Sample, 0);
    let share = kept as f64 / subset.rows() as f64;
    let sampled = |row: usize| share >= 1.0 || (mix(key ^ row as u64) as f64) < share * 2.0_f64.powi(64);
    let mut total: Vec<Statistics> = Vec::new();
    sweep(
        subset,
        |block, places, first_row| {
            let sample: Vec<usize> = places.iter().copied().filter(|place| sampled(first_row + place)).collect();
            let of = |&place: &usize| match (source.schema().columns[place].kind, block.columns.get(place)) {
                (ColumnKind::Number | ColumnKind::Boolean, Some(ColumnData::Numbers(values))) => {
                    if let Some(place_in_block) = values.iter().position(|value| value.is_infinite()) {
                        let column = format!("`{}`", source.schema().columns[place].name);
                        let (origin, row) = (source.origin().to_owned(), first_row + place_in_block);
                        return Err(Error::Infinite { origin, row, column });
                    }
                    Ok(Statistics::Numbers(Numbers::of(values, places, &sample)))
                }
                (ColumnKind::Category, Some(ColumnData::Texts(texts))) => {
                    Ok(Statistics::Levels(Levels::of(texts, places)))
                }
                _ => Ok(Statistics::Skipped),
            };
            features.iter().map(of).collect::<Result<Vec<_>>>()
        },
        |statistics| {
            if total.is_empty() {
                total = statistics;
            } else {
                total.iter_mut().zip(statistics).for_each(|(total, other)| total.merge(other));
            }
        },
    )?;
    Ok(total)
}
