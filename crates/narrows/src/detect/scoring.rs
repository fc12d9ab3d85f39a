//! Scores of rows, and the reasons of those that are alarms.

use std::collections::BTreeMap;

use narrows_core::Batch;
use narrows_data::{Any, Block, Portion, Restart, Subset, in_order};
use narrows_tensor::{Device, Tensor};

use super::attribution::{Attribution, attribute};
use super::reasons;
use super::remarkable::Remarkable;
use super::rows::{Evidence, Overlapping};
use super::{Alarm, Detector};
use crate::batches::batch;
use crate::overlap::Overlap;
use crate::{Model, Result};

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

/// What is known of the rows of a file.
pub(super) struct Collected<'a> {
    /// The score of every row that has one.
    pub(super) scores: BTreeMap<usize, f64>,
    /// The reasons of those that may become alarms.
    pub(super) whys: BTreeMap<usize, Why>,
    pub(super) remarkable: Remarkable<'a>,
    /// Where windows end because time goes backwards.
    pub(super) restarts: Vec<Restart>,
}

impl<'a> Scoring<'a> {
    /// Scores all rows.
    pub(super) fn collect(&self, rows: &Subset<Any>, mut progress: impl FnMut(usize)) -> Result<Collected<'a>> {
        let preparation = &self.model.preparation;
        let layout = preparation.layout();
        let (mut scores, mut whys) = (BTreeMap::new(), BTreeMap::new());
        let mut overlapping = Overlapping::new(self.detector);
        let mut expected = (self.explain && layout.steps > 1).then(|| Overlap::new(layout));
        let mut known: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        let mut remarkable = Remarkable::new(self.detector);
        let portions = in_order(rows, preparation, ROWS)?.with_notices();
        let restarts = portions.restarts().to_vec();
        for portion in portions {
            let Portion { rows, numbers, notices, .. } = portion?;
            remarkable.add(notices);
            let samples = numbers.len();
            let batch = batch(rows, &layout.dims)?;
            let evidence = self.detector.evidence(self.model.network.as_ref(), &batch)?;
            if let Some(expected) = &mut expected {
                let features = crate::transform::flat(&self.model.network.reconstruct(&batch.x)?)?;
                let (features, of) = expected.add(&features, &numbers);
                known.extend(of.into_iter().zip(features.chunks_exact(layout.row_width()).map(<[f32]>::to_vec)));
            }
            let (numbers, evidence) = overlapping.add(evidence, numbers);
            let raised = self.take(&numbers, &evidence, &remarkable, &mut scores);
            if self.explain && layout.steps == 1 {
                whys.extend(self.whys(&batch, &raised, &evidence, &remarkable)?);
            } else if self.explain {
                self.whys_of_rows(&raised, &evidence, &remarkable, &mut known, &mut whys)?;
            }
            progress(samples);
        }
        let (numbers, evidence) = overlapping.finish();
        let raised = self.take(&numbers, &evidence, &remarkable, &mut scores);
        if let Some((features, of)) = expected.map(Overlap::finish) {
            known.extend(of.into_iter().zip(features.chunks_exact(layout.row_width()).map(<[f32]>::to_vec)));
            self.whys_of_rows(&raised, &evidence, &remarkable, &mut known, &mut whys)?;
        }
        Ok(Collected { scores, whys, remarkable, restarts })
    }

    /// Stores scores; returns places and numbers of rows that may become alarms.
    fn take(
        &self,
        numbers: &[usize],
        evidence: &Evidence,
        remarkable: &Remarkable<'_>,
        scores: &mut BTreeMap<usize, f64>,
    ) -> Vec<(usize, usize)> {
        let mut raised = Vec::new();
        for (row, &number) in numbers.iter().enumerate().filter(|(_, number)| !remarkable.blank().contains(number)) {
            let score = remarkable.score(number, self.detector.score(&evidence.row(row)));
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

    /// The reasons of rows that are samples of their own, given by their places in the batch and their numbers.
    pub(super) fn whys(
        &self,
        batch: &Batch,
        raised: &[(usize, usize)],
        evidence: &Evidence,
        remarkable: &Remarkable<'_>,
    ) -> Result<BTreeMap<usize, Why>> {
        if raised.is_empty() {
            return Ok(BTreeMap::new());
        }
        let places: Vec<u32> = raised.iter().map(|(row, _)| *row as u32).collect();
        let places = Tensor::new(places, &Device::Cpu).map_err(narrows_tensor::Error::from)?;
        let chosen = |x: &Tensor| x.index_select(&places, 0).map_err(narrows_tensor::Error::from);
        let observed = batch.observed.as_ref().map(chosen).transpose()?;
        let alarms = Batch { observed, ..Batch::new(chosen(&batch.x)?) };
        let attributions = attribute(self.detector, self.model.network.as_ref(), &alarms)?;
        let (schema, names) = (self.model.preparation.output_schema(), self.detector.columns());
        let unseen = raised.iter().any(|(_, number)| !remarkable.unseen(*number).is_empty());
        let whole =
            if unseen { crate::transform::flat(&self.model.network.reconstruct(&alarms.x)?)? } else { Vec::new() };
        let whole = self.model.preparation.invert(&whole)?;
        let mut whys = BTreeMap::new();
        for (at, ((row, number), attributions)) in raised.iter().zip(attributions).enumerate() {
            let mut why = Vec::with_capacity(attributions.len());
            for Attribution { column, share, expected } in attributions {
                let expected = self.model.preparation.invert(&expected)?;
                why.push((column, share, reasons::text(&schema, &expected, 0, &names[column], column)));
            }
            let base = self.detector.score(&evidence.row(*row));
            whys.insert(*number, self.with_unseen(why, base, remarkable.unseen(*number), &whole, at));
        }
        Ok(whys)
    }

    /// Reasons of a row with those of its unseen values, which come with a share each; `expected` holds the reconstruction
    /// of the row in row `at`.
    fn with_unseen(&self, mut why: Why, base: f64, unseen: &[usize], expected: &Block, at: usize) -> Why {
        if unseen.is_empty() {
            return why;
        }
        let schema = self.model.preparation.output_schema();
        let each = self.detector.record.unseen;
        let total = base + each * unseen.len() as f64;
        for (_, share, _) in &mut why {
            *share *= base / total;
        }
        why.retain(|(column, ..)| !unseen.contains(column));
        for &column in unseen {
            let name = self.detector.name(column);
            let usual = || reasons::text(&schema, expected, at, name, column);
            why.push((column, each / total, self.detector.only_value(column).or_else(usual)));
        }
        why.sort_by(|a, b| b.1.total_cmp(&a.1));
        why.truncate(reasons::REASONS);
        why
    }

    /// The reasons of rows that windows were scored back onto.
    fn whys_of_rows(
        &self,
        raised: &[(usize, usize)],
        evidence: &Evidence,
        remarkable: &Remarkable<'_>,
        known: &mut BTreeMap<usize, Vec<f32>>,
        whys: &mut BTreeMap<usize, Why>,
    ) -> Result<()> {
        for (row, number) in raised {
            if let Some(features) = known.get(number) {
                let expected = self.model.preparation.invert(features)?;
                let (parts, unseen) = (evidence.row(*row), remarkable.unseen(*number));
                let why = self.why(&parts, &expected, 0);
                whys.insert(*number, self.with_unseen(why, self.detector.score(&parts), unseen, &expected, 0));
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
