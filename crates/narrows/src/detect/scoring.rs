//! Scores of rows, and the reasons of those that are alarms.

use std::collections::BTreeMap;

use narrows_core::Batch;
use narrows_data::{Any, Block, Portion, Subset, in_order};
use narrows_tensor::{Device, Tensor};

use super::attribution::{Attribution, attribute};
use super::reasons;
use super::rows::{Evidence, Overlapping};
use super::{Alarm, Detector};
use crate::batches::batch;
use crate::overlap::Overlap;
use crate::{Error, Model, Result};

/// Rows in one batch.
pub(super) const ROWS: usize = 4_096;

/// Why a row is an alarm: columns with their shares, and what was expected in each.
pub(super) type Why = Vec<(usize, f64, Option<String>)>;

/// A detector with what decides about alarms.
#[derive(Clone, Copy)]
pub(super) struct Scoring<'a> {
    pub(super) model: &'a Model,
    pub(super) detector: &'a Detector,
    pub(super) alarm: Option<Alarm>,
    pub(super) explain: bool,
}

impl Scoring<'_> {
    /// The score of every row that has one, and the reasons of those that may become alarms.
    pub(super) fn collect(
        &self,
        rows: &Subset<Any>,
        mut progress: impl FnMut(usize),
    ) -> Result<(BTreeMap<usize, f64>, BTreeMap<usize, Why>)> {
        let preparation = &self.model.preparation;
        let layout = preparation.layout();
        let (mut scores, mut whys) = (BTreeMap::new(), BTreeMap::new());
        let mut overlapping = Overlapping::new(self.detector);
        let mut expected = (self.explain && layout.steps > 1).then(|| Overlap::new(layout));
        let mut known: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        let portions = in_order(rows, preparation, ROWS)?;
        if portions.samples() == 0 {
            let window = preparation.window().map_or(1, narrows_data::Window::length);
            return Err(Error::FewerThanWindow { origin: rows.source().origin().into(), rows: rows.rows(), window });
        }
        for portion in portions {
            let Portion { rows, numbers, .. } = portion?;
            let samples = numbers.len();
            let batch = batch(rows, &layout.dims)?;
            let evidence = self.detector.evidence(self.model.network.as_ref(), &batch)?;
            if let Some(expected) = &mut expected {
                let features = crate::transform::flat(&self.model.network.reconstruct(&batch.x)?)?;
                let (features, of) = expected.add(&features, &numbers);
                known.extend(of.into_iter().zip(features.chunks_exact(layout.row_width()).map(<[f32]>::to_vec)));
            }
            let (numbers, evidence) = overlapping.add(evidence, numbers);
            let raised = self.take(&numbers, &evidence, &mut scores);
            if self.explain && layout.steps == 1 {
                let places: Vec<usize> = raised.iter().map(|(row, _)| *row).collect();
                whys.extend(self.whys(&batch, &places)?.into_iter().map(|(row, why)| (numbers[row], why)));
            } else if self.explain {
                self.whys_of_rows(&raised, &evidence, &mut known, &mut whys)?;
            }
            progress(samples);
        }
        let (numbers, evidence) = overlapping.finish();
        let raised = self.take(&numbers, &evidence, &mut scores);
        if let Some((features, of)) = expected.map(Overlap::finish) {
            known.extend(of.into_iter().zip(features.chunks_exact(layout.row_width()).map(<[f32]>::to_vec)));
            self.whys_of_rows(&raised, &evidence, &mut known, &mut whys)?;
        }
        Ok((scores, whys))
    }

    /// Stores scores; returns places and numbers of rows that may become alarms.
    fn take(&self, numbers: &[usize], evidence: &Evidence, scores: &mut BTreeMap<usize, f64>) -> Vec<(usize, usize)> {
        let mut raised = Vec::new();
        for (row, &number) in numbers.iter().enumerate() {
            let score = self.detector.score(&evidence.row(row));
            scores.insert(number, score);
            if self.raised(score) {
                raised.push((row, number));
            }
        }
        raised
    }

    /// Whether a score is an alarm, or may become one.
    pub(super) fn raised(&self, score: f64) -> bool {
        match self.alarm {
            Some(Alarm::Batch(share)) => {
                let calibration = self.detector.record.calibration.as_ref();
                calibration.is_some_and(|calibration| calibration.scores.p_value(score) <= share)
            }
            Some(alarm) => alarm.raised(score, f64::NAN, None),
            None => false,
        }
    }

    /// The reasons of rows that are samples of their own.
    pub(super) fn whys(&self, batch: &Batch, rows: &[usize]) -> Result<BTreeMap<usize, Why>> {
        if rows.is_empty() {
            return Ok(BTreeMap::new());
        }
        let places: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        let places = Tensor::new(places, &Device::Cpu).map_err(narrows_tensor::Error::from)?;
        let chosen = |x: &Tensor| x.index_select(&places, 0).map_err(narrows_tensor::Error::from);
        let observed = batch.observed.as_ref().map(chosen).transpose()?;
        let alarms = Batch { observed, ..Batch::new(chosen(&batch.x)?) };
        let attributions = attribute(self.detector, self.model.network.as_ref(), &alarms)?;
        let (schema, names) = (self.model.preparation.output_schema(), self.detector.columns());
        let mut whys = BTreeMap::new();
        for (row, attributions) in rows.iter().zip(attributions) {
            let mut why = Vec::with_capacity(attributions.len());
            for Attribution { column, share, expected } in attributions {
                let expected = self.model.preparation.invert(&expected)?;
                why.push((column, share, reasons::text(&schema, &expected, 0, &names[column], column)));
            }
            whys.insert(*row, why);
        }
        Ok(whys)
    }

    /// The reasons of rows that windows were scored back onto.
    fn whys_of_rows(
        &self,
        raised: &[(usize, usize)],
        evidence: &Evidence,
        known: &mut BTreeMap<usize, Vec<f32>>,
        whys: &mut BTreeMap<usize, Why>,
    ) -> Result<()> {
        for (row, number) in raised {
            if let Some(features) = known.get(number) {
                let expected = self.model.preparation.invert(features)?;
                whys.insert(*number, self.why(&evidence.row(*row), &expected, 0));
            }
        }
        if let Some((_, last)) = raised.last() {
            *known = known.split_off(last);
        }
        Ok(())
    }

    fn why(&self, evidence: &[&[f64]], expected: &Block, row: usize) -> Why {
        let schema = self.model.preparation.output_schema();
        let shares = self.detector.contributions(evidence);
        let names = self.detector.columns();
        let each = |(column, share): (usize, f64)| {
            (column, share, reasons::text(&schema, expected, row, &names[column], column))
        };
        reasons::strongest(&shares, reasons::REASONS).into_iter().map(each).collect()
    }
}
