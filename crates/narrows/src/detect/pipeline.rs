//! From a file to a file of scores, p-values and alarms: as many rows out as in, in the same order.

use std::collections::BTreeMap;
use std::path::Path;

use narrows_core::Batch;
use narrows_data::sink::{self, Sink, SinkOptions};
use narrows_data::{Any, Block, Column, ColumnData, ColumnKind, Portion, Role, Sample, Schema, Subset, in_order};
use narrows_tensor::{Device, Tensor};
use serde::Serialize;

use super::attribution::{Attribution, attribute};
use super::reasons::{self, Reason};
use super::rows::{Evidence, Overlapping};
use super::{Alarm, Detector, Rule};
use crate::batches::batch;
use crate::overlap::Overlap;
use crate::transform::Kept;
use crate::{Error, Model, Result};

/// Rows in one batch.
const ROWS: usize = 4_096;

/// What is written, and where.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// A path whose extension says the format; `-` is standard output.
    pub path: &'a Path,
    /// Whether an existing file is replaced.
    pub force: bool,
    /// Columns of the input that are carried along.
    pub keep: &'a [String],
    /// What is an alarm; `None`: the usual rate, and no alarms where the model has no calibration.
    pub rule: Option<Rule>,
    /// Whether each alarm gets its reasons.
    pub explain: bool,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Detected {
    /// Rows written.
    pub rows: usize,
    /// Rows that have no score because no window holds them.
    pub unscored: usize,
    /// Alarms; `None` where nothing decides what is one.
    pub alarms: Option<usize>,
    /// The score above which, or from which on, a row is an alarm.
    pub threshold: Option<f64>,
}

/// Scores `rows` and writes `score`, `p_value`, `anomaly` and, if asked for, the reasons of each alarm.
///
/// # Errors
/// The rows cannot be read or do not fit the model, the rule needs a calibration that the model lacks, there are fewer
/// rows than a window, or the file cannot be written.
pub fn detect(
    model: &Model,
    rows: &Subset<Any>,
    options: Options<'_>,
    progress: impl FnMut(usize),
) -> Result<Detected> {
    let detector = model.detector.as_ref().ok_or(Error::NoDetector)?;
    let calibration = detector.record.calibration.as_ref();
    let alarm = match (options.rule, calibration) {
        (None, None) => None,
        (rule, calibration) => Some(rule.unwrap_or(Rule::Conformal(None)).ready(calibration)?),
    };
    let windowed = model.preparation.window().is_some();
    let mut keep = options.keep.to_vec();
    if windowed && let Some(time) = rows.source().schema().role(Role::Time) {
        let name = &rows.source().schema().columns[time].name;
        if !keep.contains(name) {
            keep.insert(0, name.clone());
        }
    }
    let kept = crate::transform::kept(rows.source().as_ref(), &keep, false)?;
    let writer = Writer::new(detector, rows, options, alarm.is_some(), kept)?;
    let run = Run { model, detector, alarm, explain: options.explain && alarm.is_some(), writer, progress };
    match alarm {
        Some(Alarm::Batch(share)) => run.in_two_passes(rows, Some(share)),
        _ if windowed => run.in_two_passes(rows, None),
        _ => run.streaming(rows),
    }
}

/// Why a row is an alarm: columns with their shares, and what was expected in each.
type Why = Vec<(usize, f64, Option<String>)>;

struct Run<'a, P> {
    model: &'a Model,
    detector: &'a Detector,
    alarm: Option<Alarm>,
    explain: bool,
    writer: Writer<'a>,
    progress: P,
}

