//! Scores, p-values, alarms and reasons as columns.

use narrows_data::sink::Sink;
use narrows_data::{Block, Column, ColumnData, ColumnKind, Sample, Schema};
use rayon::prelude::*;

use super::overview::Picture;
use super::reasons::{self, Reason};
use super::scoring::Why;
use super::{Detected, Detector};
use crate::Result;
use crate::transform::Kept;

/// What is written of each row.
pub(super) fn columns(detector: &Detector, kept: &Kept, decides: bool, explain: bool) -> Schema {
    let mut columns = kept.columns();
    columns.push(Column::kept("score", ColumnKind::Number));
    if detector.record.calibration.is_some() {
        columns.push(Column::kept("p_value", ColumnKind::Number));
    }
    if decides {
        columns.push(Column::kept("anomaly", ColumnKind::Boolean));
    }
    if explain {
        columns.extend(reasons::schema());
    }
    Schema { sample: Sample::Table, columns }
}

/// Writes blocks of results.
pub(super) struct Writer<'a, S: Sink + ?Sized = dyn Sink> {
    pub(super) sink: Box<S>,
    detector: &'a Detector,
    schema: Schema,
    kept: Kept,
    decides: bool,
    explain: bool,
    pub(super) detected: Detected,
    pub(super) picture: Option<Picture>,
}

impl<'a, S: Sink + ?Sized> Writer<'a, S> {
    /// Writes rows of `schema` with the columns of [`columns`].
    pub(super) fn new(
        detector: &'a Detector,
        schema: &Schema,
        sink: Box<S>,
        kept: Kept,
        (decides, explain): (bool, bool),
    ) -> Self {
        let detected = Detected { alarms: decides.then_some(0), ..Detected::default() };
        let schema = schema.clone();
        Self { sink, detector, schema, kept, decides, explain, detected, picture: None }
    }

    /// Takes rows of another schema from here on, of which the same columns are kept.
    pub(super) fn take_rows_of(&mut self, schema: &Schema, kept: Kept) {
        self.schema = schema.clone();
        self.kept = kept;
    }

    pub(super) fn write<'w>(
        &mut self,
        block: Block,
        scores: &[f64],
        alarms: &[bool],
        why: impl Fn(usize) -> Option<&'w Why>,
    ) -> Result<()> {
        let reasons: Vec<Vec<Reason>> = if self.explain {
            let of = |row: usize| match why(row).filter(|_| alarms[row]) {
                Some(why) => why.iter().map(|reason| self.reason(&block, row, reason)).collect(),
                None => Vec::new(),
            };
            (0..scores.len()).map(of).collect()
        } else {
            Vec::new()
        };
        let mut columns = self.kept.take(Some(block), &[]);
        columns.push(ColumnData::Numbers(scores.to_vec()));
        if let Some(calibration) = &self.detector.record.calibration {
            let p_value = |score: &f64| if score.is_nan() { f64::NAN } else { calibration.scores.p_value(*score) };
            columns.push(ColumnData::Numbers(scores.par_iter().with_min_len(256).map(p_value).collect()));
        }
        if self.decides {
            let flag = |(alarm, score): (&bool, &f64)| {
                if score.is_nan() && !alarm { f64::NAN } else { f64::from(u8::from(*alarm)) }
            };
            columns.push(ColumnData::Numbers(alarms.iter().zip(scores).map(flag).collect()));
        }
        if self.explain {
            columns.extend(reasons::columns(&reasons));
        }
        if let Some(picture) = &mut self.picture {
            picture.add(scores, alarms);
        }
        self.detected.rows += scores.len();
        self.detected.unscored += scores.iter().filter(|score| score.is_nan()).count();
        let raised = alarms.iter().filter(|alarm| **alarm).count();
        self.detected.alarms = self.detected.alarms.map(|alarms| alarms + raised);
        Ok(self.sink.write(&Block { rows: scores.len(), dense: Vec::new(), columns })?)
    }

    fn reason(&self, block: &Block, row: usize, (column, share, expected): &(usize, f64, Option<String>)) -> Reason {
        let name = self.detector.name(*column);
        let observed = reasons::text(&self.schema, block, row, name, *column);
        Reason { column: name.to_owned(), share: *share, observed, expected: expected.clone() }
    }

    pub(super) fn finish(self, threshold: Option<f64>) -> Result<Detected> {
        self.sink.finish()?;
        self.picture.map_or(Ok(()), |picture| picture.finish(threshold))?;
        Ok(Detected { threshold, ..self.detected })
    }
}
