//! The progress bar on stderr, and remarks printed above it.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use narrows::narrows_train::{Best, BoxError, Ending, Evaluation, Flow, Observer, Outcome, Plan, StepReport};
use tracing_subscriber::fmt::MakeWriter;

/// The bar that is shown now, if any.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows `bar` and prints remarks above it until it is dropped.
fn show(bar: Option<ProgressBar>) {
    if let Ok(mut shown) = SHOWN.lock() {
        *shown = bar;
    }
}

/// A bar over `length` somethings; hidden with `quiet` or where stderr is no terminal.
pub(crate) fn bar(length: u64, template: &str, quiet: bool) -> ProgressBar {
    let hidden = quiet || !io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(8) };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━━ "));
    }
    show(Some(bar.clone()));
    bar
}

/// A bar over rows.
pub(crate) fn rows(length: u64, quiet: bool) -> ProgressBar {
    bar(length, "{bar:32} {percent:>3}%  {human_pos} rows  {per_sec}  {eta} left", quiet)
}

/// Takes the bar away.
pub(crate) fn end(bar: &ProgressBar) {
    bar.finish_and_clear();
    show(None);
}

/// Follows training: rate, loss, best held-out loss, remaining time.
pub(crate) struct Training {
    quiet: bool,
    bar: Option<ProgressBar>,
    loss: f64,
    held_out: Option<f64>,
    samples: u64,
    since: std::time::Instant,
}

impl Training {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, bar: None, loss: f64::NAN, held_out: None, samples: 0, since: std::time::Instant::now() }
    }

    fn message(&self) -> String {
        let rate = self.samples as f64 / self.since.elapsed().as_secs_f64().max(1e-9);
        let held_out = self.held_out.map(|loss| format!("  held-out {loss:.4}")).unwrap_or_default();
        format!("{rate:.0} samples/s  loss {:.4}{held_out}", self.loss)
    }
}

impl Observer for Training {
    fn started(&mut self, step: u64, plan: &Plan) -> Result<(), BoxError> {
        let bar = bar(plan.steps, "{bar:32} {percent:>3}%  {msg}  {eta} left", self.quiet);
        bar.set_position(step);
        bar.enable_steady_tick(Duration::from_millis(250));
        self.since = std::time::Instant::now();
        self.bar = Some(bar);
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Result<Flow, BoxError> {
        self.samples += report.samples as u64;
        if let Some(group) = report.groups.first() {
            self.loss = if self.loss.is_nan() { group.loss } else { 0.98 * self.loss + 0.02 * group.loss };
        }
        if let Some(bar) = &self.bar {
            bar.set_position(report.step);
            if report.logged {
                bar.set_message(self.message());
            }
        }
        Ok(Flow::Continue)
    }

    fn evaluated(&mut self, step: u64, evaluation: &Evaluation, _: Option<Best>) -> Result<(), BoxError> {
        self.held_out = Some(evaluation.loss);
        tracing::debug!("step {step}: held-out loss {:.5}", evaluation.loss);
        Ok(())
    }

    fn ended(&mut self, outcome: &Outcome) -> Result<(), BoxError> {
        if let Some(bar) = self.bar.take() {
            end(&bar);
        }
        if self.samples == 0 {
            let all = if outcome.ending == Ending::Completed { "all " } else { "" };
            tracing::info!("{all}{} steps were done before", outcome.step);
            return Ok(());
        }
        let seconds = self.since.elapsed().as_secs_f64();
        tracing::info!("{} steps in {seconds:.1} s: {}", outcome.step, self.message());
        Ok(())
    }
}

/// Writes remarks to stderr above the bar.
pub(crate) struct Above;

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let shown = SHOWN.lock().ok().and_then(|shown| shown.clone());
        match shown {
            Some(bar) if !bar.is_hidden() => bar.suspend(|| io::stderr().write_all(bytes))?,
            _ => io::stderr().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Above {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
