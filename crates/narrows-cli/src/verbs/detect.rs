//! `narrows detect`: scores, p-values, alarms and their reasons.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;
use narrows::Model;
use narrows::detect::{Chart, Detected, Event, FollowOptions, Followed, Options, Rule, counted, detect, follow};
use narrows::transform::Output;

use super::Result;
use super::evaluate::number;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::{OutputOptions, SplitName, not_the_input};
use crate::terminal::progress;

/// Options of `narrows detect`.
#[derive(Args, Debug)]
pub(crate) struct Detect {
    /// A model file or a run directory.
    model: PathBuf,
    /// A file, a directory, `-` for standard input, or a dataset's name.
    data: String,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    rule: RuleOptions,
    /// Give each alarm its columns in the order of their share of the score, with observed and expected values.
    #[arg(long)]
    explain: bool,
    /// Draw the scores along the rows, with the threshold and the alarms.
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Which rows; a split other than `all` divides the data as in training.
    #[arg(long, value_enum, default_value_t)]
    split: SplitName,
    /// The first rows only.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Score CSV or JSON lines as they are appended to the file or come from standard input, until Ctrl-C. A restart goes
    /// on where it stopped (OUT.state).
    #[arg(long, conflicts_with_all = ["split", "limit", "fdr", "chart"], help_heading = "Streams")]
    follow: bool,
    /// Accept this many false alarms a day; the time between rows turns them into a rate.
    #[arg(long, value_name = "N", requires = "follow", help_heading = "Streams")]
    #[arg(conflicts_with_all = ["fpr", "tail", "mad", "from_score"])]
    alarms_per_day: Option<f64>,
}

/// What makes a score an alarm: one of these.
#[derive(Args, Clone, Copy, Debug)]
#[group(multiple = false)]
pub(crate) struct RuleOptions {
    /// At most this rate of false alarms among normal rows, guaranteed by held-out rows; 0.01 where nothing is asked for.
    #[arg(long, value_name = "RATE", help_heading = "Alarms")]
    fpr: Option<f64>,
    /// At most this share of false ones among the alarms of the file (Benjamini-Hochberg).
    #[arg(long, value_name = "SHARE", help_heading = "Alarms")]
    fdr: Option<f64>,
    /// This rate of false alarms by the fitted tail of normal scores, for rates below what the held-out rows can show.
    #[arg(long, value_name = "RATE", help_heading = "Alarms")]
    tail: Option<f64>,
    /// This rate of false alarms by median and median absolute deviation, where held-out rows may hold anomalies.
    #[arg(long, value_name = "RATE", help_heading = "Alarms")]
    mad: Option<f64>,
    /// Scores from this one on.
    #[arg(long, value_name = "SCORE", help_heading = "Alarms", allow_negative_numbers = true, value_parser = score)]
    from_score: Option<f64>,
}

/// A score: any number that is one.
fn score(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(score) if score.is_finite() => Ok(score),
        _ => Err("expected a finite number".into()),
    }
}

impl RuleOptions {
    /// The rule asked for, if any.
    pub(crate) fn rule(self) -> Option<Rule> {
        let rate = self.fpr.map(|rate| Rule::Conformal(Some(rate)));
        let share = self.fdr.map(Rule::FalseDiscovery);
        rate.or(share).or(self.tail.map(Rule::Tail)).or(self.mad.map(Rule::Mad)).or(self.from_score.map(Rule::Score))
    }
}

impl Detect {
    /// Reads, scores and writes.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let stop = if self.follow { Some(super::train::interruption()?) } else { None };
        let model = Model::load(&self.model)?;
        let target = self.output.target(&self.data)?;
        if let Some(stop) = stop {
            return self.follow(&model, target, &stop, shared);
        }
        if let Some(chart) = &self.chart {
            not_the_input(chart, &self.data)?;
        }
        let source = model.open_to_detect(&self.data, shared.data_dir.as_deref(), target.keep)?;
        let rows = narrows::rows(&model, source, self.split.into(), self.limit)?;
        let rule = self.rule.rule();
        let title = format!("Scores of {}", self.data);
        let options = Options {
            path: target.path,
            force: target.force,
            keep: target.keep,
            rule,
            explain: self.explain,
            chart: self.chart.as_deref().map(|path| Chart { path, title: &title }),
        };
        let bar = progress::rows(rows.rows() as u64, shared.quiet);
        let detected = detect(&model, &rows, options, |rows| bar.inc(rows as u64))?;
        progress::end(&bar);
        self.summary(&detected, shared)?;
        tell(&detected);
        self.output.done(detected.rows, "score");
        Ok(Outcome::Done)
    }

    /// What was found as JSON; on standard error where the scores are on standard output.
    fn summary(&self, found: &impl serde::Serialize, shared: &Shared) -> Result<()> {
        let text = if shared.json { serde_json::to_string(found)? } else { return Ok(()) };
        if self.output.is_stdout() { Ok(writeln!(std::io::stderr(), "{text}")?) } else { Ok(say!("{text}")?) }
    }

    /// Scores what comes until a signal or the end of standard input.
    fn follow(&self, model: &Model, target: Output<'_>, stop: &AtomicBool, shared: &Shared) -> Result {
        let options = FollowOptions {
            input: &self.data,
            path: target.path,
            force: target.force,
            keep: target.keep,
            rule: self.rule.rule(),
            per_day: self.alarms_per_day,
            explain: self.explain,
        };
        let mut told = 0;
        let followed = follow(model, options, stop, &mut |event| tell_event(event, &mut told))?;
        self.summary(&followed, shared)?;
        let Followed { rows, unscored, unseen, unreadable, skipped, alarms, threshold, .. } = followed;
        tell(&Detected { rows, alarms, threshold, ..Detected::default() });
        for (count, of, what) in [
            (unscored, "row", "without a score, because no window holds them or they hold no value"),
            (unseen, "cell", "with values that no training row had"),
            (unreadable, "cell", "unreadable, counted as missing"),
            (skipped, "line", "skipped, because they are no rows"),
        ] {
            if count > 0 {
                tracing::warn!("{what}: {}", counted(count, of));
            }
        }
        self.output.done(rows, "score");
        Ok(Outcome::Done)
    }
}

/// Skipped lines and remarkable cells that are told one by one.
const TOLD: usize = 20;

fn tell_event(event: &Event, told: &mut usize) {
    match event {
        Event::Skipped { .. } | Event::Unreadable { .. } | Event::Unseen { .. } => {
            *told += 1;
            if *told <= TOLD {
                tracing::warn!("{event}");
            }
            if *told == TOLD {
                tracing::warn!("further lines and cells of this sort are counted only");
            }
        }
        Event::Continued { .. } | Event::Budget { .. } => tracing::info!("{event}"),
        _ => tracing::warn!("{event}"),
    }
}

/// What was found, on stderr: stdout may be the data.
fn tell(detected: &Detected) {
    match (detected.alarms, detected.threshold) {
        (Some(alarms), Some(threshold)) => {
            let (alarms, rows) = (counted(alarms, "alarm"), counted(detected.rows, "row"));
            tracing::info!("{alarms} in {rows}, above a score of {}", number(threshold));
        }
        (Some(alarms), None) => {
            tracing::info!("{} in {}", counted(alarms, "alarm"), counted(detected.rows, "row"));
        }
        (None, _) => tracing::warn!("scores only: the model has no calibration to say which of them are alarms"),
    }
    for remark in &detected.remarks {
        tracing::warn!("{remark}");
    }
}
