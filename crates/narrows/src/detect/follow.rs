//! Scores for a stream as it comes: each whole line is a row, scored as soon as the rows that its score needs are there, in
//! bounded memory. What is written equals what [`detect`](super::detect) writes of the same rows.
//!
//! A row of windows waits for the last window that holds it, `window - 1` rows; with `detect.causal = true` it does not
//! wait. After every portion the output is synced, then the state beside it: a restart cuts the output to what the state
//! knows and goes on there, so that no row is written twice or lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::arriving::{Arrived, Arriving, Place};
use super::clock::Step;
use super::event::Event;
use super::followed::{FollowOptions, Followed};
use super::pipeline::with_time;
use super::scoring::{Collected, ROWS, Scoring};
use super::state::{Asked, State};
use super::writer::{Writer, columns};
use super::{Alarm, Detector, Rule};
use crate::{Error, Model, Result};
use narrows_data::sink::{GrowingFile, SinkFormat};
use narrows_data::{Line, Lines, OpenOptions, Role, Source, Subset};

/// How often a file is asked whether it grew.
const POLL: Duration = Duration::from_millis(100);
/// Rows that may wait for the rate at which they come.
const UNTIMED: usize = 10_000;

/// Scores what `options.input` holds and what is appended to it until `stop` is set or standard input ends; tells `see` what
/// is remarkable.
///
/// # Errors
/// The model has no detector or is none of tables, the rule cannot decide row by row, columns are missing, the state belongs
/// to another model or input, or the output cannot be written.
pub fn follow(
    model: &Model,
    options: FollowOptions<'_>,
    stop: &AtomicBool,
    see: &mut dyn FnMut(&Event),
) -> Result<Followed> {
    let mut follower = Follower::new(model, options, see)?;
    let mut arriving = Arriving::open(options.input, &follower.state.place)?;
    while !stop.load(Ordering::Relaxed) {
        match arriving.next(POLL)? {
            Arrived::Nothing => {}
            Arrived::Line(line) => {
                follower.line(line)?;
                if !arriving.has_line() || follower.state.tail.len() - follower.state.written >= ROWS {
                    follower.advance(false)?;
                    follower.save(arriving.place())?;
                }
            }
            Arrived::Anew => {
                (follower.see)(&Event::Anew);
                follower.before = follower.lines.take().or(follower.before.take());
                follower.state.line = 0;
            }
            Arrived::End if follower.lines.is_none() => {
                let expected = "a header and rows, or JSON objects";
                return Err(narrows_data::Error::Empty { path: "standard input".into(), expected }.into());
            }
            Arrived::End => {
                follower.advance(true)?;
                follower.save(arriving.place())?;
                break;
            }
        }
    }
    Ok(follower.state.counts)
}

/// Whether a line is a row whose cells can all be read.
fn is_row(lines: &Lines, bytes: &[u8], number: u64) -> bool {
    matches!(lines.row(bytes, number), Ok(Some(line)) if line.unreadable.is_empty())
}

struct Follower<'a> {
    model: &'a Model,
    detector: &'a Detector,
    options: FollowOptions<'a>,
    open: OpenOptions,
    /// What is an alarm, once that is known.
    alarm: Option<Alarm>,
    decides: bool,
    lines: Option<Lines>,
    /// How lines were read before the file began anew.
    before: Option<Lines>,
    writer: Option<Writer<'a, GrowingFile>>,
    /// Whether the output is continued.
    resumed: bool,
    state: State,
    see: &'a mut dyn FnMut(&Event),
}

impl<'a> Follower<'a> {
    fn new(model: &'a Model, options: FollowOptions<'a>, see: &'a mut dyn FnMut(&Event)) -> Result<Self> {
        let detector = model.detector.as_ref().ok_or(Error::NoDetector)?;
        let calibration = detector.record.calibration.as_ref();
        let refuse = |reason: &str| Err(Error::Detect { reason: reason.into() });
        let schema = model.document.schema();
        if !schema.sample.is_table() {
            return refuse(
                "rows of named columns can be followed line by line, and this model was trained on an array",
            );
        }
        let alarm = match (options.per_day, options.rule, calibration) {
            (Some(_), _, None) => return Err(Error::NoCalibration),
            (Some(_), ..) if schema.role(Role::Time).is_none() => {
                return refuse("alarms a day need the time of rows; train with --time, or give a rate (--fpr)");
            }
            (Some(number), ..) if !(number > 0.0 && number.is_finite()) => {
                return refuse("alarms a day: expected a number above 0");
            }
            (None, None, None) | (Some(_), ..) => None,
            (None, rule, calibration) => match rule.unwrap_or(Rule::Conformal(None)).ready(calibration)? {
                Alarm::Batch(_) => return refuse("a rate of false discoveries needs all rows at once; give --fpr"),
                alarm => Some(alarm),
            },
        };
        let document =
            serde_json::to_string(&model.document).map_err(|error| Error::Detect { reason: error.to_string() })?;
        let digest = crate::digest::of(document.as_bytes());
        let saved = options.path != Path::new("-");
        let FollowOptions { rule, per_day, explain, .. } = options;
        let asked = Asked { keep: options.keep.to_vec(), explain, rule, per_day };
        let old =
            if saved && !options.force { State::read(options.path, &digest, options.input, &asked)? } else { None };
        if saved && !options.force && old.is_none() && options.path.exists() {
            return Err(Error::OutputFileExists { path: options.path.into() });
        }
        let resumed = old.is_some();
        let mut state = old.unwrap_or_else(|| State::new(&digest, options.input, asked));
        let open = OpenOptions { keep: options.keep.to_vec(), ..model.open_options() };
        let decides = alarm.is_some() || options.per_day.is_some();
        state.counts.alarms = state.counts.alarms.or(decides.then_some(0));
        let (lines, before, writer) = (None, None, None);
        let mut follower =
            Self { model, detector, options, open, alarm, decides, lines, before, writer, resumed, state, see };
        if resumed {
            (follower.see)(&Event::Continued { rows: follower.state.counts.rows });
            // What comes through a pipe has a first line of its own.
            if let Some(first) = follower.state.first.clone().filter(|_| options.input != "-") {
                follower.begin(&first)?;
            } else {
                (follower.state.line, follower.state.place) = (0, Place::default());
            }
        }
        Ok(follower)
    }