impl<P: FnMut(usize)> Run<'_, P> {
    /// Scores and writes portion by portion.
    fn streaming(mut self, rows: &Subset<Any>) -> Result<Detected> {
        for portion in in_order(rows, &self.model.preparation, ROWS)?.with_values() {
            let Portion { rows, numbers, values } = portion?;
            let batch = batch(rows, &self.model.preparation.layout().dims)?;
            let evidence = self.detector.evidence(self.model.network.as_ref(), &batch)?;
            let scores: Vec<f64> = (0..numbers.len()).map(|row| self.detector.score(&evidence.row(row))).collect();
            let raised: Vec<usize> = (0..scores.len()).filter(|&row| self.raised(scores[row])).collect();
            let whys = if self.explain { self.whys(&batch, &raised)? } else { BTreeMap::new() };
            let block = values.unwrap_or_default();
            let alarms: Vec<bool> = (0..scores.len()).map(|row| raised.binary_search(&row).is_ok()).collect();
            self.writer.write(block, &scores, &alarms, |row| whys.get(&row))?;
            (self.progress)(numbers.len());
        }
        let threshold = self.alarm.and_then(Alarm::threshold);
        self.writer.finish(threshold)
    }

    /// Scores everything, then decides and writes: for windows, whose rows are scored by several of them, and for rules that
    /// look at a whole batch.
    fn in_two_passes(mut self, rows: &Subset<Any>, false_share: Option<f64>) -> Result<Detected> {
        let (scores, whys) = self.collect(rows)?;
        let conformal = self.detector.record.calibration.as_ref().map(|calibration| &calibration.scores);
        let limit = match (false_share, conformal) {
            (Some(share), Some(conformal)) => {
                let p_values: Vec<f64> = scores.values().map(|score| conformal.p_value(*score)).collect();
                narrows_eval::threshold::benjamini_hochberg(&p_values, share)?
            }
            _ => None,
        };
        let source = rows.source().clone();
        for (index, range) in source.blocks().iter().enumerate() {
            let places = rows.places(range.clone());
            if places.is_empty() {
                continue;
            }
            let block = source.read(index)?.select(&places);
            let numbers: Vec<usize> = places.iter().map(|place| range.start + place).collect();
            let of: Vec<f64> = numbers.iter().map(|number| scores.get(number).copied().unwrap_or(f64::NAN)).collect();
            let raised = |number: &usize| {
                let (alarm, score) = (self.alarm?, *scores.get(number)?);
                let p_value = conformal.map_or(f64::NAN, |conformal| conformal.p_value(score));
                Some(alarm.raised(score, p_value, limit))
            };
            let alarms: Vec<bool> = numbers.iter().map(|number| raised(number).unwrap_or(false)).collect();
            self.writer.write(block, &of, &alarms, |row| whys.get(&numbers[row]))?;
        }
        let threshold = self.alarm.and_then(Alarm::threshold);
        self.writer.finish(threshold)
    }

    /// The score of every row that has one, and the reasons of those that may become alarms.
    fn collect(&mut self, rows: &Subset<Any>) -> Result<(BTreeMap<usize, f64>, BTreeMap<usize, Why>)> {
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
            (self.progress)(samples);
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
    fn raised(&self, score: f64) -> bool {
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
    fn whys(&self, batch: &Batch, rows: &[usize]) -> Result<BTreeMap<usize, Why>> {
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

/// Writes blocks of results.
struct Writer<'a> {
    sink: Box<dyn Sink>,
    detector: &'a Detector,
    schema: Schema,
    kept: Kept,
    decides: bool,
    explain: bool,
    detected: Detected,
}

impl<'a> Writer<'a> {
    fn new(
        detector: &'a Detector,
        rows: &Subset<Any>,
        options: Options<'_>,
        decides: bool,
        kept: Kept,
    ) -> Result<Self> {
        let mut columns = kept.columns();
        columns.push(Column::kept("score", ColumnKind::Number));
        if detector.record.calibration.is_some() {
            columns.push(Column::kept("p_value", ColumnKind::Number));
        }
        if decides {
            columns.push(Column::kept("anomaly", ColumnKind::Boolean));
        }
        let explain = decides && options.explain;
        if explain {
            columns.extend(reasons::schema());
        }
        let schema = Schema { sample: Sample::Table, columns };
        let sink_options = SinkOptions { force: options.force, ..SinkOptions::default() };
        let sink = sink::create(options.path, &schema, &sink_options)?;
        let detected = Detected { alarms: decides.then_some(0), ..Detected::default() };
        Ok(Self { sink, detector, schema: rows.source().schema().clone(), kept, decides, explain, detected })
    }

    fn write<'w>(
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
            columns.push(ColumnData::Numbers(scores.iter().map(p_value).collect()));
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
        self.detected.rows += scores.len();
        self.detected.unscored += scores.iter().filter(|score| score.is_nan()).count();
        let raised = alarms.iter().filter(|alarm| **alarm).count();
        self.detected.alarms = self.detected.alarms.map(|alarms| alarms + raised);
        Ok(self.sink.write(&Block { rows: scores.len(), dense: Vec::new(), columns })?)
    }

    fn reason(&self, block: &Block, row: usize, (column, share, expected): &(usize, f64, Option<String>)) -> Reason {
        let name = &self.detector.columns()[*column];
        let observed = reasons::text(&self.schema, block, row, name, *column);
        Reason { column: name.clone(), share: *share, observed, expected: expected.clone() }
    }

    fn finish(self, threshold: Option<f64>) -> Result<Detected> {
        self.sink.finish()?;
        Ok(Detected { threshold, ..self.detected })
    }
}
