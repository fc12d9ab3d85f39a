//! A preparation bound to the columns of one source.

use std::sync::Arc;

use super::table::{At, Target};
use super::{Notices, Preparation, Rows, Transform};
use crate::{Block, Error, Result, Sample, Schema, Source};

/// A [`Preparation`] that knows where the columns of one source are.
#[derive(Clone, Debug)]
pub struct Encoder {
    preparation: Arc<Preparation>,
    origin: Arc<str>,
    places: Vec<usize>,
    watched: Vec<Option<usize>>,
    condition: Option<usize>,
}

impl Encoder {
    /// Finds the preparation's columns in `source` by name.
    ///
    /// # Errors
    /// A column is missing (the nearest name is given) or of another kind, or samples have another shape.
    pub fn new(preparation: Arc<Preparation>, source: &dyn Source) -> Result<Self> {
        let (schema, origin) = (source.schema(), source.origin());
        let places = match &preparation.transform {
            Transform::Table(columns) if schema.sample.is_table() => {
                columns.iter().map(|column| column.place(schema, origin)).collect::<Result<_>>()?
            }
            Transform::Array(_) if schema.sample == preparation.schema.sample => Vec::new(),
            _ => return Err(mismatch(schema, &preparation.schema, origin)),
        };
        let sound = match &preparation.transform {
            Transform::Table(columns) => {
                let width: usize = columns.iter().map(|column| column.code.width()).sum();
                width == preparation.layout.row_width() && columns.iter().all(|column| column.code.is_sound())
            }
            Transform::Array(scale) => {
                let width = preparation.layout.row_width();
                scale.is_sound(width) && preparation.schema.sample.width() == Some(width)
            }
        };
        if !sound || preparation.layout.steps != preparation.window.map_or(1, super::Window::length) {
            return Err(mismatch(schema, &preparation.schema, origin));
        }
        let condition = preparation.condition().map(|condition| condition.place(schema, origin)).transpose()?;
        let watched = preparation.watched.iter().map(|column| column.place(schema)).collect();
        Ok(Self { preparation, origin: origin.into(), places, watched, condition })
    }

    /// The preparation.
    #[must_use]
    pub const fn preparation(&self) -> &Arc<Preparation> {
        &self.preparation
    }

    /// The features `[rows, row_width]` of the rows of a block, whose first is row `first_row` of the source (for
    /// messages). Windows are not formed here.
    ///
    /// # Errors
    /// [`Error::Infinite`] with row and column; a block of another source.
    pub fn apply(&self, block: &Block, first_row: usize) -> Result<Rows> {
        let rows = self.features(block, first_row)?;
        let condition = self.preparation.condition().zip(self.condition);
        let read = condition
            .and_then(|(condition, place)| Some(condition.features(&condition.read(block.columns.get(place)?))));
        Ok(Rows { condition: read, ..rows })
    }

    /// What is remarkable about the rows of a block, which are the rows `numbers` of the source.
    pub(crate) fn notices(&self, block: &Block, numbers: &[usize]) -> Notices {
        match &self.preparation.transform {
            Transform::Array(scale) => Notices::of_array(block, numbers, scale, &self.preparation.layout),
            Transform::Table(columns) => {
                let columns = columns.iter().zip(self.places.iter().copied());
                let watched = self.preparation.watched.iter().zip(self.watched.iter().copied());
                Notices::of_table(block, numbers, columns, watched)
            }
        }
    }

    fn features(&self, block: &Block, first_row: usize) -> Result<Rows> {
        let width = self.preparation.layout.row_width();
        match &self.preparation.transform {
            Transform::Array(_) if block.dense.len() != block.rows * width => {
                Err(Error::FeatureCount { found: block.dense.len(), expected: width })
            }
            Transform::Array(scale) => scale.apply(&block.dense, width, &self.origin, first_row),
            Transform::Table(columns) => {
                let mut features = vec![0.0; block.rows * width];
                let mut observed = None;
                let mut at = 0;
                for (column, place) in columns.iter().zip(&self.places) {
                    let values = block.columns.get(*place).filter(|values| values.len() == block.rows);
                    let Some(values) = values else {
                        return Err(Error::FeatureCount { found: block.columns.len(), expected: self.places.len() });
                    };
                    let mut target = Target { features: &mut features, observed: &mut observed, at, width };
                    column.apply(values, &mut target, At { origin: &self.origin, first_row })?;
                    at += column.code.width();
                }
                Ok(Rows { rows: block.rows, width, features, observed, condition: None })
            }
        }
    }
}

fn mismatch(found: &Schema, expected: &Schema, origin: &str) -> Error {
    Error::SampleMismatch {
        origin: origin.to_owned(),
        found: describe(&found.sample),
        expected: describe(&expected.sample),
    }
}

fn describe(sample: &Sample) -> String {
    match sample {
        Sample::Table => "a table of named columns".into(),
        Sample::Array { dims } => format!("arrays of shape {dims:?}"),
        Sample::Image { height, width, channels } => {
            format!("images of {height} x {width} pixels, {channels} channel{}", if *channels == 1 { "" } else { "s" })
        }
    }
}