    fn window(&self) -> usize {
        self.model.preparation.window().map_or(1, narrows_data::Window::length)
    }

    /// Rows before a row that its score depends on.
    fn context(&self) -> usize {
        self.window() + self.open.smooth.unwrap_or(1).max(1) - 2
    }

    /// Writes all rows that wait, because those that come have their columns in other places.
    fn close(&mut self) -> Result<()> {
        if let Some(before) = self.before.take() {
            self.lines = Some(before);
            self.advance(true)?;
        }
        self.state.tail.clear();
        self.state.written = 0;
        Ok(())
    }

    /// Takes the first line: what the columns are.
    fn begin(&mut self, first: &str) -> Result<()> {
        let origin = if self.options.input == "-" { "standard input" } else { self.options.input };
        let lines = Lines::new(origin, first, &self.open)?;
        if !lines.are_objects() && self.state.first.as_deref().is_some_and(|known| known != first) {
            self.close()?;
        }
        let keep = with_time(lines.schema(), self.options.keep);
        let kept = crate::transform::kept_columns(lines.schema(), origin, &keep, false)?;
        if let Some(writer) = &mut self.writer {
            writer.take_rows_of(lines.schema(), kept);
        } else {
            let explain = self.options.explain && self.decides;
            let schema = columns(self.detector, &kept, self.decides, explain);
            let objects = lines.are_objects() && self.options.path == Path::new("-");
            let length = self.resumed.then_some(self.state.output.offset);
            let format = objects.then_some(SinkFormat::Jsonl);
            let file = GrowingFile::open(self.options.path, &schema, format, self.options.force, length)?;
            let mut writer = Writer::new(self.detector, lines.schema(), Box::new(file), kept, (self.decides, explain));
            let counts = &self.state.counts;
            writer.detected.rows = counts.rows;
            writer.detected.unscored = counts.unscored;
            writer.detected.alarms = writer.detected.alarms.map(|none| counts.alarms.unwrap_or(none));
            self.writer = Some(writer);
        }
        self.state.first = Some(first.to_owned());
        self.lines = Some(lines);
        Ok(())
    }

    fn line(&mut self, line: Option<Vec<u8>>) -> Result<()> {
        self.state.line += 1;
        let number = self.state.line;
        let Some(bytes) = line else {
            self.skip(format!("line {number} is longer than any row"));
            return Ok(());
        };
        if self.lines.is_none() {
            let first = String::from_utf8_lossy(&bytes).into_owned();
            if first.trim().is_empty() {
                return Ok(());
            }
            if let Some(what) = narrows_data::binary_format(&bytes) {
                let (path, found) = (self.options.input.into(), format!("{what}, which is not followed line by line"));
                let advice = "pipe text (through gunzip, if it is compressed), or leave --follow out".into();
                return Err(narrows_data::Error::Unsupported { path, found, advice }.into());
            }
            match (self.begin(&first), self.before.take()) {
                // A log that was cut in place goes on without a header.
                (Err(_), Some(before)) if is_row(&before, &bytes, number) => self.lines = Some(before),
                (begun, _) => {
                    begun?;
                    if self.lines.as_ref().is_some_and(|lines| !lines.are_objects()) {
                        return Ok(());
                    }
                }
            }
        }
        match self.lines.as_ref().map(|lines| lines.row(&bytes, number)) {
            Some(Ok(Some(line))) => self.row(line, number)?,
            Some(Err(error)) => self.skip(error.to_string()),
            _ => {}
        }
        Ok(())
    }

    fn skip(&mut self, reason: String) {
        self.state.counts.skipped += 1;
        (self.see)(&Event::Skipped { reason });
    }

