//! From a file to a file of scores, p-values and alarms: as many rows out as in, in the same order.

use std::collections::BTreeMap;
use std::path::Path;

use narrows_data::sink::{self, SinkFormat, SinkOptions};
use narrows_data::{Any, Block, Portion, Restart, Role, Schema, Source, Subset, in_order};

use super::gaps::Gaps;
use super::overview::Picture;
use super::remarkable::Remarkable;
use super::scoring::{Collected, ROWS, Scoring};
use super::silent::Silent;
use super::writer::{Writer, columns};
use super::{Alarm, Detected, Rule};
use crate::batches::batch;
use crate::{Error, Model, Result};

/// What is written, and where.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// A path whose extension says the format; `-` is standard output: an Arrow stream where one comes in, else CSV.
    pub path: &'a Path,
    /// Whether an existing file is replaced.
    pub force: bool,
    /// Columns of the input that are carried along.
    pub keep: &'a [String],
    /// What is an alarm; `None`: the usual rate, and no alarms where the model has no calibration.
    pub rule: Option<Rule>,
    /// Whether each alarm gets its reasons.
    pub explain: bool,
    /// A picture of the scores.
    pub chart: Option<Chart<'a>>,
}

/// A picture of the scores of a file.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// The SVG file.
    pub path: &'a Path,
    /// What stands above.
    pub title: &'a str,
}

/// Scores `rows` and writes `score`, `p_value`, `anomaly` and, if asked for, the reasons of each alarm.
///
/// # Errors
/// The rows cannot be read or do not fit the model, the rule needs a calibration that the model lacks, or
/// the file cannot be written.
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
    let source = rows.source().as_ref();
    let kept = crate::transform::kept(source, &with_time(source.schema(), options.keep), false)?;
    let explain = options.explain && alarm.is_some();
    let batches = source.is_arrow_stream() && options.path == Path::new("-");
    let format = batches.then_some(SinkFormat::ArrowStream);
    let sink_options = SinkOptions { force: options.force, format, ..SinkOptions::default() };
    let sink = sink::create(options.path, &columns(detector, &kept, alarm.is_some(), explain), &sink_options)?;
    let mut writer = Writer::new(detector, source.schema(), sink, kept, (alarm.is_some(), explain));
    writer.picture = options.chart.map(|chart| Picture::create(chart.path, chart.title, options.force)).transpose()?;
    let gaps = Gaps::new(model, source.schema(), rows);
    let run =
        Run { scoring: Scoring { model, detector, alarm, explain }, writer, gaps, silent: Silent::default(), progress };
    let mut detected = match alarm {
        Some(Alarm::Batch(share)) => run.in_two_passes(rows, Some(share)),
        _ if windowed => run.in_two_passes(rows, None),
        _ => run.streaming(rows),
    }?;
    detected.remarks.extend(Rule::remark(options.rule, calibration));
    Ok(detected)
}

/// The columns to carry along: also the time, where there is one, which says what a score belongs to.
pub(super) fn with_time(schema: &Schema, keep: &[String]) -> Vec<String> {
    let mut keep = keep.to_vec();
    if let Some(time) = schema.role(Role::Time) {
        let name = &schema.columns[time].name;
        if !keep.contains(name) {
            keep.insert(0, name.clone());
        }
    }
    keep
}

struct Run<'a, P> {
    scoring: Scoring<'a>,
    writer: Writer<'a>,
    gaps: Option<Gaps>,
    silent: Silent,
    progress: P,
}

impl<P: FnMut(usize)> Run<'_, P> {
    /// Scores and writes portion by portion.
    fn streaming(mut self, rows: &Subset<Any>) -> Result<Detected> {
        let Scoring { model, detector, explain, .. } = self.scoring;
        let source = rows.source().clone();
        let mut remarkable = Remarkable::new(detector);
        for portion in in_order(rows, &model.preparation, ROWS)?.with_values().with_notices() {
            let Portion { rows, numbers, values, notices } = portion?;
            remarkable.add(notices);
            let batch = batch(rows, &model.preparation.layout().dims)?;
            let evidence = detector.evidence(model.network.as_ref(), &batch)?;
            let base = detector.scores(&evidence);
            let scores: Vec<f64> = numbers.iter().zip(base).map(|(row, base)| remarkable.score(*row, base)).collect();
            let raised = |row: usize| !remarkable.blank().contains(&numbers[row]) && self.scoring.raised(scores[row]);
            let alarms: Vec<bool> = (0..scores.len()).map(raised).collect();
            let raised: Vec<(usize, usize)> =
                (0..alarms.len()).filter(|&row| alarms[row]).map(|row| (row, numbers[row])).collect();
            let whys =
                if explain { self.scoring.whys(&batch, &raised, &evidence, &remarkable)? } else { BTreeMap::new() };
            self.writer.detected.blank += remarkable.blank().len();
            let values = values.unwrap_or_default();
            self.watch(source.schema(), &values);
            self.writer.write(values, &scores, &alarms, |row| whys.get(&numbers[row]))?;
            remarkable.forget_rows();
            (self.progress)(numbers.len());
        }
        self.finish(source.as_ref(), &remarkable, &[])
    }

    fn watch(&mut self, schema: &Schema, block: &Block) {
        if let Some(gaps) = &mut self.gaps {
            gaps.add(block);
        }
        self.silent.add(schema, block, |name| self.scoring.detector.columns().iter().any(|column| column == name));
    }

    fn finish(mut self, source: &dyn Source, remarkable: &Remarkable<'_>, restarts: &[Restart]) -> Result<Detected> {
        let detected = &mut self.writer.detected;
        detected.note(self.scoring.model, source, remarkable, restarts);
        let whole: Vec<&str> = detected.empty_columns.iter().map(String::as_str).collect();
        let died = self.silent.columns().filter(|(name, _)| !whole.contains(name));
        let died: Vec<String> =
            died.map(|(name, rows)| format!("column `{name}`: no value in the last {rows} rows")).collect();
        detected.remarks.extend(died);
        if let Some(gaps) = &self.gaps {
            (detected.jumps, detected.backwards) = (gaps.jumps, gaps.backwards);
            let windowed = self.scoring.model.preparation.window().is_some();
            detected.remarks.extend(gaps.sentences(source, windowed));
        }
        self.writer.finish(self.scoring.alarm.and_then(Alarm::threshold))
    }

    /// Scores everything, then decides and writes: for windows, whose rows are scored by several of them, and for rules that
    /// look at a whole batch.
    fn in_two_passes(mut self, rows: &Subset<Any>, false_share: Option<f64>) -> Result<Detected> {
        let Collected { scores, whys, remarkable, restarts } = self.scoring.collect(rows, &mut self.progress)?;
        let conformal = self.scoring.detector.record.calibration.as_ref().map(|calibration| &calibration.scores);
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
                let (alarm, score) = (self.scoring.alarm?, *scores.get(number)?);
                let p_value = conformal.map_or(f64::NAN, |conformal| conformal.p_value(score));
                Some(alarm.raised(score, p_value, limit))
            };
            let alarms: Vec<bool> = numbers.iter().map(|number| raised(number).unwrap_or(false)).collect();
            self.watch(source.schema(), &block);
            self.writer.write(block, &of, &alarms, |row| whys.get(&numbers[row]))?;
        }
        self.writer.detected.blank = remarkable.blank().len();
        self.finish(source.as_ref(), &remarkable, &restarts)
    }
}