    fn row(&mut self, Line { text, time, unreadable }: Line, line: u64) -> Result<()> {
        for reason in unreadable {
            self.state.counts.unreadable += 1;
            (self.see)(&Event::Unreadable { reason });
        }
        match self.state.clock.tick(time) {
            Step::Usual => {}
            Step::Jump(seconds) => {
                self.state.counts.jumps += 1;
                (self.see)(&Event::Jump { line, seconds });
            }
            Step::Backwards(seconds) => {
                self.state.counts.backwards += 1;
                (self.see)(&Event::Backwards { line, seconds });
                if self.window() > 1 {
                    // No window reaches over a place where time goes backwards.
                    self.advance(true)?;
                    self.state.tail.clear();
                    self.state.written = 0;
                }
            }
        }
        self.state.tail.push(text);
        Ok(())
    }

    /// Makes the rule ready, if it must and can be.
    fn decide(&mut self, end: bool) -> Result<bool> {
        let Some(per_day) = self.options.per_day.filter(|_| self.alarm.is_none()) else { return Ok(true) };
        let clock = &self.state.clock;
        if !clock.is_settled() && !end && self.state.tail.len() < UNTIMED {
            return Ok(false);
        }
        let Some(step) = clock.usual().filter(|step| *step > 0.0) else {
            let reason = "alarms a day: the time of rows does not say how often they come; give a rate (--fpr)".into();
            return Err(Error::Detect { reason });
        };
        let rate = per_day * step / 86_400.0;
        if rate > 0.5 {
            let rows = 86_400.0 / step;
            let reason =
                format!("{per_day} false alarms a day are more than half of the {rows} rows of a day; ask for fewer");
            return Err(Error::Detect { reason });
        }
        let calibration = self.detector.record.calibration.as_ref();
        let smallest = calibration.map_or(1.0, |calibration| 1.0 / (calibration.rows + 1) as f64);
        let rule = if rate >= smallest { Rule::Conformal(Some(rate)) } else { Rule::Tail(rate) };
        self.alarm = Some(rule.ready(calibration)?);
        let few = calibration.filter(|_| rate < smallest).map(|calibration| calibration.rows);
        (self.see)(&Event::Budget { per_day, step, rate, few });
        Ok(true)
    }

    /// Scores and writes the rows that wait for no other; at the end all.
    fn advance(&mut self, end: bool) -> Result<()> {
        let context = self.context();
        let hold = if end || self.detector.record.config.causal { 0 } else { self.window() - 1 };
        let (count, written) = (self.state.tail.len(), self.state.written);
        let ready = count.saturating_sub(hold);
        if ready <= written || !self.decide(end)? {
            return Ok(());
        }
        let (Some(lines), Some(writer)) = (&self.lines, &mut self.writer) else { return Ok(()) };
        let explain = self.options.explain && self.decides;
        let scoring = Scoring { model: self.model, detector: self.detector, alarm: self.alarm, explain };
        let source: Arc<dyn Source> = lines.source(&self.state.tail)?.into();
        let Collected { scores, whys, remarkable, .. } = scoring.collect(&Subset::all(source.clone()), |_| ())?;
        let places: Vec<usize> = (written..ready).collect();
        let of: Vec<f64> = places.iter().map(|place| scores.get(place).copied().unwrap_or(f64::NAN)).collect();
        let raised = |place| scores.get(place).is_some_and(|score| scoring.raised(*score));
        let alarms: Vec<bool> = places.iter().map(raised).collect();
        let block = source.read(0)?.select(&places);
        let first = writer.detected.rows + 1;
        for (at, place) in places.iter().enumerate() {
            for column in remarkable.unseen(*place) {
                self.state.counts.unseen += 1;
                let column = self.detector.name(*column).to_owned();
                (self.see)(&Event::Unseen { row: first + at, column });
            }
        }
        let read = |name: &str| self.detector.columns().iter().any(|column| column == name);
        for column in self.state.silent.add(source.schema(), &block, read) {
            (self.see)(&Event::Silent { column, row: writer.detected.rows + places.len() });
        }
        writer.write(block, &of, &alarms, |row| whys.get(&(written + row)))?;
        if let Some(calibration) = &self.detector.record.calibration {
            for score in of.iter().filter(|score| !score.is_nan()) {
                let p_value = calibration.scores.p_value(*score);
                if let Some(change) = self.state.drift.add(p_value, calibration.rows, context + 1) {
                    self.state.counts.drifts += usize::from(change.drifting);
                    (self.see)(&Event::drift(change));
                }
            }
        }
        let stride = self.model.preparation.window().map_or(1, narrows_data::Window::stride);
        let past = ready.saturating_sub(context) / stride * stride;
        self.state.tail.drain(..past);
        self.state.written = ready - past;
        Ok(())
    }

    /// Puts what was written on disk, then what a restart needs.
    fn save(&mut self, place: Place) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let (length, tail) = (writer.sink.sync()?, writer.sink.tail());
        if !tail.is_empty() {
            self.state.output = Place::behind(length, tail);
        }
        self.state.place = place;
        let counts = &mut self.state.counts;
        (counts.rows, counts.unscored) = (writer.detected.rows, writer.detected.unscored);
        (counts.alarms, counts.threshold) = (writer.detected.alarms, self.alarm.and_then(Alarm::threshold));
        if self.options.path == Path::new("-") { Ok(()) } else { self.state.write(self.options.path) }
    }
}
